"""STUN messages: how a host asks what it looks like from outside (RFC 8489, RFC 5780, RFC 3489).

     0                   1                   2                   3
    ┌─────────────────────────────┬─────────────────────────────┐
    │ type: 0x0001 asks, 0x0101   │ length of all attributes    │
    ├─────────────────────────────┴─────────────────────────────┤
    │ 0x2112A442, the cookie; in RFC 3489 part of the transaction│
    ├───────────────────────────────────────────────────────────┤
    │ transaction: 12 random bytes, which the answer repeats    │
    ├─────────────────────────────┬─────────────────────────────┤
    │ attribute: what it is       │ its length, without padding │  …
    └─────────────────────────────┴─────────────────────────────┘

An address is told twice: plainly (MAPPED-ADDRESS), which is all that RFC 3489 knew, and
exclusive-or with the cookie, because some NATs look for their own address in every packet and
replace it (RFC 8489 14.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from nat.endpoint import Endpoint

HEADER = Struct("!HHI12s")
ATTRIBUTE = Struct("!HH")
ADDRESS = Struct("!xBHI")  # a zero byte, family, port, address

COOKIE = 0x2112A442  # RFC 8489 5
IPV4 = 1

BINDING_REQUEST, BINDING_RESPONSE, BINDING_ERROR = 0x0001, 0x0101, 0x0111

NAMES = {
    BINDING_REQUEST: "STUN request",
    BINDING_RESPONSE: "STUN answer",
    BINDING_ERROR: "STUN refusal",
}

MAPPED_ADDRESS = 0x0001
CHANGE_REQUEST = 0x0003  # RFC 5780 7.2
SOURCE_ADDRESS = 0x0004  # RFC 3489 11.2.5; RESPONSE-ORIGIN since RFC 5780
CHANGED_ADDRESS = 0x0005  # RFC 3489 11.2.3; OTHER-ADDRESS since RFC 5780
ERROR_CODE = 0x0009
UNKNOWN_ATTRIBUTES = 0x000A
XOR_MAPPED_ADDRESS = 0x0020
RESPONSE_ORIGIN = 0x802B  # RFC 5780 7.3
OTHER_ADDRESS = 0x802C  # RFC 5780 7.4

CHANGE_ADDRESS, CHANGE_PORT = 0x4, 0x2  # flags of CHANGE-REQUEST


class StunMessage(NamedTuple):
    """`transaction` is all 16 bytes behind the length: the cookie too, where there is one."""

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]

    @property
    def has_cookie(self) -> bool:
        """Is it of RFC 5389 or later?"""
        return self.transaction[:4] == COOKIE.to_bytes(4)

    def write(self) -> bytes:
        body = b"".join(_attributes(self.attributes))
        first = int.from_bytes(self.transaction[:4])
        return HEADER.pack(self.kind, len(body), first, self.transaction[4:]) + body

    def endpoint(self, name: int) -> Endpoint | None:
        """An attribute that is a plain address; None without one, or for another family."""
        value = self.attributes.get(name, b"")
        if len(value) != ADDRESS.size:
            return None
        family, port, address = ADDRESS.unpack(value)
        return Endpoint(address, port) if family == IPV4 else None

    @property
    def mapped(self) -> Endpoint | None:
        """Where the request came from, as the server saw it."""
        hidden = self.endpoint(XOR_MAPPED_ADDRESS)
        return self.endpoint(MAPPED_ADDRESS) if hidden is None else masked(hidden)

    @property
    def other(self) -> Endpoint | None:
        """Where else the server listens: another address, and another port (RFC 5780 7.4)."""
        return self.endpoint(OTHER_ADDRESS) or self.endpoint(CHANGED_ADDRESS)


def masked(endpoint: Endpoint) -> Endpoint:
    """Exclusive-or with the cookie, there and back (RFC 8489 14.2)."""
    return Endpoint(endpoint.address ^ COOKIE, endpoint.port ^ COOKIE >> 16)


def address_value(endpoint: Endpoint) -> bytes:
    """An endpoint as the value of an attribute."""
    return ADDRESS.pack(IPV4, endpoint.port, endpoint.address)


def read(payload: bytes) -> StunMessage | None:
    """A message, or None for what is none: SIP and audio come to the same ports."""
    if len(payload) < HEADER.size or payload[0] >> 6:
        return None
    kind, length, first, rest = HEADER.unpack_from(payload)
    if length % 4 or HEADER.size + length != len(payload):
        return None
    attributes: dict[int, bytes] = {}
    at = HEADER.size
    while at < len(payload):
        name, size = ATTRIBUTE.unpack_from(payload, at)
        at += ATTRIBUTE.size
        if at + size > len(payload):
            return None
        attributes.setdefault(name, payload[at : at + size])
        at += size + -size % 4
    return StunMessage(kind, first.to_bytes(4) + rest, attributes)


def essence(payload: bytes) -> str:
    """What a message is in a word or two; empty for what is none."""
    message = read(payload)
    return "" if message is None else NAMES.get(message.kind, "")


def _attributes(values: dict[int, bytes]) -> Iterator[bytes]:
    for name, value in values.items():
        yield ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)
