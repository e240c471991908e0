"""Registrations: which of the phone's ports the registrar may call, and for how long.

A REGISTER only asks. What it asks for is remembered, and opened when the registrar's 2xx with the
same CSeq says what it grants (rule granted-not-wished), to the registrar's address alone (rule
registrar-only). The server sees no NAT any more and therefore sends no keep-alives, so the ALG owes
the phone that its signalling mapping lives as long as the registration (rule signalling-lives-on):
forgetting this is the best-known fault of ALGs.

    phone                     ALG                                  registrar
    REGISTER 1, Contact 5070  maps 5070, remembers what is asked   ►
              ◄               401: forgets it, nothing was opened   401
    REGISTER 2, credentials   remembers what is asked              ►
              ◄               200 to 2: 5070 is open to the         200, expires=300
                              registrar for 300 s, the signalling
                              flow kept for an hour at least
    REGISTER 3, expires=0     remembers what is asked              ►
              ◄               200 to 3: closes it                   200
"""

from __future__ import annotations

from typing import NamedTuple

from alg.base import Unavailable
from alg.sip import fields, grammar
from alg.sip.fields import Address
from alg.sip.rewriting import LONGEST_LIFE, Rewriting
from nat.endpoint import Endpoint

TRANSACTION_LIFE = 32.0
"""Seconds: 64 * T1, after which nobody waits for an answer any more (RFC 3261 17.1.2.2)."""

DEFAULT_EXPIRES = 3_600
"""Seconds, when neither side names any (RFC 3261 10.2.1.1 leaves it to the registrar)."""

LEAST_SIGNALLING_LIFE = 3_600.0
"""Seconds that a flow which carries SIP is kept at least, with `timeout = "auto"`."""

TOO_SHORT = (
    "the configured timeout is shorter than the registration: what was registered outlives it"
)

REASON = "The registrar may send calls to the registered contact."


class Asked(NamedTuple):
    """What an unanswered REGISTER wants. Endpoints are internal; `wishes` is seconds for each."""

    cseq: int
    parent: tuple[str, str, int, int]
    """What the expectations belong to: one address of record of one host at one registrar. A PBX
    registers many of them from one port, and none may close those of another."""
    registrar: int
    """Its address."""
    contacts: tuple[tuple[Endpoint, str], ...]
    """Where the phone listens, and over which transport."""
    wishes: tuple[int, ...]
    star: bool
    """`Contact: *` with Expires 0: all of the address of record are to go (RFC 3261 10.2.2)."""


def follow(work: Rewriting) -> None:
    """Remember a REGISTER, act on its final answer."""
    message = work.message
    if message.method != "REGISTER":
        return
    key = ("register", message.call_id, work.host, work.context.remote.address)
    if message.is_request and work.outward:
        work.context.remember(key, _asked(work), TRANSACTION_LIFE)
    elif message.status is not None and message.status >= 200 and not work.outward:
        asked: Asked | None = work.context.recall(key)
        if asked and asked.cseq == message.cseq:
            _answered(work, asked, message.status)
            work.context.forget(key)


def keep_signalling(work: Rewriting) -> None:
    """Every SIP message keeps its flow: for the time configured, or with "auto" for the larger of
    an hour and the longest registration plus the time of a transaction."""
    seconds = work.context.settings.get("timeout", "auto")
    granted = work.context.recall(_granted_key(work)) or 0.0
    if seconds == "auto":
        seconds = max(LEAST_SIGNALLING_LIFE, granted + TRANSACTION_LIFE)
    elif seconds < granted:
        work.note = TOO_SHORT
    work.context.keep(float(seconds))


def _asked(work: Rewriting) -> Asked:
    """The phone's own contacts; those of others are registered on their behalf, and nothing is
    opened for them (rule own-contacts-only)."""
    default = _default_expires(work)
    contacts, wishes = [], []
    for contact in work.parts.contacts:
        place = _internal(work, _place(work, contact))
        if place and work.may_open(place[0]):
            contacts.append(place)
            wish = _expires(work, contact, default)
            wishes.append(DEFAULT_EXPIRES if wish is None else wish)
    registrar = work.context.remote.address
    return Asked(
        work.message.cseq,
        ("registration", _address_of_record(work), work.host, registrar),
        registrar,
        tuple(contacts),
        tuple(wishes),
        work.parts.contact_star and default == 0,
    )


