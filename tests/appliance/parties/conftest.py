"""A room without a NAT: parties that hear each other at once, and a clock that jumps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from appliance.parties.party import Action, Datagram, Party, Report, Send, Wake, What
from appliance.parties.pbx import Pbx
from appliance.parties.phone import Phone
from appliance.parties.rtp import Stream
from nat.endpoint import Endpoint, parse_address
from tests.support.parties import a_pbx, a_phone, as_received

PHONE, PBX = parse_address("192.168.20.100"), parse_address("203.0.113.9")
REGISTRAR = Endpoint(PBX, 5060)

Ear = Callable[[Send], Send | None]


class Room:
    """Carries actions out. `on_the_way` may change or swallow (None) a datagram."""

    def __init__(self) -> None:
        self.now = 0.0
        self.parties: dict[int, Party] = {}
        self.wakes: dict[int, float] = {}
        self.reports: list[tuple[float, Report]] = []
        self.sent: list[tuple[float, Send]] = []
        self._arriving: deque[tuple[Party, Datagram]] = deque()
        self.on_the_way: Ear = lambda send: send

    def add(self, party: Party) -> None:
        self.parties[party.address] = party
        self.do(party, party.start(self.now))

    def tell(self, party: Party, order: str, whom: str = "") -> None:
        self.do(party, party.tell(order, whom, self.now))

    def do(self, party: Party, actions: Sequence[Action]) -> None:
        """Carry out all actions of a step before anybody hears what was sent in it."""
        self._act(party, actions)
        while self._arriving:
            receiver, datagram = self._arriving.popleft()
            if datagram.destination.port in receiver.ports:
                self._act(receiver, receiver.receive(datagram, self.now))

    def _act(self, party: Party, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self._carry(action)
            elif isinstance(action, Wake):
                self.wakes[party.address] = action.at
            else:
                self.reports.append((self.now, action))

    def _carry(self, send: Send) -> None:
        self.sent.append((self.now, send))
        arriving = self.on_the_way(send)
        receiver = self.parties.get(arriving.destination.address) if arriving else None
        if arriving and receiver:
            self._arriving.append((receiver, as_received(arriving)))

    def run_until(self, when: float) -> None:
        while self.wakes and min(self.wakes.values()) <= when:
            address = min(self.wakes, key=lambda key: (self.wakes[key], key))
            self.now = self.wakes.pop(address)
            self.do(self.parties[address], self.parties[address].wake(self.now))
        self.now = when

    def said(self, what: What) -> list[tuple[str, str, str]]:
        """Who, peer and detail of all reports of this kind."""
        found = [report for _, report in self.reports if report.what is what]
        return [(report.who, report.peer, report.detail) for report in found]

    def starts(self) -> list[tuple[float, str]]:
        """Time and first line (without the version) of every SIP message sent."""
        lines = ((at, send.payload.split(b"\r\n")[0].decode("latin-1")) for at, send in self.sent)
        return [(at, line.removesuffix(" SIP/2.0")) for at, line in lines if "SIP/2.0" in line]


class Pair:
    """Alice's phone and bob's PBX in one room, alice registered."""

    def __init__(self, room: Room, phone: Phone, pbx: Pbx) -> None:
        self.room, self.phone, self.pbx = room, phone, pbx
        room.add(phone)
        room.add(pbx)
        room.tell(phone, "register")

    def streams(self) -> dict[str, Stream]:
        reports = (report for _, report in self.room.reports)
        return {report.who: report.stream for report in reports if report.stream}


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def a_pair(room: Room) -> Callable[..., Pair]:
    """Makes a pair whose ends have these traits."""

    def make(phone: dict[str, Any] | None = None, pbx: dict[str, Any] | None = None) -> Pair:
        return Pair(room, a_phone(**(phone or {})), a_pbx(**(pbx or {})))

    return make


@pytest.fixture
def pair(a_pair: Callable[..., Pair]) -> Pair:
    return a_pair()
