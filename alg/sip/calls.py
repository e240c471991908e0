"""Which calls and registrations there are, as far as their messages tell (`show calls`).

A bystander: it reads every message that passed on SIP's port, whatever module stood in the slot,
and changes nothing. A call is a Call-ID; it moves along the table below, and what the table does
not name leaves it where it is.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from alg.base import Progress
from alg.sip import fields
from alg.sip.message import Malformed, Message, NotSip, parse

REMEMBERED = 1000
LONGEST_CALL_ID = 1024
"""Characters; longer ones are sent to fill memories, and not to make calls."""
"""Conversations; the oldest goes when there is one more. Nobody is asked whether it has ended: a
server could begin any number of calls and end none."""

TRYING, RINGING, ANSWERED, ENDED, FAILED = "trying", "ringing", "answered", "ended", "failed"
REGISTERING, REGISTERED, REFUSED, UNREGISTERED = (
    "registering",
    "registered",
    "refused",
    "unregistered",
)
STATES = (
    *(TRYING, RINGING, ANSWERED, ENDED, FAILED),
    *(REGISTERING, REGISTERED, REFUSED, UNREGISTERED),
)
OVER = {ENDED, FAILED}
KINDS = {"INVITE": "call", "BYE": "call", "CANCEL": "call", "REGISTER": "registration"}


@dataclass(slots=True)
class Call:
    """`seen` counts its messages; `since` is when the state began (seconds on the clock)."""

    call_id: str
    kind: str
    caller: str
    callee: str
    state: str
    since: float
    seen: int = 0


class Calls:
    """Follows the messages of one slot; see `alg.base.Follower`."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, Call] = OrderedDict()

    def follow(self, data: bytes, now: float) -> Progress | None:
        """A message passed at `now` (seconds); the state that it led to, if that is another."""
        try:
            message = parse(data)
        except (NotSip, Malformed):
            return None
        kind = KINDS.get(message.method)
        if kind is None:  # an OPTIONS or an INFO moves no call
            return None
        if len(message.call_id) > LONGEST_CALL_ID:
            return None
        call = self._calls.get(message.call_id)
        if call is None:
            if not message.is_request or message.method not in ("INVITE", "REGISTER"):
                return None
            call = self._begin(message, kind, now)
        call.seen += 1
        state = _next_state(call.state, message)
        if state == call.state and call.seen > 1:
            return None
        call.state, call.since = state, now
        detail = "" if message.status is None else str(message.status)
        return Progress(call.call_id, call.kind, state, call.caller, call.callee, detail)

    def _begin(self, message: Message, kind: str, now: float) -> Call:
        state = TRYING if kind == "call" else REGISTERING
        call = Call(
            message.call_id, kind, _user(message, b"from"), _user(message, b"to"), state, now
        )
        self._calls[message.call_id] = call
        while len(self._calls) > REMEMBERED:
            self._calls.popitem(last=False)
        return call

    def document(self, zero: float) -> list[dict[str, object]]:
        """As in `show calls`; `since` counts from `zero` (seconds)."""
        return [
            {
                "call": call.call_id,
                "kind": call.kind,
                "caller": call.caller,
                "callee": call.callee,
                "state": call.state,
                "since": round(call.since - zero, 3),
                "messages": call.seen,
            }
            for call in self._calls.values()
        ]


def _next_state(state: str, message: Message) -> str:
    """Of a call (a registration is simpler):

    trying ──180──► ringing ──200──► answered ──BYE──► ended
       └───────────────┴─── 300 and more, but 401 and 407 ──► failed
    """
    if message.method == "REGISTER":
        return _next_registration(state, message)
    if state in OVER:
        return state
    status = message.status
    if status is None:
        return ENDED if message.method == "BYE" else state
    if message.method != "INVITE":
        return state
    if status >= 300:
        # A refused re-INVITE leaves the call as it was; 401 and 407 ask for a password.
        return state if state == ANSWERED or status in (401, 407) else FAILED
    if status >= 200:
        return ANSWERED
    return RINGING if status > 100 and state == TRYING else state


def _next_registration(state: str, message: Message) -> str:
    """A 2xx lists the contacts that are registered now; one that lists none has ended it (RFC 3261
    10.3)."""
    if message.status is None or message.status < 200 or message.status in (401, 407):
        return state
    if message.status >= 300:
        return REFUSED
    return REGISTERED if message.headers.get(b"contact") else UNREGISTERED


def _user(message: Message, name: bytes) -> str:
    """Who From or To names: "alice", or the host of a URI without a user."""
    headers = message.headers.get(name)
    if not headers:
        return ""
    header = headers[0]
    where = fields.address(message.data, (header.start, header.end))
    if where is None:
        return ""
    _, _, rest = fields.text(message.data, where.uri).partition(b":")
    user, at, _ = rest.partition(b"@")
    # A password may stand behind the user (RFC 3261 19.1.1): it is for no screen and no log.
    name = user.partition(b":")[0] if at else rest.partition(b";")[0]
    return name.decode("latin-1")
