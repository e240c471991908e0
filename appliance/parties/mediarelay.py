"""A relay for audio beside a proxy: both sides send to it, and hear each other through it.

    alice ── c= 192.168.20.100, m= 4000 ──► proxy ── c= 203.0.113.10, m= 30000 ──► carol
    alice ◄─ c= 203.0.113.10, m= 30002 ──── proxy ◄─ c= 198.51.100.20, m= 4000 ─── carol

    alice ══ audio ══► 30002 │ relay │ 30000 ◄══ audio ══ carol

Each side was told a port of the relay, and what comes to it goes on to the other side: to where
that one's audio comes from, and until there is some, to what its description says (RFC 7362 4).
So a phone behind a NAT opens the way by talking. It is what rtpproxy does for the SIP Express
Router.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from appliance.parties.description import media_endpoint
from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Ground
from appliance.parties.sipua import SipMessage, user_of
from nat.endpoint import Endpoint, address_text

MOST_CALLS = 100
SENDS = "sends audio for {} where {}'s audio comes from:"

_ADDRESS = re.compile(rb"^((?:c|o)=.*IN IP4 )[0-9.]+", re.MULTILINE)
_PORT = re.compile(rb"^m=audio [0-9]+", re.MULTILINE)


@dataclass(slots=True)
class Side:
    """One end of a call: who, where they want audio, and whether that was seen or only said."""

    user: str
    wants: Endpoint
    has_talked: bool = False


@dataclass(slots=True)
class Call:
    """The two sides by the port that the other one was told."""

    sides: dict[int, Side] = field(default_factory=dict)

    def port_of(self, user: str) -> int | None:
        return next((port for port, side in self.sides.items() if side.user == user), None)


class MediaRelay:
    """Of the proxy `machine` at `address`; it takes even ports from `first_port` on, and keeps
    `ports` up to date."""

    def __init__(self, machine: Machine, address: int, first_port: int, ports: set[int]) -> None:
        self._machine = machine
        self._address = address
        self._first_port = first_port
        self._ports = ports
        self._calls: dict[str, Call] = {}
        self._by_port: dict[int, Call] = {}

    def take(self, message: SipMessage) -> None:
        """Write a port of the relay into the description of a message that is passed on."""
        call_id = message.get("call-id")
        if message.method == "BYE" and message.status:
            self._forget(call_id)
            return
        wants = media_endpoint(message.body) if message.body else None
        if wants is None:
            return
        if call_id not in self._calls and len(self._calls) >= MOST_CALLS:
            self._forget(next(iter(self._calls)))
        call = self._calls.setdefault(call_id, Call())
        user = user_of(message.get("to" if message.status else "from"))
        port = call.port_of(user)
        if port is None:
            port = self._open(call, user, wants)
        elif not call.sides[port].has_talked:
            call.sides[port].wants = wants
        message.body = _written(message.body, Endpoint(self._address, port))

    def hear(self, datagram: Datagram) -> bool:
        """Audio came to one of its ports: true when something was learnt from it."""
        port = datagram.destination.port
        call = self._by_port.get(port)
        if call is None or len(call.sides) < 2:
            return False
        talker_port = next(each for each in call.sides if each != port)
        talker, listener = call.sides[talker_port], call.sides[port]
        own = Endpoint(self._address, talker_port)
        if talker.wants != datagram.source or not talker.has_talked:
            talker.wants, talker.has_talked = datagram.source, True
            does = SENDS.format(talker.user, talker.user)
            ground = Ground(b"", "", "RFC 7362 4")
            self._machine.learn(self._machine.name, does, datagram.source, ground)
        self._machine.send(own, listener.wants, datagram.payload)
        return True

    def _open(self, call: Call, user: str, wants: Endpoint) -> int:
        port = self._first_port
        while port in self._ports:
            port += 2
        self._ports.add(port)
        call.sides[port] = Side(user, wants)
        self._by_port[port] = call
        return port

    def _forget(self, call_id: str) -> None:
        call = self._calls.pop(call_id, None)
        for port in call.sides if call else ():
            self._ports.discard(port)
            del self._by_port[port]


def _written(body: bytes, endpoint: Endpoint) -> bytes:
    """The description with the relay's endpoint in c=, o= and m=."""
    address = address_text(endpoint.address).encode()
    moved = _ADDRESS.sub(rb"\g<1>" + address, body)
    return _PORT.sub(b"m=audio %d" % endpoint.port, moved)
