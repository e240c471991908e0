"""Two honest TCPs with an appliance between them, over links that lose packets: whatever is lost,
every message arrives, and every one of them edited. Times are virtual, in seconds."""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.journal.events import StreamLetGo
from appliance.parties.party import News, Received
from appliance.sim.segment import Segment
from appliance.sim.tcp import Connection
from appliance.sim.tcp_states import State
from nat.endpoint import Side
from nat.tcp import SYN
from tests.appliance.gateway.test_streams import ANSWER, OPTIONS, PHONE, SERVER, inside, outside
from tests.support import packets
from tests.support.packets import Seen
from tests.support.world import World

DELAY = 0.02
LAST = 600.0
TOOK_TOO_LONG = "a message took too long to come in"
Loses = Callable[[str], bool]


class Host:
    """A kernel with one connection, and what its program has heard and when."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.out: list[Segment] = []
        self.news: list[News] = []
        self.tcp: Connection | None = None
        self.heard: list[tuple[float, bytes]] = []

    @property
    def text(self) -> bytes:
        return b"".join(data for _, data in self.heard)


class Network:
    """A phone, the appliance, a server. `loses` is asked about each packet on a link, which is
    named by where it leads to."""

    def __init__(self, loses: Loses) -> None:
        self.world = World({"alg.sip.module": "sip"})
        self.phone, self.server = Host(Side.INSIDE), Host(Side.OUTSIDE)
        self._loses = loses
        self._numbers = count()
        self._happenings: list[tuple[float, int, Callable[[], None]]] = []
        self.phone.tcp = Connection(PHONE, SERVER, 1000, self.phone.out, self.phone.news)
        self.phone.tcp.connect(0.0)
        self._serve(self.phone)

    @property
    def now(self) -> float:
        return self.world.now

    def at(self, moment: float, what: Callable[[], None]) -> None:
        heappush(self._happenings, (moment, next(self._numbers), what))

    def says(self, host: Host, moment: float, data: bytes, sizes: tuple[int, ...]) -> None:
        def say() -> None:
            assert host.tcp is not None
            host.tcp.write(data, sizes, self.now)
            self._serve(host)

        self.at(moment, say)

    def run(self, until: float) -> None:
        while (due := self._due()) <= until:
            if self._happenings and self._happenings[0][0] <= due:
                moment, _, what = heappop(self._happenings)
                self.world.at(moment)
                self._carry()
                what()
            else:
                self.world.at(max(due, self.now))
                for host in (self.phone, self.server):
                    if host.tcp is not None:
                        host.tcp.expire(self.now)
                        self._serve(host)
            self._carry()

    def _due(self) -> float:
        deadlines = [self._happenings[0][0]] if self._happenings else []
        clocks = filter(None, (self.phone.tcp, self.server.tcp))
        deadlines.append(self.world.engine.next_deadline())
        deadlines += [each.deadline for each in clocks if each.deadline is not None]
        return min(deadlines)

    def _serve(self, host: Host) -> None:
        """Send what a host wants sent, and hear what it has heard."""
        assert host.tcp is not None
        host.heard += [(self.now, each.payload) for each in host.news if isinstance(each, Received)]
        host.news.clear()
        host.tcp.acknowledge()
        for segment in host.out:
            if not self._loses("nat"):
                self.at(self.now + DELAY, lambda side=host.side, s=segment: self._arrive(side, s))
        host.out.clear()

    def _arrive(self, side: Side, segment: Segment) -> None:
        largest = segment.largest.to_bytes(2, "big")
        data = packets.tcp(
            segment.source, segment.destination, segment.flags, sequence=segment.sequence,
            acknowledgement=segment.acknowledgement, payload=segment.payload,
            options=bytes((2, 4)) + largest if segment.flags & SYN else b"",
        )  # fmt: skip
        self.world.put(side, data)
        self._carry()

    def _carry(self) -> None:
        """What comes out of the appliance goes to the hosts."""
        for host in (self.phone, self.server):
            for seen in self.world.take_all(host.side):
                if not self._loses("host"):
                    self.at(
                        self.now + DELAY, lambda host=host, seen=seen: self._deliver(host, seen)
                    )

    def _deliver(self, host: Host, seen: Seen) -> None:
        numbers = [int.from_bytes(seen.body[at : at + 4], "big") for at in (4, 8)]
        window = int.from_bytes(seen.body[14:16], "big")
        segment = Segment(
            seen.source, seen.destination, *numbers, seen.body[13], window, seen.payload, 1460
        )
        if host.tcp is None:
            host.tcp = Connection(seen.destination, seen.source, 9000, host.out, host.news)
            host.tcp.accept(segment, self.now)
        else:
            host.tcp.receive(segment, self.now)
        self._serve(host)


def talk(network: Network, rounds: int, sizes: tuple[int, ...]) -> None:
    for number in range(rounds):
        network.says(network.phone, 1.0 + number, OPTIONS % number, sizes)
        network.says(network.server, 1.3 + number, ANSWER % number, sizes)
    network.run(LAST)


@pytest.mark.slow
@given(st.integers(0, 1 << 20), st.sampled_from([(0,), (100, 0), (50, 50, 50, 0), (0, 30)]))
def test_whatever_is_lost_every_message_arrives_edited(seed: int, sizes: tuple[int, ...]) -> None:
    """One packet in ten, after the connection is open. Only a message whose parts did not come to
    the appliance within five seconds may pass as it is, and then this is told. A host whose every
    retransmission was lost gives its connection up, which is its right: that draw says nothing."""
    rng = random.Random(seed)
    made: list[Network] = []
    made.append(Network(lambda _: bool(made) and made[0].now > 1 and rng.random() < 0.1))
    network = made[0]
    talk(network, 8, sizes)
    assume(
        all(
            host.tcp and host.tcp.state is State.ESTABLISHED
            for host in (network.phone, network.server)
        )
    )
    requests = b"".join(OPTIONS % number for number in range(8))
    answers = b"".join(ANSWER % number for number in range(8))
    if {event.reason for event in network.world.told(StreamLetGo)} == {TOOK_TOO_LONG}:
        assert outside(network.server.text) == outside(requests)
        assert inside(network.phone.text) == inside(answers)
    else:
        assert network.world.told(StreamLetGo) == []
        assert network.server.text == outside(requests)
        assert network.phone.text == inside(answers)


@pytest.mark.parametrize("lost", range(1, 9))
def test_any_one_packet_that_is_lost_behind_the_nat_costs_less_than_half_a_second(
    lost: int,
) -> None:
    """The message has come to the appliance in three segments; whichever packet towards a host is
    lost, the message is with its receiver half a second later."""
    hosts = count(1)
    network: list[Network] = []

    def loses(link: str) -> bool:
        return bool(network) and network[0].now > 0.9 and link == "host" and next(hosts) == lost

    network.append(Network(loses))
    network[0].says(network[0].phone, 1.0, OPTIONS % 1, (100, 100, 0))
    network[0].run(LAST)
    assert network[0].server.text == outside(OPTIONS % 1)
    assert network[0].server.heard[-1][0] <= 1.0 + DELAY + 0.5 + DELAY
