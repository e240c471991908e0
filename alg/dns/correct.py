"""The correct DNS ALG. Read this file first, then `message.py`. For answers of servers inside it is
that of RFC 2694; for those of servers outside it is what vendors call DNS doctoring.

An inside host that has an external address to itself (`nat.static`) has two addresses, and a name
is to lead everybody to the one that he can reach:

    question of an inside host, answer of a server outside    pbx A 203.0.113.10 ──► 192.168.20.10
    question from outside, answer of a server inside          pbx A 192.168.20.10 ──► 203.0.113.10

The other way round, the name of an address is translated in the question, and changed back in its
answer, so that whoever asked gets an answer to what he asked:

    from outside   10.113.0.203.in-addr.arpa PTR ?   ──►   10.20.168.192.in-addr.arpa PTR ?
    back           10.113.0.203… PTR pbx             ◄──   10.20.168.192… PTR pbx

Only addresses of 1:1 rules: an address that several hosts share says nothing of who is meant. Such
a rule stands as long as the settings do, so the TTL stays (RFC 2694 4.2; 0 for those that do not).
What is signed stays too, unless `alg.dns.dnssec` says otherwise: whoever checks signatures takes a
changed record for a forgery, and has nothing then.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alg.base import AlgContext, Edit, Edits, Reading, Reason, Refuse
from alg.dns import lengths, truncation
from alg.dns.message import (
    AUTHENTIC,
    AXFR,
    IN,
    IXFR,
    LENGTH,
    OPERATIONS,
    PTR,
    QUERY,
    A,
    Message,
    NotDns,
    Record,
    read,
)
from alg.dns.names import (
    NUMBERS,
    REVERSE,
    Labels,
    Name,
    address_of,
    labels_of_address,
    written,
)
from alg.stream import RIGHT, Manners
from nat.endpoint import Direction, Endpoint, address_text
from nat.policy import Decide
from nat.reach import is_inside_only

ANSWERED_WITHIN = 30.0
"""Seconds after which the answer to a question whose name was translated is not looked for any
more. Resolvers give up sooner."""
MOST_NOTES = 4
"""Sentences about one message."""


def other_side(context: AlgContext, address: int) -> int | None:
    """The address by which the receiver of a message reaches what its sender calls `address`. Port
    0 asks for a host's address as such, which only 1:1 rules know."""
    whole = Endpoint(address, 0)
    is_out = context.direction is Direction.OUT
    found = context.external_of(whole) if is_out else context.internal_of(whole)
    return None if found is None else found.address


@dataclass(frozen=True, slots=True)
class Habits:
    """How the module works, where faults make it work otherwise. The defaults are right."""

    translate: Callable[[AlgContext, int], int | None] = other_side
    write_address: Callable[[int], Labels] = labels_of_address
    minds_signatures: bool = True
    says_what_was_checked: bool = True
    follow: Callable[[Message, list[Edit]], list[Edit]] = lengths.follow
    ttl: int | None = None
    """Of what was translated; None: as it came."""
    refuses: Callable[[Message], str] = lambda said: ""
    """The rule by which a message goes no further; empty for most."""


class Dns:
    """What A records and the names of addresses should become."""

    name = "dns"
    application = "dns"
    decisions: Mapping[str, Decide] = {}
    manners: Manners = RIGHT

    def __init__(self, habits: Habits = Habits()) -> None:
        self._habits = habits

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        """Never raises for any bytes."""
        try:
            said = read(message, LENGTH if context.transport == "tcp" else 0)
        except NotDns as reason:
            return Edits(reading=Reading.OPAQUE, note=str(reason))
        if refused := self._habits.refuses(said):
            return Refuse(refused)
        if said.problem:
            return Edits(reading=Reading.MALFORMED, note=said.problem)
        if is_out_of_role(said, context):
            what = (
                "an answer to a port that answers" if said.is_answer else "a question to an asker"
            )
            return Edits(reading=Reading.MALFORMED, note=what)
        if objection := _objection(said):
            return Edits(note=f"left alone: {objection}")
        work = _Answer if said.is_answer else _Asking
        return work(said, context, self._habits).answer()

    def explain(self, rule: str) -> Reason:
        return reasons()[rule]


