"""How it ended for the people on the phone.

The parties report what they themselves can know; this file puts the two ends of a call together
and finds the one word for it. Rules (they decide every lesson, so they are few):

* The earliest failure names the outcome.
* Audio is judged once a call was answered at both ends, or rings with audio; its failure counts
  from the beginning of the part of the call (`conversation.py`) in which it failed.
* A listener hears the talker when at least half of what was said in that part arrived. On hold only
  who plays music is to be heard.
"""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import NamedTuple

from appliance.parties.audio import NO_RTCP_CAME
from appliance.parties.party import Report, What
from appliance.sim.conversation import ON_HOLD, Conversation, Direction
from appliance.sim.deeds import STILL_HEARS

BOTH_WAYS = "both-ways"
ONE_WAY_AUDIO = "one-way-audio"
NO_AUDIO = "no-audio"
NOT_REACHED = "not-reached"
CALL_DROPPED = "call-dropped"
REGISTRATION_FAILED = "registration-failed"
REGISTRATION_LOST = "registration-lost"
REJECTED = "rejected"

WORDS = {  # as a person says them
    BOTH_WAYS: "both ways",
    ONE_WAY_AUDIO: "one-way audio",
    NO_AUDIO: "no audio",
    NOT_REACHED: "not reached",
    CALL_DROPPED: "call dropped",
    REGISTRATION_FAILED: "registration failed",
    REGISTRATION_LOST: "registration lost",
    REJECTED: "rejected",
}
NOT_YET = "is not registered yet"

RINGS = "nobody picks up"


class Outcome(NamedTuple):
    """One of `WORDS`, a sentence that begins with it, and the counts it rests on."""

    outcome: str
    sentence: str
    evidence: dict[str, object]


class Failure(NamedTuple):
    """`at` is when it went wrong (seconds), not when it was noticed; `noticed` is when `who` did.
    `silent` are the directions of audio, or of RTCP, in which too little was heard, in a part of a
    call that was over at `over`. `call` is the number of the call that it is about; 0 if it is
    about none."""

    at: float
    outcome: str
    detail: str
    who: str = ""
    noticed: float = 0.0
    silent: tuple[Direction, ...] = ()
    call: int = 0
    over: float = inf


