"""Which calls and registrations there are, as far as their messages tell (`show calls`).

A bystander: it reads every message that passed on SIP's port, whatever module stood in the slot,
and changes nothing. A call is a Call-ID; it moves along the tables in `progress.py`, and what they
do not name leaves it where it is. Where its media is to go is in `announcements.py`, and how many
are remembered in `call_table.py`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from math import inf

from alg.base import Announced, Conversation, Passage, Progress, Way
from alg.sip import fields, progress
from alg.sip.announcements import announced
from alg.sip.call_table import CallTable
from alg.sip.dialogs import NEGOTIATES
from alg.sip.message import Malformed, Message, NotSip, parse
from alg.sip.progress import (
    ANSWERED,
    NOTHING_ASKED,
    OVER,
    REGISTERED,
    REGISTERING,
    TRYING,
    Asked,
)

LONGEST_CALL_ID = 1024
"""Characters; longer ones are sent to fill memories, and not to make calls."""
MOST_RENAMED = 1000
"""Calls that are remembered by the Call-ID that a module gave them, too."""
LONGEST_NAME = 128
"""Characters of a caller's or a callee's name that are kept."""
MOST_WAYS = 8
MOST_PARTIES = 8
KINDS = {"INVITE": "call", "BYE": "call", "CANCEL": "call", "REGISTER": "registration"}
WITHIN_A_CALL = NEGOTIATES - {"INVITE"}
"""Methods that move no call, but may say where its media is to go."""

Party = tuple[bool, str]
"""Is it inside, and its name. One that is seen from both sides of the NAT is two of them."""


@dataclass(slots=True)
class Call:
    """`seen` counts its messages; `since` is when the state began, `deadline` when time alone
    changes it (seconds on the clock)."""

    call_id: str
    kind: str
    caller: str
    callee: str
    host: int
    state: str
    since: float
    deadline: float = inf
    seen: int = 0
    cseq: int = 0
    is_cancelled: bool = False
    asked: Asked = NOTHING_ASKED
    ways: tuple[Way, ...] = ()
    parents: tuple[Hashable, ...] = ()
    announced: dict[Party, tuple[Announced, ...]] = field(default_factory=dict)
    agreed: dict[Party, tuple[Announced, ...]] | None = None
    """What was announced before an offer within the running call, to return to if it fails."""
    described: float = 0.0
    """When that last became another."""

    @property
    def is_over(self) -> bool:
        return self.state in OVER


class Calls:
    """Follows the messages of one slot; see `alg.base.Follower`."""

    def __init__(self) -> None:
        self._calls: CallTable[Call] = CallTable()
        self._renamed: dict[str, str] = {}
        self.next_deadline = self._calls.next_deadline

    def follow(self, passage: Passage, now: float) -> Progress | None:
        """A message passed at `now` (seconds); the state that it led to, if that is another."""
        try:
            message = _read(passage)
        except (NotSip, Malformed):
            return None
        call = self._call_of(message, passage, now)
        if call is None:
            return None
        self._note_its_other_name(call, message, passage)
        if passage.way not in call.ways and len(call.ways) < MOST_WAYS:
            call.ways += (passage.way,)
            call.parents = tuple(dict.fromkeys((*call.parents, *_parents(message, passage))))
        if message.method in NEGOTIATES:
            before_it = dict(call.announced)
            _announce(call, message, passage)
            if call.announced != before_it:
                call.described = now
        if message.method in WITHIN_A_CALL:
            return None
        call.seen += 1
        before = call.state
        _move(call, message, now)
        self._calls.changed(call)
        if call.state == before and call.seen > 1:
            return None
        call.since = now
        return _progress_of(call, "" if message.status is None else str(message.status))

    def _call_of(self, message: Message, passage: Passage, now: float) -> Call | None:
        """The conversation that a message belongs to, or begins. (An OPTIONS or an INFO does
        neither.)"""
        kind = KINDS.get(message.method)
        known = self._calls.get(self._renamed.get(message.call_id, message.call_id))
        if kind is None and message.method not in WITHIN_A_CALL:
            return None
        begins = message.is_request and message.method in ("INVITE", "REGISTER")
        if known is not None or kind is None or not begins:
            return known
        if len(message.call_id) > LONGEST_CALL_ID:
            return None
        call = Call(
            message.call_id,
            kind,
            _user(message, b"from"),
            _user(message, b"to"),
            passage.internal.address,
            TRYING if kind == "call" else REGISTERING,
            now,
        )
        self._calls.add(call)
        return call

    def _note_its_other_name(self, call: Call, message: Message, passage: Passage) -> None:
        """A module may change the Call-ID: the other end answers by what it has got, and asks by it
        in the call."""
        if not passage.after or message.call_id.encode("latin-1") in passage.after:
            return
        try:
            left_as = parse(passage.after).call_id
        except (NotSip, Malformed):
            return
        if left_as and left_as != call.call_id and len(left_as) <= LONGEST_CALL_ID:
            self._renamed[left_as] = call.call_id
            while len(self._renamed) > MOST_RENAMED:
                del self._renamed[next(iter(self._renamed))]

    # --- time --------------------------------------------------------------------------

    def expire(self, now: float) -> list[Progress]:
        """What nobody has answered, and registrations whose granted time is over."""
        told = []
        for call in self._calls.due(now):
            call.state = progress.after_silence(call.state, call.is_cancelled)
            call.since, call.deadline = call.deadline, inf
            self._calls.changed(call)
            told.append(_progress_of(call))
        return told

    # --- questions ---------------------------------------------------------------------

    def document(self, zero: float, now: float) -> list[dict[str, object]]:
        """As in `show calls`; `since` counts from `zero` (seconds)."""
        return [_row(call, zero, now) for call in self._calls.values()]

    def find(self, name: str, zero: float, now: float) -> Conversation | None:
        """All that is known of the call with this Call-ID, or the only one that begins so."""
        call = self._calls.get(name)
        if call is None:
            alike = [each for call_id, each in self._calls.items() if call_id.startswith(name)]
            if len(alike) != 1 or not name:
                return None
            (call,) = alike
        return Conversation(
            _row(call, zero, now),
            progress.sentence(call.state, call.caller, call.callee),
            max(call.since, call.described) if call.state == ANSWERED else None,
            tuple(each for streams in call.announced.values() for each in streams),
            call.ways,
            call.parents,
        )


def _read(passage: Passage) -> Message:
    """A message as its sender wrote it; but what a registrar answers as the phone reads it, who is
    to find its own contacts there. Raises NotSip or Malformed."""
    message = parse(passage.before)
    is_answer = message.method == "REGISTER" and not message.is_request
    return parse(passage.after) if is_answer and passage.after else message


def _move(call: Call, message: Message, now: float) -> None:
    """Let a message of the call act on its state."""
    if message.method == "REGISTER":
        if message.is_request:
            call.asked = progress.asked(message)
        granted = progress.granted(message, call.asked)
        call.state = progress.next_registration(call.state, message, granted)
        call.deadline = progress.deadline(call.state, message, call.deadline, now, granted)
        return
    is_retry = message.is_request and message.method == "INVITE" and message.cseq > call.cseq
    if message.is_request and message.method == "INVITE":
        call.cseq = max(call.cseq, message.cseq)
    if is_retry and call.is_over:  # refused, and asked again in other words (RFC 3261 8.1.3.5)
        call.state, call.is_cancelled = TRYING, False
    call.is_cancelled |= message.method == "CANCEL" and message.is_request
    call.state = progress.next_state(call.state, message)
    call.deadline = progress.deadline(call.state, message, call.deadline, now)


def _announce(call: Call, message: Message, passage: Passage) -> None:
    """Note where the sender of the message wants its media. An offer within a running call counts
    from now on, and no longer when it is refused (RFC 3264 8)."""
    status = message.status
    if status is not None and status >= 300:
        if call.agreed is not None and status not in (401, 407):
            call.announced, call.agreed = call.agreed, None
        return
    if status is not None and status >= 200:
        call.agreed = None
    party = _user(message, b"from" if message.is_request else b"to")
    streams = announced(passage, message, party)
    if streams is None:
        return
    may_fail = message.is_request and message.method != "ACK" and call.state == ANSWERED
    if may_fail and call.agreed is None:
        call.agreed = dict(call.announced)
    key = (streams[0].is_inside if streams else False, party)
    if key in call.announced or len(call.announced) < MOST_PARTIES:
        call.announced[key] = streams


def _parents(message: Message, passage: Passage) -> tuple[Hashable, ...]:
    """What the correct module's expectations for this conversation belong to (`dialogs.parent`,
    `register.Asked.parent`)."""
    host = passage.internal.address
    if message.method != "REGISTER":
        return (("call", message.call_id, host), ("contact", message.call_id, host))
    who = _address(message, b"to")
    record = fields.text(message.data, who.uri).decode("latin-1") if who else ""
    return (("registration", record, host, passage.remote.address),)


def _progress_of(call: Call, detail: str = "") -> Progress:
    return Progress(call.call_id, call.kind, call.state, call.caller, call.callee, detail)


def _row(call: Call, zero: float, now: float) -> dict[str, object]:
    granted = call.deadline - now if call.state == REGISTERED else None
    return {
        "call": call.call_id,
        "kind": call.kind,
        "caller": call.caller,
        "callee": call.callee,
        "state": call.state,
        "since": round(call.since - zero, 3),
        "messages": call.seen,
        "expires_in": None if granted is None else round(granted, 3),
    }


def _address(message: Message, name: bytes) -> fields.Address | None:
    headers = message.headers.get(name)
    return fields.address(message.data, (headers[0].start, headers[0].end)) if headers else None


def _user(message: Message, name: bytes) -> str:
    """Who From or To names: "alice", or the host of a URI without a user."""
    where = _address(message, name)
    if where is None:
        return ""
    _, _, rest = fields.text(message.data, where.uri).partition(b":")
    user, at, _ = rest.partition(b"@")
    # A password may stand behind the user (RFC 3261 19.1.1): it is for no screen and no log.
    name = user.partition(b":")[0] if at else rest.partition(b";")[0]
    return name.decode("latin-1")[:LONGEST_NAME]
