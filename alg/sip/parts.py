"""Everything of a message that the correct ALG looks at, read before anything is done.

Reading comes first and alone may say Malformed. What acts afterwards asks the NAT for mappings and
cannot find out half-way that the message makes no sense.
"""

from __future__ import annotations

from dataclasses import dataclass

from alg.sip import bodies, fields, sdp
from alg.sip.bodies import Body
from alg.sip.fields import Address, Via
from alg.sip.message import Header, Message
from alg.sip.sdp import Session

ROUTES = (b"record-route", b"route", b"path", b"service-route")
"""Headers that name hops of later requests (rule routes-of-its-own)."""


@dataclass(slots=True)
class Parts:
    """`contacts` and `routes` leave out what is not a SIP URI."""

    via: Via | None
    """The topmost: the only one that this NAT may be about."""
    contacts: list[Address]
    contact_star: bool
    """`Contact: *`: all of them (RFC 3261 10.2.2)."""
    sender: Address | None
    """From."""
    recipient: Address | None
    """To."""
    routes: list[tuple[str, Address]]
    body: Body
    sessions: list[Session]


def read(message: Message) -> Parts:
    """Raises Malformed for a list or a body that has two readings, or one that has none."""
    data, headers = message.data, message.headers
    contacts = headers.get(b"contact", [])
    body = bodies.find(message)
    return Parts(
        _top_via(data, headers.get(b"via", [])),
        _addresses(data, contacts),
        len(contacts) == 1 and data[contacts[0].start : contacts[0].end].strip() == b"*",
        _only(data, headers.get(b"from")),
        _only(data, headers.get(b"to")),
        [
            (name.decode("ascii"), address)
            for name in ROUTES
            if name in headers
            for address in _addresses(data, headers[name])
        ],
        body,
        [sdp.parse(data, *span) for span in body.descriptions],
    )


def _top_via(data: bytes, headers: list[Header]) -> Via | None:
    """The first value of the first Via: several lines and one line with commas mean the same. If it
    cannot be read, no lower one is taken in its place."""
    return fields.via(data, fields.elements(data, headers[0])[0]) if headers else None


def _addresses(data: bytes, headers: list[Header]) -> list[Address]:
    found = [
        fields.address(data, span) for header in headers for span in fields.elements(data, header)
    ]
    return [address for address in found if address is not None]


def _only(data: bytes, headers: list[Header] | None) -> Address | None:
    return fields.address(data, (headers[0].start, headers[0].end)) if headers else None
