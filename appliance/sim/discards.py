"""Messages that came, and of which their receiver made nothing: who threw them away or refused
them, why, and what a module had made of the field on which it hangs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from appliance.journal.events import NAT, Cause, MessageDiscarded, MessagePassed
from appliance.journal.hexdump import spelled
from appliance.journal.plain import clean, continued
from appliance.journal.rows import FAULTS
from appliance.journal.sentences import place_of
from appliance.parties.questions import ASKED
from appliance.parties.resolver import ASKS_AGAIN, DNS_ANSWER, DNS_QUESTION
from appliance.sim.deeds import whose
from appliance.sim.origins import fault_in, newest_about, of_the_field, why_sent, why_sent_there
from appliance.sim.outcome import Failure
from appliance.sim.relevant import method_of
from appliance.sim.witness import Evidence


def spoilt(discards: list[MessageDiscarded], evidence: Evidence) -> list[MessageDiscarded]:
    """Those of a field that a module has spoilt: what else is discarded may have followed."""
    kinds = {(each.party, each.summary, each.reason): each for each in reversed(discards)}
    began = {kind: _where_it_began(first, evidence) for kind, first in kinds.items()}
    return [
        each
        for each in discards
        if (message := began[each.party, each.summary, each.reason])
        and fault_in(message, each.field)
    ]


def of_discards(
    discards: list[MessageDiscarded], failure: Failure, evidence: Evidence
) -> Iterator[Cause]:
    """The most frequent one, the first of its kind."""
    counts = Counter((each.party, each.reason) for each in discards)
    (party, reason), count = counts.most_common(1)[0]
    first = next(each for each in discards if (each.party, each.reason) == (party, reason))
    began = _where_it_began(first, evidence)
    is_own = party == evidence.parties.get(failure.who, failure.who)
    is_answer = first.summary[:1].isdecimal()
    if first.summary == DNS_QUESTION:
        asks = [
            each for each in evidence.learnt if (each.party, each.does) == (failure.who, ASKS_AGAIN)
        ]
        yield from why_sent_there(asks[-1] if asks else None, evidence)
    elif first.field == "replaces":
        yield from of_the_field(_where_renamed(evidence), "call-id")
    elif began and first.field == "request-uri" and fault_in(began, first.field) is None:
        learnt = why_sent(first.summary, began.destination, failure, evidence, first.t)
        yield from why_sent_there(learnt, evidence)
    elif began and first.field == "via" and is_answer and not is_own:
        yield from _of_an_answer_gone_astray(began, evidence)
    else:
        yield from of_the_field(began, first.field)
    if began and first.summary == DNS_ANSWER:
        yield from _of_what_was_to_be(began)
    yield _discard(first, count)
    if first.summary == DNS_ANSWER:
        at_once = (each for each in discards if (each.t, each.party) == (first.t, party))
        yield from (_discard(each) for each in at_once if each.summary != DNS_ANSWER)


def _of_an_answer_gone_astray(answer: MessagePassed, evidence: Evidence) -> Iterator[Cause]:
    """It came to somebody who has asked for nothing: it went where another's Via said."""
    learnt = newest_about(answer.destination, evidence, answer.t)
    yield from why_sent_there(learnt, evidence)
    opened = evidence.opened.get(answer.destination)
    if learnt is not None and opened is not None:
        sentence = f"{opened.external} stands for {opened.internal}."
        yield Cause(sentence, NAT, opened.id, "", "RFC 3022 4.1")


def of_unheard_answers(discards: list[MessageDiscarded]) -> Iterator[Cause]:
    """Why nobody acknowledges an answer: whoever it is for makes nothing of it."""
    answers = [each for each in discards if each.summary == "200 OK (INVITE)"]
    if answers:
        yield _discard(answers[0], len(answers))


def _of_what_was_to_be(answer: MessagePassed) -> Iterator[Cause]:
    """A module did what it was told to do, and its receiver takes the answer for forged."""
    if any(each.verdict in FAULTS for each in answer.changes):
        return
    made = (each for each in answer.changes if each.after != each.before)
    row = next(made, None)
    if row is not None:
        wrote = f"The module {answer.module} wrote {clean(spelled(row.field, row.after), 60)}"
        place = f"{place_of(row.field)} of {whose(answer.summary)}"
        sentence = f"{wrote} into the {place}: {continued(row.reason)}"
        yield Cause(sentence, NAT, answer.id, row.field, row.rule)


def _discard(discarded: MessageDiscarded, count: int = 1) -> Cause:
    party, reason = discarded.party, discarded.reason
    verb = "refuses" if discarded.is_refusal else "discards"
    times = f", {count} times" if count > 1 else ""
    rule = f" ({discarded.rfc})" if discarded.rfc else ""
    sentence = f"{party} {verb} the {clean(discarded.summary)}{times}: {clean(reason)}{rule}."
    return Cause(sentence, party, discarded.id, discarded.field, discarded.rfc)


def _where_renamed(evidence: Evidence) -> MessagePassed | None:
    """The newest INVITE that left with another Call-ID: what names the call is not what it is
    called at the other end (RFC 3891 3)."""
    invites = (each for each in reversed(evidence.messages.values()) if each.summary == "INVITE")
    return next((each for each in invites if fault_in(each, "call-id")), None)


def _where_it_began(discarded: MessageDiscarded, evidence: Evidence) -> MessagePassed | None:
    """The message that was discarded or, when nothing is wrong with that, the one that it answers,
    because an answer repeats what the request said (RFC 3261 8.2.6.2); of a request, the answer to
    the last one of its kind, which may have led to it, or the request as it came to a proxy, or to
    the NAT on its way out and in again."""
    passed = evidence.messages.get(discarded.cause or 0)
    if passed is not None and discarded.field == ASKED:
        return _question_of(passed, evidence)
    if not discarded.field or (passed and fault_in(passed, discarded.field) is not None):
        return passed
    method = method_of(passed.summary if passed else discarded.summary)
    related = (
        each
        for each in reversed(evidence.messages.values())
        if each.id < discarded.id and each.summary in (method, f"200 OK ({method})")
    )
    return next((each for each in related if fault_in(each, discarded.field)), passed)


def _question_of(answer: MessagePassed, evidence: Evidence) -> MessagePassed | None:
    """What was asked of a name server: by the number that both have (RFC 1035 4.1.1)."""
    key = answer.alg, answer.before[:2]
    before = (each for each in reversed(evidence.messages.values()) if each.id < answer.id)
    return next((each for each in before if (each.alg, each.before[:2]) == key), None)