def is_out_of_role(said: Message, context: AlgContext) -> bool:
    """Does a server ask, or a client answer? Who is who follows from the ports; two servers may do
    both."""
    ports = context.settings["ports"]
    inside, outside = context.internal.port in ports, context.remote.port in ports
    if inside == outside:
        return False
    comes_from_server = inside == (context.direction is Direction.OUT)
    return said.is_answer != comes_from_server


def _objection(said: Message) -> str:
    """Why a message must stay as it is, if so."""
    if said.operation != QUERY:
        return f"{OPERATIONS[said.operation]} says what stands in a zone, not who is reached where"
    if any(each.type in (AXFR, IXFR) for each in said.questions):
        return "a transfer says what stands in a zone, not who is reached where"
    if said.is_sealed:
        return "it is signed as a whole"
    return ""


class _Work:
    """One message: the edits that were found for it, and what is to be said of it."""

    def __init__(self, said: Message, context: AlgContext, habits: Habits) -> None:
        self.said = said
        self.context = context
        self.habits = habits
        self.edits: list[Edit] = []
        self.notes: dict[str, None] = {}
        self.room: int | None = None  # bytes, where there are not as many as anybody wants
        leaves = context.settings.get("dnssec", "leave") == "leave"
        self.leaves_signed = leaves and habits.minds_signatures

    def answer(self) -> Edits:
        raise NotImplementedError

    @property
    def key(self) -> tuple[object, ...]:
        """A question and its answer have it in common."""
        context = self.context
        return "reverse", context.transport, context.internal, context.remote, self.said.id

    def note(self, sentence: str) -> None:
        """Once, however many records it is true of."""
        if len(self.notes) < MOST_NOTES:
            self.notes[sentence] = None

    def done(self) -> Edits:
        edits = [*self.edits, *self.habits.follow(self.said, self.edits)] if self.edits else []
        if self.room is not None:
            edits = truncation.fitted(self.said, edits, self.room)
        return Edits(tuple(edits), note="; ".join(self.notes))

    def rename(self, old: Labels, numbers: Labels, rule: str) -> None:
        """Write the name of another address wherever that of one stands."""
        changed: set[int] = set()
        meant = (*old, *REVERSE)
        for field, name in self._named():
            is_meant = len(name.labels) == len(meant) and name.lowered == meant
            borrows = not changed.isdisjoint(name.places[name.own :])
            if is_meant and name.own >= NUMBERS:
                end = name.places[NUMBERS - 1] + 1 + len(name.labels[NUMBERS - 1])
                self._write(name.start, end, written(numbers, is_whole=False), field, rule)
                changed.update(name.places[:NUMBERS])
            elif is_meant and not (name.own == 0 and borrows):
                new = written((*numbers, *name.labels[NUMBERS:]))
                self._write(name.start, name.end, new, field, rule)
                changed.update(name.places[: name.own])
            elif borrows and not is_meant:
                self._write(name.start, name.end, written(name.labels), field, "name-kept")

    def _named(self) -> list[tuple[str, Name]]:
        """All names with their fields, in the order in which they stand."""
        found = [(f"question[{at}].name", each.name) for at, each in enumerate(self.said.questions)]
        for record in self.said.records:
            found.append((f"{record.place}.name", record.name))
            found += [(f"{record.place}.data", name) for name in record.names]
        return found

    def _write(self, start: int, end: int, new: bytes, field: str, rule: str) -> None:
        if new != self.said.data[start:end]:
            self.edits.append(Edit(start, end, new, field, rule))


class _Asking(_Work):
    """A question passes."""

    def answer(self) -> Edits:
        for asked in self.said.questions[:1]:
            address = address_of(asked.name.labels)
            if asked.type == PTR and asked.klass == IN and address is not None:
                self._translate(asked.name.labels[:NUMBERS], address)
        return self.done()

    def _translate(self, asked: Labels, address: int) -> None:
        other = self.habits.translate(self.context, address)
        if other is None:
            return
        if self.leaves_signed and self.said.wants_signatures:
            self.note("left alone: who asks wants a signed answer, and none could be changed back")
            return
        sent = self.habits.write_address(other)
        self.rename(asked, sent, "reverse-question")
        self.was_sent(sent, asked, self.said)

    def was_sent(self, sent: Labels, asked: Labels, by: Message) -> None:
        """Keep what the question is changed to, for its answer. It was `by` this message that
        somebody has asked."""
        room = truncation.taken_by(by)
        self.context.remember(self.key, (sent, asked, room), ANSWERED_WITHIN)