class Judge:
    """Hears all reports and keeps the score."""

    def __init__(self) -> None:
        self.conversations: list[Conversation] = []
        self._registering: list[str] = []
        self._failures: list[Failure] = []
        self._with_service: set[str] = set()
        self._counts = {
            "registrations_tried": 0,
            "registrations_accepted": 0,
            "calls_tried": 0,
            "calls_reached": 0,
            "calls_answered": 0,
            "messages_discarded": 0,
        }
        self._discarded: dict[str, Counter[str]] = {}
        self._hearers = {
            What.REGISTRATION_TRIED: self._registration_tried,
            What.REGISTRATION_ACCEPTED: self._registration_accepted,
            What.REGISTRATION_REFUSED: self._registration_failed,
            What.REGISTRATION_UNANSWERED: self._registration_failed,
            What.CALL_TRIED: self._call_tried,
            What.CALL_REACHED: self._call_reached,
            What.CALL_ANSWERED: self._call_answered,
            What.CALL_REJECTED: self._call_rejected,
            What.CALL_UNREACHABLE: self._call_unreachable,
            What.CALL_DROPPED: self._call_dropped,
            What.CALL_ENDED: self._call_ended,
            What.TALKING: self._talking,
            What.RINGING_ALOUD: self._ringing_aloud,
            What.HELD: self._held,
            What.RESUMED: self._changed,
            What.MOVED: self._changed,
            What.FAXING: self._changed,
            What.CHANGE_REFUSED: self._refused,
            What.TRANSFERRED: self._transferred,
            What.TRANSFER_REFUSED: self._transfer_refused,
            What.TRANSFER_UNANSWERED: self._transfer_unanswered,
            What.CHOICE_MADE: self._choice_made,
            What.MESSAGE_DISCARDED: self._message_discarded,
        }

    def hear(self, report: Report, now: float) -> None:
        hearer = self._hearers.get(report.what)
        if hearer is not None:
            hearer(report, now)

    def failure(self) -> Failure | None:
        """The earliest failure so far, which names the outcome."""
        failures = [*self._failures, *filter(None, map(_unheard, self.conversations))]
        return min(failures, key=_when, default=None)

    def leaks(self) -> list[str]:
        """Who was heard all the same while somebody was on hold, as parts of sentences."""
        return [
            f"{part.name}, {each.listener} {STILL_HEARS} {each.talker}"
            for conversation in self.conversations
            for part, each, _ in conversation.leaks()
        ]

    def outcome(self) -> Outcome | None:
        """The verdict so far; None while there is none."""
        word, detail = self._verdict()
        return self._outcome(word, detail or self._audio_text(word)) if word else None

    def word(self) -> str:
        """The verdict so far without its sentence and evidence, which take longer to gather; empty
        while there is none."""
        return self._verdict()[0]

    def words(self) -> dict[int, str]:
        """The same of each call that has a verdict, by its number."""
        found = ((each.number, self._verdict_on(each)[0]) for each in self.conversations)
        return {number: word for number, word in found if word}

    def final(self) -> Outcome:
        """The verdict when nothing more will happen: a call that led nowhere reached nobody."""
        verdict = self.outcome()
        if verdict is not None:
            return verdict
        if not self.conversations:
            waits = f": {self._registering[0]} {NOT_YET}" if self._registering else ""
            return self._outcome(NOT_REACHED, f"nobody was called{waits}")
        last = self.conversations[-1]
        detail = f"{last.caller} called {last.callee} and is still waiting"
        return self._outcome(NOT_REACHED, detail)

    def waiting(self, now: float, is_over: bool = False) -> Failure | None:
        """Who is left waiting when it ends at `now`, where nothing has failed yet and nobody was
        heard: that names the outcome then. When it `is_over`, nobody need be known to wait."""
        if self.word():
            return None
        if self.conversations:
            last = self.conversations[-1]
            detail = f"it rings at {last.callee}, and {RINGS}" if last.reached else ""
            return Failure(now, NOT_REACHED, detail, last.caller, now)
        if self._registering:
            who = self._registering[0]
            return Failure(now, NOT_REACHED, f"{who} {NOT_YET}", who, now)
        return Failure(now, NOT_REACHED, "", "", now) if is_over else None

    # --- what the reports mean --------------------------------------------------------------

    def _registration_tried(self, report: Report, now: float) -> None:
        self._counts["registrations_tried"] += 1
        if report.who not in self._registering:
            self._registering.append(report.who)

    def _registration_accepted(self, report: Report, now: float) -> None:
        self._counts["registrations_accepted"] += 1
        self._registers_no_more(report.who)
        self._with_service.add(report.who)

    def _registers_no_more(self, who: str) -> None:
        self._registering = [each for each in self._registering if each != who]

    def _registration_failed(self, report: Report, now: float) -> None:
        self._registers_no_more(report.who)
        had_service = report.who in self._with_service
        word = REGISTRATION_LOST if had_service else REGISTRATION_FAILED
        detail = f"{report.who} got {report.detail}{self._why_discarded(report.who)}"
        self._failures.append(Failure(now, word, detail, report.who, now))

    def _call_tried(self, report: Report, now: float) -> None:
        self._counts["calls_tried"] += 1
        number = len(self.conversations) + 1
        called = Conversation(report.who, report.peer, number, listens=report.stream)
        self.conversations.append(called)

    def _call_reached(self, report: Report, now: float) -> None:
        self._counts["calls_reached"] += 1
        self._of(report.who).reached = True

    def _call_answered(self, report: Report, now: float) -> None:
        self._counts["calls_answered"] += 1
        conversation = self._of(report.who)
        conversation.answered_at = now
        conversation.begin("talking", now, conversation.caller, conversation.callee)

    def _call_rejected(self, report: Report, now: float) -> None:
        self._call_failed(report, now, REJECTED)

    def _call_unreachable(self, report: Report, now: float) -> None:
        """The caller gave up. When it rang all the same, the answers got lost: the callee has
        somebody on the line who is not there."""
        reached = self._of(report.who).reached
        self._call_failed(report, now, CALL_DROPPED if reached else NOT_REACHED)

    def _call_dropped(self, report: Report, now: float) -> None:
        conversation = self._of(report.who)
        conversation.end(now)
        if conversation.failed() is None:
            silent = conversation.unreported(report.who) if NO_RTCP_CAME in report.detail else ()
            self._call_failed(report, now, CALL_DROPPED, silent)

    def _call_failed(
        self, report: Report, now: float, word: str, silent: tuple[Direction, ...] = ()
    ) -> None:
        conversation = self._of(report.who)
        conversation.end(now)
        detail = self._in_call(report)
        number = conversation.number
        self._failures.append(Failure(now, word, detail, report.who, now, silent, number))

    def _call_ended(self, report: Report, now: float) -> None:
        self._of(report.who).end(now)

    def _talking(self, report: Report, now: float) -> None:
        if report.stream is not None:
            self._of(report.who).streams[report.who] = report.stream

    def _ringing_aloud(self, report: Report, now: float) -> None:
        """The caller is to hear a tone before anybody has picked up."""
        conversation = self._of(report.who)
        if report.stream is not None and conversation.listens is not None:
            conversation.streams[report.who] = report.stream
            conversation.streams[conversation.caller] = conversation.listens
            conversation.begin("while it rings", now, report.who)

    def _held(self, report: Report, now: float) -> None:
        """On hold only music is to be heard."""
        music = (report.who,) if report.detail else ()
        self._of(report.who).begin(ON_HOLD, now, *music)

    def _changed(self, report: Report, now: float) -> None:
        conversation = self._of(report.who)
        conversation.begin(report.what.value, now, conversation.caller, conversation.callee)

    def _refused(self, report: Report, now: float) -> None:
        """Something was wanted in a call and not granted; the call goes on."""
        self._failed_in_call(report, now, REJECTED, self._in_call(report))

    def _transferred(self, report: Report, now: float) -> None:
        self._counts["calls_transferred"] = self._counts.get("calls_transferred", 0) + 1

    def _choice_made(self, report: Report, now: float) -> None:
        self._counts["choices_made"] = self._counts.get("choices_made", 0) + 1

    def _transfer_refused(self, report: Report, now: float) -> None:
        self._failed_in_call(report, now, REJECTED, report.detail)

    def _transfer_unanswered(self, report: Report, now: float) -> None:
        self._failed_in_call(report, now, NOT_REACHED, report.detail)

    def _failed_in_call(self, report: Report, now: float, word: str, detail: str) -> None:
        number = self._of(report.who).number
        self._failures.append(Failure(now, word, detail, report.who, now, (), number))

    def _message_discarded(self, report: Report, now: float) -> None:
        self._counts["messages_discarded"] += 1
        self._discarded.setdefault(report.who, Counter())[report.detail] += 1

    # --- in words -----------------------------------------------------------------------------

    def _verdict(self) -> tuple[str, str]:
        """The verdict's word and, where a failure has one, its detail."""
        first = self.failure()
        if first is not None:
            is_one_of_several = first.detail and first.call and len(self.conversations) > 1
            which = f" (call {first.call})" if is_one_of_several else ""
            return first.outcome, f"{first.detail}{which}"
        heard = any(each.was_heard() for each in self.conversations)
        return (BOTH_WAYS if heard else ""), ""

    def _verdict_on(self, conversation: Conversation) -> tuple[str, str]:
        """The same of one call alone."""
        own = [each for each in self._failures if each.call == conversation.number]
        silence = _unheard(conversation)
        first = min([*own, silence] if silence else own, key=_when, default=None)
        if first is not None:
            return first.outcome, first.detail
        return (BOTH_WAYS if conversation.was_heard() else ""), ""

    def _of(self, name: str) -> Conversation:
        """The newest call that `name` takes part in. By one's own name only: what the other end
        is called came over the network."""
        for conversation in reversed(self.conversations):
            if name in (conversation.caller, conversation.callee):
                return conversation
        return Conversation(name, "")

    def _in_call(self, report: Report) -> str:
        conversation = self._of(report.who)
        pair = f"{conversation.caller} called {conversation.callee}"
        return f"{pair}: {report.detail}{self._why_discarded(report.who)}"

    def _why_discarded(self, who: str) -> str:
        """What the phone threw away, most frequent reason first: often the cause of a silence."""
        reasons = self._discarded.get(who)
        if reasons is None:
            return ""
        (reason, count), *_ = reasons.most_common(1)
        return f" ({count} discarded: {reason})"

    def _audio_text(self, whole: str) -> str:
        """Who heard whom; of several calls in each, with its own verdict where that is not the one
        on the `whole`."""
        spoken = [each for each in self.conversations if _in_words(each)]
        if len(self.conversations) == 1:
            return "".join(map(_in_words, spoken))
        return "; ".join(self._of_several(each, whole) for each in spoken)

    def _of_several(self, call: Conversation, known: str = "") -> str:
        """A call with its number; with its verdict unless that is `known`."""
        word, detail = self._verdict_on(call)
        detail = detail.removeprefix(f"{call.caller} called {call.callee}: ")
        verdict = f", {WORDS[word]}" if word not in ("", known) else ""
        pair = f"call {call.number}, {call.caller} to {call.callee}"
        return f"{pair}{verdict}: {detail or _in_words(call)}"

    def _row(self, call: Conversation) -> dict[str, object]:
        """A call in the evidence; its outcome and sentence are empty while there is no verdict."""
        word, _ = self._verdict_on(call)
        return {
            "call": call.number,
            "caller": call.caller,
            "callee": call.callee,
            "outcome": word,
            "sentence": self._of_several(call) if word else "",
        }

    def _outcome(self, word: str, detail: str) -> Outcome:
        audio = [
            {"talker": talker, "listener": listener, "sent": said.sent, "heard": end.heard}
            for conversation in self.conversations
            for talker, listener, said, end, _ in conversation.directions()
        ]
        calls = list(map(self._row, self.conversations))
        evidence: dict[str, object] = {**self._counts, "audio": audio, "calls": calls}
        reports = [row for each in self.conversations for row in _reports(each)]
        if reports:
            evidence["rtcp"] = reports
        return Outcome(word, f"{WORDS[word]}: {detail}", evidence)


