"""How a call or a registration moves on: by its messages, and by time alone.

A call:

    trying ──180──► ringing ──200──► answered ──BYE──► ended
       └───────────────┼── 486, 600 ──────────────────► busy
                       ├── 487 ───────────────────────► cancelled
                       ├── 300 and more else, but 401 and 407: a password is no refusal ─► failed
                       └── silence ───────────────────► unanswered (or cancelled, if it was)

A registration:

    registering ──200──► registered ──its granted time──► expired
         ├── 300 and more ──► refused        └── a 200 that lists no contact ──► unregistered
         └── silence ──► unanswered
"""

from __future__ import annotations

from itertools import chain, islice
from math import inf
from typing import NamedTuple

from alg.sip import fields, grammar
from alg.sip.message import Header, Malformed, Message
from alg.sip.register import DEFAULT_EXPIRES, TRANSACTION_LIFE

TRYING, RINGING, ANSWERED, ENDED, FAILED = "trying", "ringing", "answered", "ended", "failed"
BUSY, CANCELLED, UNANSWERED = "busy", "cancelled", "unanswered"
REGISTERING, REGISTERED, REFUSED = "registering", "registered", "refused"
UNREGISTERED, EXPIRED = "unregistered", "expired"
STATES = (
    *(TRYING, RINGING, ANSWERED, ENDED, BUSY, CANCELLED, UNANSWERED, FAILED),
    *(REGISTERING, REGISTERED, REFUSED, UNREGISTERED, EXPIRED),
)
OVER = {ENDED, FAILED, BUSY, CANCELLED, UNANSWERED, REFUSED, UNREGISTERED, EXPIRED}
FINAL = OVER - {UNANSWERED}
"""What no late answer brings back; a call that was given up for silence may be answered yet."""

RINGING_LIFE = 180.0
"""Seconds without a word that a call may ring: a proxy waits no longer (RFC 3261 16.6, Timer C),
and a phone that rings on says so every minute (RFC 3261 13.3.1.1)."""
MOST_CONTACTS = 8
"""Of one REGISTER, those that are remembered; and of an answer, those that are looked at:"""
MOST_BINDINGS = 64
LONGEST_URI = 256

_SENTENCES = {
    TRYING: "nobody has answered {caller} yet",
    RINGING: "{callee} is being called and has not answered yet",
    ENDED: "the call has ended",
    FAILED: "the call was refused",
    BUSY: "{callee} was busy",
    CANCELLED: "{caller} gave up before anybody answered",
    UNANSWERED: "nobody has answered {caller}",
    REGISTERING: "the registrar has not answered {caller} yet",
    REGISTERED: "{caller} is registered",
    REFUSED: "the registrar has refused {caller}",
    UNREGISTERED: "{caller} is not registered any more",
    EXPIRED: "the time for which {caller} was registered is over",
}


class Asked(NamedTuple):
    """What a REGISTER wants: which of the contacts that the answer lists are this phone's own, and
    for how many seconds, if it says so."""

    contacts: frozenset[bytes] = frozenset()
    seconds: int | None = None


NOTHING_ASKED = Asked()


def sentence(state: str, caller: str, callee: str) -> str:
    """What a state means, for a person; empty for a call that is going on."""
    return _SENTENCES.get(state, "").format(caller=caller or "?", callee=callee or "?")


def next_state(state: str, message: Message) -> str:
    """Where a call goes by one of its messages."""
    status = message.status
    if state in FINAL:
        return state
    if status is None:
        return ENDED if message.method == "BYE" else state
    if message.method != "INVITE":
        return state
    if status >= 300:
        # A refused re-INVITE leaves the call as it was; 401 and 407 ask for a password.
        return state if state == ANSWERED or status in (401, 407) else _end(status)
    if status >= 200:
        return ANSWERED
    return RINGING if status > 100 and state in (TRYING, UNANSWERED) else state


def _end(status: int) -> str:
    """RFC 3261 21.4.24, 21.6.1 and 21.4.25."""
    return {486: BUSY, 600: BUSY, 487: CANCELLED}.get(status, FAILED)


def next_registration(state: str, message: Message, granted_seconds: int) -> str:
    """Where a registration goes; a 2xx that grants no time has ended it (RFC 3261 10.3)."""
    if message.status is None:
        return REGISTERING if state in (UNANSWERED, EXPIRED) else state
    if message.status < 200 or message.status in (401, 407):
        return state
    if message.status >= 300:
        return REFUSED
    return REGISTERED if granted_seconds else UNREGISTERED


def deadline(
    state: str, message: Message, before: float, now: float, granted_seconds: int = 0
) -> float:
    """When time alone changes this state, on the clock of `now`; `before`: until this message."""
    if state in (TRYING, RINGING):
        if message.method != "INVITE":
            return before
        return now + (TRANSACTION_LIFE if message.is_request else RINGING_LIFE)
    if state == REGISTERING:
        return now + TRANSACTION_LIFE
    if state == REGISTERED:
        return now + granted_seconds if granted_seconds else before
    return inf


def after_silence(state: str, is_cancelled: bool) -> str:
    """Where the deadline leads."""
    if state == REGISTERED:
        return EXPIRED
    return CANCELLED if is_cancelled else UNANSWERED


def asked(message: Message) -> Asked:
    """What a REGISTER asks for."""
    contacts = list(islice(_contacts(message), MOST_CONTACTS))
    own = _seconds_of(message)
    wishes = [_seconds(message, each, own) for each in contacts]
    uris = frozenset(fields.text(message.data, each.uri)[:LONGEST_URI] for each in contacts)
    # Without a contact it is a question, or `*`: all are to go.
    known = [wish for wish in wishes if wish is not None]
    return Asked(uris, max(known) if known else own)


def granted(message: Message, asked: Asked) -> int:
    """Seconds that a 2xx grants this phone: for its own contacts; for the longest of all when none
    of them is written as it was asked for (RFC 3261 10.2.4). Nothing for another message, and for
    who has asked for no time at all (10.2.2)."""
    if message.status is None or not 200 <= message.status < 300 or asked.seconds == 0:
        return 0
    own = _seconds_of(message)
    default = own if own is not None else asked.seconds
    mine, others = [0], [0]
    for contact in islice(_contacts(message), MOST_BINDINGS):
        seconds = _seconds(message, contact, default)
        is_mine = fields.text(message.data, contact.uri)[:LONGEST_URI] in asked.contacts
        (mine if is_mine else others).append(DEFAULT_EXPIRES if seconds is None else seconds)
    return max(mine) if len(mine) > 1 else max(others)


def _contacts(message: Message) -> chain[fields.Address]:
    return chain.from_iterable(
        _listed(message, header) for header in message.headers.get(b"contact", ())
    )


def _listed(message: Message, header: Header) -> list[fields.Address]:
    try:
        spans = fields.elements(message.data, header)
    except Malformed:
        return []
    found = [fields.address(message.data, span) for span in spans]
    return [address for address in found if address is not None]


def _seconds(message: Message, contact: fields.Address, default: int | None) -> int | None:
    """The `expires` of this contact, else that of the message."""
    if b"expires" not in contact.parameters:
        return default
    return grammar.number(fields.text(message.data, contact.parameters[b"expires"])) or 0


def _seconds_of(message: Message) -> int | None:
    """The message's own Expires."""
    text = message.value(b"expires")
    return None if text is None else grammar.number(text) or 0
