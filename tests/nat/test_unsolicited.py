"""How long a SYN that nobody has asked for waits, and what takes it away."""

from __future__ import annotations

from math import inf

from nat.endpoint import TCP, Endpoint, FiveTuple, Side
from nat.packet import Packet
from nat.patch import TcpPatch
from nat.unsolicited import WAIT, Unsolicited, before_the_turn
from tests.support import packets

REMOTE, EXTERNAL = Endpoint.parse("203.0.113.9:7000"), Endpoint.parse("203.0.113.1:80")
INTERNAL = Endpoint.parse("192.168.20.10:4000")


def key(source: Endpoint, destination: Endpoint = EXTERNAL) -> FiveTuple:
    return (TCP, source.address, destination.address, source.port, destination.port)


def syn(source: Endpoint, destination: Endpoint = EXTERNAL) -> Packet:
    return Packet.of(packets.tcp(source, destination, packets.SYN))


def test_it_waits_six_seconds_and_is_given_out_once() -> None:
    waiting = Unsolicited()
    packet = syn(REMOTE)
    waiting.remember(key(REMOTE), packet, Side.OUTSIDE, now=10.0)
    assert waiting.next_deadline() == 10.0 + WAIT == 16.0
    assert list(waiting.due(15.9)) == []
    assert list(waiting.due(16.0)) == [(key(REMOTE), Side.OUTSIDE, packet)]
    assert list(waiting.due(16.0)) == []
    assert waiting.next_deadline() == inf


def test_one_that_is_sent_again_waits_no_longer() -> None:
    waiting = Unsolicited()
    waiting.remember(key(REMOTE), syn(REMOTE), Side.OUTSIDE, now=10.0)
    waiting.remember(key(REMOTE), syn(REMOTE), Side.OUTSIDE, now=13.0)
    assert len(waiting) == 1
    assert waiting.next_deadline() == 16.0


def test_the_inside_takes_it_away() -> None:
    waiting = Unsolicited()
    waiting.remember(key(REMOTE), syn(REMOTE), Side.OUTSIDE, now=10.0)
    waiting.forget(key(REMOTE))
    waiting.forget(key(REMOTE))  # no harm
    assert list(waiting.due(100.0)) == []


def test_one_that_turned_round_is_quoted_as_it_was_sent() -> None:
    sent, came = key(INTERNAL), key(REMOTE)
    packet = syn(INTERNAL)
    original = packet.to_bytes()
    TcpPatch(sent, came).apply(packet)
    turned = packet.to_bytes()
    assert before_the_turn(packet, came, sent).to_bytes() == original
    assert packet.to_bytes() == turned