def _when(failure: Failure) -> float:
    return failure.at


def _unheard(conversation: Conversation) -> Failure | None:
    """Its audio failed, in the first part in which it did."""
    failed = conversation.failed()
    if failed is None:
        return None
    part, silent = failed
    word = (ONE_WAY_AUDIO, NO_AUDIO)[len(silent) - 1]
    over = inf if part.over_at is None else part.over_at
    return Failure(part.at, word, "", silent=silent, call=conversation.number, over=over)


def _in_words(conversation: Conversation) -> str:
    """Who heard whom, part by part."""
    parts = [part for part in conversation.parts if part.talkers]
    told = []
    for part in parts:
        counts = [
            (each, conversation.count(part, each))
            for each in conversation.directions()
            if each.talker in part.talkers
        ]
        does = "gets the fax of" if part.name == What.FAXING.value else "hears"
        heard = ", ".join(
            f"{each.listener} {does} {each.talker} ({count.heard} of {count.sent})"
            for each, count in counts
        )
        told.append(heard if len(parts) == 1 else f"{part.name}, {heard}")
    told += [
        f"{part.name}, {each.listener} {STILL_HEARS} {each.talker} ({count.heard})"
        for part, each, count in conversation.leaks()
    ]
    reports = ", ".join(
        f"{row['listener']} gets {row['heard']} of {row['talker']}'s {row['sent']}"
        for row in _reports(conversation)
    )
    return "; ".join([*told, f"RTCP: {reports}"] if reports else told)


def _reports(conversation: Conversation) -> list[dict[str, object]]:
    """What was counted of RTCP, for each who sends any."""
    return [
        {"talker": talker, "listener": listener, "sent": said.sent, "heard": heard.heard}
        for talker, listener, said, heard, _ in conversation.reports()
    ]
