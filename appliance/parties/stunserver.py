"""A STUN server with up to two addresses and two ports (RFC 5780; RFC 3489 without a cookie).

    asked at   address:port        answered from   address:port
    change port                                    address:other_port
    change address                                 other_address:port
    change both                                    other_address:other_port

Who gets no answer from another address or port knows that its NAT filters by them.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Annotated

from appliance.parties import stun
from appliance.parties.machine import Machine
from appliance.parties.party import Action, Datagram, Ground, News, What
from appliance.parties.stun import StunMessage
from appliance.parties.traits import Traits, about
from nat.endpoint import Endpoint, parse_address

CANNOT = bytes((0, 0, 4, 20)) + b"Unknown Attribute"  # RFC 8489 14.8: 420


class StunServerTraits(Traits, tag="stun-server", kw_only=True):
    """Of a STUN server."""

    port: Annotated[int, about("The port that it listens on (RFC 8489 18.6: 3478).")] = 3478
    other_address: Annotated[
        str,
        about(
            "Its second IP address, from which it answers when asked to; empty: it has none (RFC "
            "5780 6)."
        ),
    ] = ""
    other_port: Annotated[int, about("Its second port, on each of its addresses (RFC 5780 6).")] = (
        3479
    )

    @property
    def addresses(self) -> Sequence[str]:
        return (self.address, self.other_address) if self.other_address else (self.address,)

    def check(self) -> None:
        super().check()
        if self.other_address:
            self.must_parse(parse_address, "other_address")
        if self.other_address == self.address:
            raise ValueError(f"other_address: is its first one: {self.other_address}")


class StunServer(Machine):
    """Answers what it saw."""

    def __init__(self, name: str, traits: StunServerTraits) -> None:
        super().__init__()
        self.name = name
        self.address = traits.own_address
        self._addresses = tuple(map(parse_address, traits.addresses))
        self._ports = (traits.port, traits.other_port)

    @property
    def ports(self) -> Set[int]:
        return set(self._ports)

    @property
    def tcp_ports(self) -> Set[int]:
        return frozenset()

    def start(self, now: float) -> Sequence[Action]:
        return ()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        return ()

    def tell(self, order: str, whom: str, now: float) -> Sequence[Action]:
        raise ValueError(f"{self.name} does not know how to {order!r}")

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        request = stun.read(datagram.payload)
        if request is not None and request.kind == stun.BINDING_REQUEST:
            self._answer(request, datagram)
            self.accept(datagram.payload)
        else:
            ground = Ground(datagram.payload)
            self.object_to(What.MESSAGE_DISCARDED, self.name, "it is no STUN request", ground)
        return self.actions()

    def _answer(self, request: StunMessage, datagram: Datagram) -> None:
        flags = int.from_bytes(request.attributes.get(stun.CHANGE_REQUEST, b""))
        if flags & stun.CHANGE_ADDRESS and len(self._addresses) < 2:
            kind, values = stun.BINDING_ERROR, {stun.ERROR_CODE: CANNOT}
            values[stun.UNKNOWN_ATTRIBUTES] = stun.CHANGE_REQUEST.to_bytes(2)
            origin = datagram.destination
        else:
            kind = stun.BINDING_RESPONSE
            origin = self._changed(datagram.destination, flags)
            values = self._what_it_saw(request, datagram, origin)
        self.send(origin, datagram.source, StunMessage(kind, request.transaction, values).write())

    def _what_it_saw(
        self, request: StunMessage, datagram: Datagram, origin: Endpoint
    ) -> dict[int, bytes]:
        values = {stun.MAPPED_ADDRESS: stun.address_value(datagram.source)}
        if request.has_cookie:
            hidden = stun.address_value(stun.masked(datagram.source))
            values[stun.XOR_MAPPED_ADDRESS] = hidden
        names = (stun.RESPONSE_ORIGIN, stun.OTHER_ADDRESS)
        if not request.has_cookie:
            names = (stun.SOURCE_ADDRESS, stun.CHANGED_ADDRESS)
        values[names[0]] = stun.address_value(origin)
        if len(self._addresses) == 2:
            everything = stun.CHANGE_ADDRESS | stun.CHANGE_PORT
            values[names[1]] = stun.address_value(self._changed(datagram.destination, everything))
        return values

    def _changed(self, asked_at: Endpoint, flags: int) -> Endpoint:
        address, port = asked_at
        if flags & stun.CHANGE_ADDRESS:
            address = next(each for each in self._addresses if each != address)
        if flags & stun.CHANGE_PORT:
            port = next((each for each in self._ports if each != port), port)
        return Endpoint(address, port)
