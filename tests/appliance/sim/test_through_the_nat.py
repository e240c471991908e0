"""Streams and pings through the real engine: what a browser, `ping` or `traceroute` would see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from appliance.control import documents
from appliance.parties.party import (
    Action,
    Close,
    Closed,
    Connect,
    Connected,
    Ending,
    Finished,
    News,
    Obstacle,
    Ping,
    Pong,
    Received,
    Send,
    Undelivered,
    Write,
)
from appliance.settings.files import for_scenario
from appliance.sim.clock import Clock
from appliance.sim.network import World
from appliance.sim.packets import unpack_segment
from nat.endpoint import ICMP, TCP, UDP, Endpoint, Side, parse_address
from nat.packet import Packet
from tests.appliance.sim.speaker import Speaker
from tests.support.world import make_engine

SETTINGS = {
    "inside": {"networks": ["192.168.20.0/24"], "gateway": "192.168.20.1"},
    "outside": {"external": ["203.0.113.1"]},
}
BROWSER, SERVER = Endpoint.parse("192.168.20.100:50000"), Endpoint.parse("203.0.113.9:80")
SEEN = Endpoint.parse("203.0.113.1:50000")  # the browser, seen from outside
GATEWAY, EXTERNAL = parse_address("192.168.20.1"), SEEN.address

REQUEST = b"GET / HTTP/1.1\r\nHost: 203.0.113.9\r\n\r\n"
PAGE = bytes(range(256)) * 100  # 18 segments


class House:
    """A browser inside and a server outside, with a real engine between them."""

    def __init__(self, *sets: str) -> None:
        self.clock = Clock()
        settings = for_scenario("test", SETTINGS, None, list(sets))
        self.engine = make_engine(settings, mode="simulation")
        delays = (0.001, 0.010)
        self.world = World(
            self.clock, self.engine, [EXTERNAL], delays, lambda *report: None, lambda *loss: None
        )
        self.browser, self.server = Speaker(BROWSER), Speaker(SERVER)
        self.hosts = {
            self.browser.name: self.world.add(self.browser, Side.INSIDE, 0.0),
            self.server.name: self.world.add(self.server, Side.OUTSIDE, 0.0, True),
        }
        self.carried: list[tuple[Side, Packet]] = []
        self.is_lost: Callable[[int], bool] = lambda number: False
        self.world.loses = self._carry

    def _carry(self, packet: Packet, side: Side) -> bool:
        """Remember what went over the links; some of it is lost."""
        self.carried.append((side, packet.copy()))
        return self.is_lost(len(self.carried))

    def does(self, speaker: Speaker, *actions: Action) -> None:
        self.world.perform(self.hosts[speaker.name], actions, self.clock.now)

    def run(self, until: float = 300.0) -> None:
        while self.clock.next <= until:
            deadline = self.engine.next_deadline()
            if deadline < self.clock.next:
                self.clock.now = deadline
                self.engine.expire(deadline)
            else:
                self.clock.step()

    def flows(self) -> list[dict[str, Any]]:
        found: Any = documents.show(self.engine, "flows", self.clock.now)
        return list(found)

    def sizes(self, side: Side, source: Endpoint) -> list[int]:
        """Of the segments with data that `source` sent over a link."""
        packets = [packet for each, packet in self.carried if each is side]
        segments = [unpack_segment(each) for each in packets if each.protocol == TCP]
        found = [len(each.payload) for each in segments if each and each.source == source]
        return [size for size in found if size]


def serves(page: bytes) -> Callable[[News], Sequence[Action]]:
    """A server that answers a whole request, and closes."""
    request = bytearray()

    def answer(news: News) -> Sequence[Action]:
        if not isinstance(news, Received):
            return ()
        request.extend(news.payload)
        ends = news.local, news.remote
        whole = request.endswith(b"\r\n\r\n")
        return [Write(*ends, page), Close(*ends)] if whole else ()

    return answer


def asks(sizes: Sequence[int]) -> Callable[[News], Sequence[Action]]:
    """A browser that sends its request when it is connected, and closes when it has the page."""

    def ask(news: News) -> Sequence[Action]:
        if isinstance(news, Connected):
            return [Write(news.local, news.remote, REQUEST, sizes)]
        return [Close(news.local, news.remote)] if isinstance(news, Finished) else ()

    return ask


def page_of(speaker: Speaker) -> bytes:
    return b"".join(news.payload for news in speaker.said() if isinstance(news, Received))


def visit(house: House, sizes: Sequence[int] = (0,)) -> None:
    house.server.on_news = serves(PAGE)
    house.browser.on_news = asks(sizes)
    house.does(house.browser, Connect(BROWSER, SERVER))


# --- TCP -----------------------------------------------------------------------------------------


def test_a_page_is_fetched_and_the_connection_closed() -> None:
    house = House()
    visit(house)
    house.run(1.0)
    assert page_of(house.server) == REQUEST
    assert page_of(house.browser) == PAGE
    assert house.browser.said()[0] == Connected(BROWSER, SERVER)
    assert house.browser.said()[-1] == Closed(BROWSER, SERVER, Ending.ORDERLY)
    assert house.server.said()[0] == Connected(SERVER, SEEN)
    assert house.server.said()[-1] == Closed(SERVER, SEEN, Ending.ORDERLY)
    assert house.world.lost == {}
    assert [flow["state"] for flow in house.flows()] == ["closed"]


def test_segments_go_through_the_nat_as_they_were_cut() -> None:
    house = House()
    visit(house, (7, 20, 3))
    house.run()
    sizes = [7, 20, *[3] * 3, 1]
    assert sum(sizes) == len(REQUEST)
    assert house.sizes(Side.INSIDE, BROWSER) == house.sizes(Side.OUTSIDE, SEEN) == sizes
    assert page_of(house.browser) == PAGE


@pytest.mark.parametrize("seed", range(5))
def test_what_links_lose_comes_all_the_same(seed: int) -> None:
    """One packet in ten, on each link."""
    house = House()
    rng = Random(seed)
    house.is_lost = lambda number: rng.random() < 0.1
    visit(house, (10,))
    house.run(3000.0)
    assert page_of(house.server) == REQUEST
    assert page_of(house.browser) == PAGE
    assert sum(house.world.lost.values()) >= 5
    for speaker in (house.browser, house.server):
        ending = speaker.said()[-1]
        assert isinstance(ending, Closed)
        assert ending.how is Ending.ORDERLY


def test_a_refusal_comes_through_the_nat() -> None:
    house = House()
    closed = SERVER._replace(port=81)
    house.does(house.browser, Connect(BROWSER, closed))
    house.run(1.0)
    assert house.browser.news == [(pytest.approx(0.022), Closed(BROWSER, closed, Ending.REFUSED))]
    assert [flow["state"] for flow in house.flows()] == ["reset"]


def test_a_server_that_is_not_there_is_given_up() -> None:
    house = House()
    nobody = Endpoint.parse("203.0.113.77:80")
    house.does(house.browser, Connect(BROWSER, nobody))
    house.run()
    assert house.browser.said() == [Closed(BROWSER, nobody, Ending.TIMED_OUT)]
    assert house.world.lost == {"no host at 203.0.113.77": 8}
    assert house.world.place_of_loss(SEEN, None) == "no host at 203.0.113.77"


def test_who_is_not_expected_from_outside_does_not_come_in() -> None:
    """RFC 5382 REQ-4: silence for six seconds, for both may be opening at the same time; then an
    ICMP error, which a real TCP takes for the end of the attempt."""
    house = House()
    house.does(house.server, Connect(SERVER, SEEN))
    house.run(1.5)
    assert house.world.lost == {"dropped by the NAT: no-mapping": 2}
    assert house.server.said() == []
    house.run()
    assert house.server.said() == [
        Undelivered(TCP, SERVER, SEEN, Obstacle.PORT_UNREACHABLE, EXTERNAL),
        Closed(SERVER, SEEN, Ending.UNREACHABLE),
    ]


# --- ICMP ----------------------------------------------------------------------------------------


def test_a_ping_goes_through_the_nat_and_back() -> None:
    """RFC 5508 REQ-1: the identifier is given back."""
    house = House()
    house.does(house.browser, Ping(BROWSER, SERVER.address, 3, b"are you there"))
    house.run()
    pong = Pong(BROWSER, SERVER.address, 3, b"are you there")
    assert house.browser.news == [(pytest.approx(0.022), pong)]
    assert house.server.news == []


def test_the_nat_answers_pings_of_its_own_address() -> None:
    house = House()
    house.does(house.browser, Ping(BROWSER, GATEWAY))
    house.run()
    assert house.browser.said() == [Pong(BROWSER, GATEWAY, 0, b"")]


def test_the_nat_is_a_hop() -> None:
    """RFC 1812 5.3.1: as traceroute shows it."""
    house = House()
    house.does(house.browser, Ping(BROWSER, SERVER.address, ttl=1))
    house.does(house.browser, Ping(BROWSER, SERVER.address, ttl=2))
    house.run()
    remote = Endpoint(SERVER.address, 0)
    assert house.browser.said() == [
        Undelivered(ICMP, BROWSER, remote, Obstacle.TIME_EXCEEDED, GATEWAY),
        Pong(BROWSER, SERVER.address, 0, b""),
    ]
    assert house.world.lost == {"dropped by the NAT: ttl-exceeded": 1}
    assert house.world.place_of_loss(BROWSER, None) == "dropped by the NAT: ttl-exceeded"


def test_a_ping_that_nobody_answers_is_lost_like_anything_else() -> None:
    house = House()
    house.does(house.browser, Ping(BROWSER, parse_address("203.0.113.77")))
    house.run()
    assert house.world.lost == {"no host at 203.0.113.77": 1}
    assert house.world.place_of_loss(SEEN, None) == "no host at 203.0.113.77"


def test_a_datagram_to_a_closed_port_comes_back_as_an_error() -> None:
    """RFC 5508 REQ-4: the error names the endpoints that the program knows."""
    house = House()
    closed = SERVER._replace(port=81)
    house.does(house.browser, Send(BROWSER, closed, b"hello"))
    house.run()
    error = Undelivered(UDP, BROWSER, closed, Obstacle.PORT_UNREACHABLE, SERVER.address)
    assert house.browser.news == [(pytest.approx(0.022), error)]
    assert house.world.lost == {"nobody listens at 203.0.113.9:81": 1}