def watch(
    message: bytes, left: bytes, context: AlgContext, edits: Sequence[Edit]
) -> Sequence[Edit]:
    """Beside another module: an answer is to what left, whatever this one would have asked. So the
    name in it must become the one that was asked for, or stay if the question did."""
    _note_what_left(message, left, context)
    return edits


def _note_what_left(message: bytes, left: bytes, context: AlgContext) -> None:
    begin = LENGTH if context.transport == "tcp" else 0
    try:
        came, said = read(message, begin), read(left, begin)
    except NotDns:
        return
    asked, sent = _numbers_asked(came), _numbers_asked(said)
    if asked is None or sent is None:
        return
    asking = _Asking(said, context, Habits())
    if asked == sent:
        context.forget(asking.key)
    else:
        asking.was_sent(sent, asked, came)


def _numbers_asked(said: Message) -> Labels | None:
    """The numbers in the name that is asked for, if it is one of an address, in whatever order."""
    if said.is_answer or not said.questions:
        return None
    labels = said.questions[0].name.lowered
    return labels[:NUMBERS] if labels[NUMBERS:] == REVERSE else None


class _Answer(_Work):
    """An answer passes."""

    def answer(self) -> Edits:
        signed = self.said.signed()
        for record in self.said.records:
            if record.type == A and record.klass == IN and record.end - record.start == 4:
                self._translate(record, bool(signed) and (record.name.lowered, A) in signed)
        if self.edits and self.habits.says_what_was_checked:
            self._checked_no_more()
        self._rename_back()
        return self.done()

    def _translate(self, record: Record, is_signed: bool) -> None:
        old = self.said.data[record.start : record.end]
        address = int.from_bytes(old)
        other = self.habits.translate(self.context, address)
        if other is None:
            self._may_be_private(address)
            return
        if is_signed and self.leaves_signed:
            name = record.name.text
            self.note(f'left alone: {name} is signed (alg.dns.dnssec = "rewrite" changes it)')
            return
        rule = "to-external" if self.context.direction is Direction.OUT else "to-internal"
        rule += "-signed" if is_signed else ""
        new = other.to_bytes(4)
        self.edits.append(Edit(record.start, record.end, new, f"{record.place}.address", rule))
        if self.habits.ttl not in (None, record.ttl):
            ttl = self.habits.ttl.to_bytes(4)
            self.edits.append(Edit(*record.ttl_span, ttl, f"{record.place}.ttl", "ttl-zero"))

    def _may_be_private(self, address: int) -> None:
        """Nobody outside reaches a private address; but there is none to put in its place."""
        if len(self.notes) == MOST_NOTES:
            return
        if self.context.direction is Direction.OUT and is_inside_only(address):
            self.note(f"{address_text(address)} has no external address of its own")

    def _checked_no_more(self) -> None:
        """AD says that the resolver has checked all of the answer (RFC 4035 3.2.3)."""
        if self.said.flags & AUTHENTIC:
            at = self.said.begin + 3
            new = bytes((self.said.data[at] & ~AUTHENTIC,))
            self.edits.append(Edit(at, at + 1, new, "header.ad", "not-authentic"))

    def _rename_back(self) -> None:
        known = self.context.recall(self.key)
        if known is None or not self.said.questions:
            return
        sent, asked, room = known
        if self.said.questions[0].name.lowered == (*sent, *REVERSE):
            self.rename(sent, asked, "reverse-answer")
            if self.context.transport == "udp" and len(self.said.data) <= room:
                self.room = room  # a server that sends more has its own reasons


@cache
def reasons() -> dict[str, Reason]:
    """The sentences behind the rules, from the one file that a teacher may translate."""
    text = Path(__file__).with_name("reasons.toml").read_text(encoding="utf-8")
    return {
        rule: Reason(entry["sentence"], entry["rfc"]) for rule, entry in tomllib.loads(text).items()
    }