def _answered(work: Rewriting, asked: Asked, status: int) -> None:
    """401 and 407 bring a new REGISTER; after another failure the old registration still holds, so
    neither closes anything. Rule unregistering-closes is about what a 2xx says."""
    if status >= 300:
        return
    if asked.star:
        work.context.close(asked.parent)
        return
    try:
        for contact, seconds in _granted(work, asked).items():
            _activate(work, asked, contact, min(float(seconds), LONGEST_LIFE))
    except Unavailable as reason:
        work.could_not_open("the registrar's way in", reason)  # the phone must hear all the same


def _granted(work: Rewriting, asked: Asked) -> dict[tuple[Endpoint, str], int]:
    """Seconds for each contact that was asked for: what the answer says of that value, else its
    Expires (RFC 3261 10.2.4). A contact that the answer does not list is not registered; only an
    answer that lists none at all, and names a time, is taken to mean those that were asked for."""
    default = _default_expires(work)
    granted = dict.fromkeys(asked.contacts, 0)
    if not work.parts.contacts and default is not None:
        return {
            contact: min(default, wish)
            for contact, wish in zip(asked.contacts, asked.wishes, strict=True)
        }
    wishes = dict(zip(asked.contacts, asked.wishes, strict=True))
    for listed in work.parts.contacts:
        contact = _internal(work, _place(work, listed))
        if contact in granted:
            seconds = _expires(work, listed, default)
            granted[contact] = wishes[contact] if seconds is None else seconds
    return granted


def _activate(work: Rewriting, asked: Asked, contact: tuple[Endpoint, str], seconds: float) -> None:
    """Open what is granted, or close it when that is no time. The port was mapped when it was asked
    for, because the Contact had to be written; if that mapping has gone since, so has the phone."""
    internal, transport = contact
    if seconds <= 0:
        work.context.close(asked.parent, internal)
        return
    if work.context.external_of(internal, transport) is None:
        return
    work.context.expect(
        internal,
        Endpoint(asked.registrar, 0),
        transport=transport,
        parent=asked.parent,
        reason=REASON,
        lifetime=seconds,
    )
    longest = max(seconds, work.context.recall(_granted_key(work)) or 0.0)
    work.context.remember(_granted_key(work), longest, seconds)


def _granted_key(work: Rewriting) -> tuple[str, Endpoint, str, int]:
    """Under which the longest registration of a signalling flow is remembered."""
    context = work.context
    return ("granted", context.internal, context.transport, context.remote.address)


def _place(work: Rewriting, contact: Address) -> tuple[Endpoint, str] | None:
    """Where a contact says that it can be reached, as it is written."""
    token = work.token(contact)
    endpoint = work.endpoint(token) if token else None
    return (endpoint, token.transport) if token and endpoint else None


def _internal(work: Rewriting, place: tuple[Endpoint, str] | None) -> tuple[Endpoint, str] | None:
    """The inside endpoint that a contact means: the phone's own name for it, or the external one,
    which the registrar lists and which a phone that knows its public address registers."""
    if place is None or work.is_own(place[0]):
        return place
    internal = work.context.internal_of(*place)
    return (internal, place[1]) if internal else None


def _expires(work: Rewriting, contact: Address, default: int | None) -> int | None:
    """The `expires` of this value, else that of the message; None when neither is there. What is
    there and is no number counts as 0 seconds: nothing is opened without a valid reason."""
    if b"expires" not in contact.parameters:
        return default
    return grammar.number(fields.text(work.data, contact.parameters[b"expires"])) or 0


def _default_expires(work: Rewriting) -> int | None:
    """The message's own Expires."""
    text = work.message.value(b"expires")
    return None if text is None else grammar.number(text) or 0


def _address_of_record(work: Rewriting) -> str:
    """To names what is being registered (RFC 3261 10.2)."""
    recipient = work.parts.recipient
    return fields.text(work.data, recipient.uri).decode("latin-1") if recipient else ""
