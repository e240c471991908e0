"""Events as plain sentences, for `watch`, `sim --plain`, and everybody who cannot see the screen.

One event is one sentence, with a line for each change of a message beneath:

    12.041  INVITE out, alice (192.168.20.100:5060) to 203.0.113.9:5060: rewritten
            ok contact.host: "192.168.20.100" became "203.0.113.1". Reason. (RFC 3261 20.10)

Everything that is text in an event is cleaned first (`clean`), whatever it says and wherever it
came from; the sentences are put together from cleaned text only, so a message cannot move the
cursor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any

import msgspec

from appliance.journal.events import (
    CallOutcome,
    Change,
    Event,
    ExpectationClosed,
    FlowOpened,
    MediaStats,
    MessageAccepted,
    MessageDiscarded,
    MessagePassed,
    PacketDropped,
    PacketLost,
    PacketSeen,
    SettingChanged,
    Started,
)
from appliance.journal.hexdump import spelled
from appliance.journal.plain import LONGEST, clean, continued, is_somebody, split_endpoint
from appliance.journal.readable import readable
from appliance.journal.repeats import UNBROKEN, Losses, Outcomes, Reasons, SoFar
from appliance.journal.rows import is_text
from appliance.journal.wording import in_words
from appliance.settings.hints import counted
from appliance.settings.values import short_value

_SENTENCES = {
    "started": "{title}",
    "mapping-opened": "{internal} is {external} outside ({protocol}, opened by {opened_by})",
    "mapping-refreshed": "{internal} is still {external} outside ({protocol}, in use)",
    "mapping-expired": "{internal} is no longer {external} outside ({protocol}, {why})",
    "flow-opened": "flow {flow}: {internal} talks to {remote} as {external} ({protocol}){twice}",
    "flow-expired": "flow {flow}: {internal} and {remote} are done ({protocol}, {why}; "
    "{sent} out, {packets_in} in)",
    "packet-dropped": "dropped {times}on the {side}{packet}: {sentence} ({reason})",
    "message-passed": "{summary} {direction}, {source} to {destination}: "
    "{verdict}{leaves}{note}{bites}",
    "expectation-opened": "{remote} may send to {external}, which is {internal}, for "
    "{expires_in:.0f} s ({reason})",
    "expectation-used": "{remote} sent to {external}, as expected: it is let in to {internal}",
    "expectation-closed": "{remote} may send to {external} no more ({why})",
    "call-state": "{kind} {whose}: {state}{detail}",
    "packet-lost": "lost {where}: {packets}{destined}: {why}",
    "message-discarded": "{party} {verb} the {summary}: {reason}{by_rule}",
    "message-accepted": "{party} accepts the {summary}{answer}",
    "party-learnt": "{party} {does} {target}{told_by}{by_rule}",
    "call-outcome": "{sentence}",
    "setting-changed": "{who} changed {key} from {old} to {new}",
    "media-stats": "{talker} to {listener}{in_call}: {heard} of {sent} packets heard{lost_at}",
    "silence-inferred": "inferred: {party} hears nothing: {sentence}",
    "packet-seen": "packet {packet} {what}",
    "alg-error": "the module {module} of {alg} failed: {error}{disabled}",
    "not-opened": "{alg} could not open all that {source} announces to {destination}: {reason}",
    "hint-given": "hint: {internal} to {remote} ({protocol}): {sentence}{remedy}",
    "stream-let-go": "{alg} reads no more from {source} to {destination}: {reason}",
    "capture-started": "every packet is written to {file}",
    "capture-ended": "the capture in {file} ended{after}: {packets} packets{missing}",
}
_POINTS = {
    "arrived": "arrived on the {side}: {protocol} from {source} to {destination}, {size} bytes",
    "translated-in": "goes into translation, coming from the {side}",
    "translated-out": "comes out of it, for the {side}: from {source} to {destination}",
    "left": "left on the {side}: {protocol} from {source} to {destination}, {size} bytes",
}
_AS_PROSE = str.maketrans({"[": "", "]": "", '"': "", ",": ", "})
"""A list in JSON as a person would write it."""
_ENDPOINTS = ("internal", "external", "remote", "source", "destination", "target")

FIELD_NAMES = {
    "answer.address": "address record",
    "answer.ttl": "TTL",
    "expires": "Expires",
    "from": "From",
    "record-route": "Record-Route",
    "refer-to": "Refer-To",
    "replaces": "Replaces",
    "sdp": "session description",
    "sdp.c": "c= line",
    "sdp.m": "m= line",
    "sdp.rtcp": "a=rtcp line",
    "contact": "Contact",
    "via": "Via",
    "via.branch": "Via branch",
    "max-forwards": "Max-Forwards",
    "call-id": "Call-ID",
    "content-length": "Content-Length",
    "request-uri": "Request-URI",
    "port.endpoint": "argument",
    "to": "To",
}
"""What people call a field, or all fields that begin so."""


_NUMBER = re.compile(r"\[\d+\]")
"""Which of several it is; people count otherwise."""


def place_of(field: str) -> str:
    """What people call a field of a message ("contact.host", "answer[0].address")."""
    parts = _NUMBER.sub("", field).split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((FIELD_NAMES[name] for name in names if name in FIELD_NAMES), field)


def wall_clock(seconds: float) -> str:
    """Seconds since 1970 as the time of day here, with its distance from UTC (RFC 3339 5.6):
    `2026-03-01T14:05:09.123+01:00`. What no calendar has (from an appliance that is none of ours)
    stays a number."""
    try:
        at = datetime.fromtimestamp(seconds, UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        return str(seconds)
    return at.isoformat(timespec="milliseconds")


class Teller:
    """Tells events one after the other; remembers who is called what, and what it has said. With
    `wall`, the wall clock at t = 0 (seconds since 1970), times are those of the day. If it is
    `brief`, a reason that it has told is not told again: for who reads from the beginning. That a
    message was accepted is told to who looks at `each` event: to others the message itself is
    enough."""

    def __init__(self, wall: float | None = None, brief: bool = False, each: bool = False) -> None:
        self._wall = wall
        self._tells_each = each
        self._names: dict[str, str] = {}
        self._media: dict[str, bool] = {}  # stream -> was the last second heard?
        self._heard: dict[str, int] = {}
        self._losses = Losses()
        self._outcomes = Outcomes()
        self._reasons = Reasons(brief)
        self._now = 0.0

    def tell(self, event: Event) -> list[str]:
        """The lines for one event, the first with its time; none for a second that was like the one
        before. What has ended without having been told is told first."""
        self._now = event.t
        return [*self._told_late(event.t), *self.timed(event.t, self.say(event))]

    def rest(self) -> list[str]:
        """What was counted and not told, when nothing more will come."""
        return list(self._told_late(inf))

    def timed(self, t: float, lines: Sequence[str]) -> list[str]:
        """Lines of a moment (seconds since the start), the first with its time."""
        time = self._time(t)
        blank = " " * len(time)
        return [f"{blank if at else time}  {line}" for at, line in enumerate(lines)]

    def _time(self, t: float) -> str:
        return f"{t:9.3f}" if self._wall is None else wall_clock(self._wall + t)

    def say(self, event: Event) -> list[str]:
        """The same without the time."""
        if isinstance(event, Started):
            self._names = {clean(key): clean(name) for key, name in event.parties.items()}
        if isinstance(event, PacketLost | PacketDropped):
            so_far = self._losses.add(event)
            return [] if so_far is None else [self._lost(so_far)]
        if isinstance(event, CallOutcome):
            return [_news(*each) for each in self._outcomes.news(event)]
        if self._is_repetition(event):
            return []
        lines = [self._sentence(event)]
        if isinstance(event, MessagePassed):
            said = in_words(event)
            lines += self._changes(said.changes, not is_text(said.before), event.t)
        if isinstance(event, PacketSeen):
            lines += _around(event)
        return lines

    def _sentence(self, event: Event) -> str:
        kind = str(event.__struct_config__.tag)
        return _SENTENCES[kind].format_map(self._words(event))

    def _is_repetition(self, event: Event) -> bool:
        """Would its sentence say what was said before? A stream is told of when it is heard again
        or falls silent; a refresh says nothing new at all."""
        if isinstance(event, MessageAccepted):
            return not self._tells_each
        if not isinstance(event, MediaStats):
            return event.__struct_config__.tag == "mapping-refreshed"
        stream = event.stream
        heard = event.heard > self._heard.get(stream, 0)
        before = self._media.get(stream)
        self._heard[stream] = event.heard
        self._media[stream] = heard
        return before is heard

    def _lost(self, so_far: SoFar) -> str:
        return self._sentence(so_far.event) + so_far.in_words

    def _told_late(self, until: float) -> Iterator[str]:
        for so_far in self._losses.over(until):
            ended = min(so_far.event.t + UNBROKEN, self._now)
            yield from self.timed(ended, [self._lost(so_far)])

    def _changes(self, changes: Sequence[Change], as_bytes: bool, now: float) -> Iterator[str]:
        """A line for each; together those that were told before, and when that was."""
        before: dict[tuple[str, float], list[str]] = {}
        for change in changes:
            told_at = self._reasons.of_change(change, now)
            if told_at is not None:
                before.setdefault((change.verdict, told_at), []).append(change.field)
                continue
            told_at = self._reasons.of_reason(change, now)
            yield f"{_change(change, as_bytes)}. {self._reason(change, told_at)}"
        for (verdict, told_at), fields in before.items():
            yield clean(f"{verdict} {', '.join(fields)}: {self._as_at(told_at)}", 1000)

    def _reason(self, change: Change, told_at: float | None) -> str:
        source = f" ({clean(change.rfc)})" if change.rfc else ""
        in_full = f"{clean(change.reason)}{source}"
        return in_full if told_at is None else f"Why: {self._as_at(told_at)}."

    def _as_at(self, t: float) -> str:
        return f"as at {self._time(t).strip()}"

    def _words(self, event: Event) -> dict[str, Any]:
        """The fields of an event as cleaned text, with names beside addresses."""
        words = {name: _word(value) for name, value in msgspec.structs.asdict(event).items()}
        for name in _ENDPOINTS:
            if name in words:
                any_port = "expectation" in words and str(words[name]).endswith(":0")
                words[name] = f"{'any port of ' * any_port}{self._who(words[name])}"
        if isinstance(event, ExpectationClosed):
            words["remote"] = words["remote"] or "whoever was let in"
        if isinstance(event, MessageDiscarded):
            words["verb"] = "refuses" if event.is_refusal else "discards"
        if isinstance(event, MessagePassed):
            words["leaves"] = self._leaves(event)
            words["note"] = self._reasons.shortened(words["note"], event.t)
        if isinstance(event, FlowOpened):
            both = f"{words['by_way_of']} and then to {words['external']}"
            twice = f"; on its way out it is translated twice, to {both}"
            words["twice"] = twice if event.by_way_of else ""
        if isinstance(event, MediaStats):
            words["in_call"] = _in_call(event.stream)
        if isinstance(event, SettingChanged):
            words |= {"old": clean(short_value(event.old)), "new": clean(short_value(event.new))}
        _fill_in_what_became_of_it(words)
        _fill(words)
        return words

    def _leaves(self, event: MessagePassed) -> str:
        """As which it goes on, where its ends are others afterwards."""
        if event.verdict == "dropped":
            return ""
        sent_as = f", leaves as {clean(event.new_source)}"
        handed_to = f", handed to {self._who(clean(event.new_destination))}"
        return sent_as * (event.new_source != event.source) + handed_to * (
            event.new_destination != event.destination
        )

    def _who(self, endpoint: Any) -> str:
        """`alice (192.168.20.100:5060)` where the address has a name."""
        if not isinstance(endpoint, str):
            return "anyone"
        address, port = split_endpoint(endpoint)
        name = self._names.get(address) or self._names.get(endpoint)
        shown = address if port == "0" else endpoint
        return f"{name} ({shown})" if name else shown


def _in_call(stream: str) -> str:
    """`, call 2`; of the first call, which may be the only one, nothing."""
    number, colon, _ = clean(stream).partition(":")
    return f", call {number}" if colon and number != "1" else ""


def _word(value: object) -> Any:
    """A field of an event, as a sentence may use it: text is cleaned, lists become JSON."""
    if isinstance(value, str):
        return clean(readable(value))
    if isinstance(value, int | float) or value is None:
        return value
    return clean(msgspec.json.encode(value).decode())


def _fill(words: dict[str, Any]) -> None:
    """Optional parts of sentences: empty, or with their own punctuation."""
    if "count" in words and "sentence" in words:
        words["times"] = f"{words['count']:,} packets " if words["count"] > 1 else ""
        words["sentence"] = continued(words["sentence"])
        words["packet"] = _which(words)
        words["reason"] = words["reason"].lower().replace("_", "-")
    for name, before in (("note", "; "), ("detail", ", "), ("lost_at", "; lost: ")):
        if name in words:
            words[name] = f"{before}{words[name]}" if words[name] else ""
    if "packets_out" in words:
        words["sent"] = counted(words["packets_out"], "packet")
    if "disabled" in words:
        words["disabled"] = "; it is off for this flow now" if words["disabled"] else ""
    if "point" in words:
        words["what"] = _POINTS.get(words["point"], "is at {point}").format_map(words)
    if "summary" in words:
        words["summary"] = words["summary"] or f"a {words.get('alg', '')} message".replace(
            "  ", " "
        )
    if "caller" in words:
        pair = f"from {words['caller']} to {words['callee']}"
        words["whose"] = f"of {words['caller']}" if words["kind"] == "registration" else pair
    if "mode" in words:
        words["title"] = words["title"] or f"{words['name']} started ({words['mode']})"


def _fill_in_what_became_of_it(words: dict[str, Any]) -> None:
    """The same for the events of receivers."""
    if "rfc" in words:
        words["by_rule"] = f" ({words['rfc']})" if words["rfc"] else ""
    if "where" in words:
        words["why"] = continued(words["why"])
        what = words["summary"] or words["protocol"]
        words["packets"] = f"{words['count']:,} times {what}" if words["count"] > 1 else what
        words["destined"] = f" from {words['source']} to {words['destination']}"
    if (words.get("kind"), words.get("state")) == ("registration", "registered"):
        words["state"] = "accepted by the server"  # whether the phone hears of it is open
    if "why" in words and "lost" in words:
        words["after"] = f" ({words['why']})" if words["why"] else ""
        words["missing"] = f", {words['lost']} could not be kept" if words["lost"] else ""
    if "verdict" in words and "before" in words:
        bitten = words["bitten"].translate(_AS_PROSE)
        words["bites"] = f"; at work: {bitten}" if bitten else ""
    if "setting" in words:
        todo = f" (glassnat set {words['setting']} {words['value']})"
        words["remedy"] = todo if words["setting"] else ""
    if "does" in words and "target" not in words:
        words["answer"] = f": {words['does']}" if words["does"] else ""
    elif "does" in words:
        place = place_of(words["field"])
        said = words["summary"]
        told = f"the {place} of the {said} says so" if place else f"the {said} came from there"
        words["told_by"] = f", because {told}" if said else ""


def _change(change: Change, as_bytes: bool) -> str:
    """`ok contact.host: "192.0.2.1" became "203.0.113.1"`"""
    before, after, wanted = (
        clean(spelled(change.field, value) if as_bytes else readable(value), 80)
        for value in (change.before, change.after, change.expected or "")
    )
    what = f'"{before}" became "{after}"' if before != after else f'"{before}" was left'
    expected = ""
    if change.verdict in ("missed", "wrong", "broken") and change.expected is not None:
        expected = f', "{wanted}" was expected'
    return f"{clean(change.verdict)} {clean(change.field)}: {what}{expected}"


def _around(seen: PacketSeen) -> Iterator[str]:
    """What else there is to say of a packet at one of its points."""
    if seen.skipped:
        yield f"({seen.skipped} packets before it were too many to be shown)"
    if seen.own:
        yield "the appliance's own answer"
    for change in seen.changes:
        yield f"{clean(change.field)}: {clean(change.before)} became {clean(change.after)}"
    if seen.end is not None:
        yield f"it goes no further: {clean(seen.end)}"


def _news(sentence: str, before: str) -> str:
    """An outcome, and in place of which it comes."""
    instead = f"; before that: {clean(before).replace('-', ' ')}" if before else ""
    return clean(sentence, 4 * LONGEST) + instead.replace("one way", "one-way")


def outcome_line(sentence: str) -> str:
    """The last line of a run."""
    return f"outcome: {clean(sentence, 4 * LONGEST)}"


def _which(words: Mapping[str, Any]) -> str:
    """Which packets were dropped or lost, as far as they have that in common."""
    if not words["source"]:
        return ", too many to tell apart"
    if not words["destination"]:
        return f", of {words['source']}, too many to tell apart"
    if not is_somebody(words["source"]):
        return ""
    what = words["summary"] or words["protocol"]
    return f": {what} from {words['source']} to {words['destination']}"


def table(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> Iterator[str]:
    """Rows of named values as aligned text; `columns` maps keys to headings."""
    cells = [[_cell(row.get(key)) for key in columns] for row in rows]
    headings = [clean(heading) for heading in columns.values()]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    for line in (headings, *cells):
        yield "  ".join(
            f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)
        ).rstrip()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else clean(str(value))
