"""Faults of time, along a line of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alg.sip_poor.timers import FAULTS
from nat.endpoint import Endpoint, Side
from tests.alg.sip_poor.shown import not_shown
from tests.support.packets import ACK, RST, UNREACHABLE, icmp
from tests.support.world import ROUTER, A, World, Y

PHONE = A._replace(port=5060)
PEER = Endpoint.parse("198.51.100.7:5060")
MUSIC = Endpoint.parse("198.51.100.7:7000")

CALL = b"""%b\r
Via: SIP/2.0/UDP %b;branch=z9hG4bK%b\r
From: <sip:a@example.com>;tag=1\r
To: <sip:b@example.com>%b\r
Call-ID: 1\r
CSeq: %b INVITE\r
Contact: <sip:x@%b>\r
Content-Type: application/sdp\r
Content-Length: %d\r
\r
%b"""
BODY = (
    b"v=0\r\no=- 1 1 IN IP4 %b\r\ns=-\r\nc=IN IP4 %b\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=%b\r\n"
)


def world(fault: str, settings: Mapping[str, Any] | None = None) -> World:
    module = f"sip-poor:{fault}" if fault else "sip"
    return World({"alg.sip.module": module, **(settings or {})})


def invite(nat: World, cseq: bytes, way: bytes) -> None:
    """The phone invites and is answered; `way` is what its description says of the direction."""
    body = BODY % (b"192.168.20.10", b"192.168.20.10", 4000, way)
    tag = b"" if cseq == b"1" else b";tag=2"
    request = CALL % (
        b"INVITE sip:b@198.51.100.7 SIP/2.0",
        b"192.168.20.10:5060", cseq, tag, cseq, b"192.168.20.10:5060", len(body), body,
    )  # fmt: skip
    seen = nat.out(PHONE, PEER, payload=request)
    answer = {b"sendonly": b"recvonly", b"recvonly": b"sendonly"}.get(way, way)
    body = BODY % (b"198.51.100.7", b"198.51.100.7", 7000, answer)
    response = CALL % (
        b"SIP/2.0 200 OK",
        b"203.0.113.1:5060", cseq, b";tag=2", cseq, b"198.51.100.7:5060", len(body), body,
    )  # fmt: skip
    nat.into(PEER, seen, payload=response)


def heard_until(nat: World, limit: float) -> float:
    """The peer plays music every ten seconds; the last time that the phone hears it."""
    external = Endpoint.parse("203.0.113.1:4000")
    last = nat.now
    while nat.now < limit:
        nat.wait(10)
        if not nat.lets_in(MUSIC, external):
            break
        last = nat.now
    return last


def test_rtp_timeout_on_hold() -> None:
    """Music on hold goes one way for as long as it likes, or stops after five minutes."""
    for fault, end in (("", 1000.0), ("rtp-timeout-on-hold", 290.0)):
        nat = world(fault)
        invite(nat, b"1", b"sendrecv")
        assert nat.lets_in(MUSIC, Endpoint.parse("203.0.113.1:4000"))
        invite(nat, b"2", b"recvonly")
        assert heard_until(nat, 1000) == end


def test_rtp_timeout_on_hold_lets_a_call_be_one_way_that_does_not_say_so() -> None:
    nat = world("rtp-timeout-on-hold")
    invite(nat, b"1", b"sendrecv")
    assert heard_until(nat, 1000) == 1000


def test_inbound_no_refresh() -> None:
    """The server pings every minute and the phone says nothing."""
    wanted = {"nat.refresh_inbound": True}
    for fault, survives in (("", True), ("inbound-no-refresh", False)):
        nat = world(fault, wanted)
        external = nat.out(A, Y)
        nat.into(Y, external)
        for _ in range(4):
            nat.wait(60)
            assert nat.lets_in(Y, external)
        nat.wait(61)
        assert nat.lets_in(Y, external) is survives


def test_rst_cuts() -> None:
    """A RST that the phone itself would ignore."""
    for fault, survives in (("", True), ("rst-cuts", False)):
        nat = world(fault)
        external = nat.connect(A, Y)
        assert nat.lets_in(Y, external, RST, sequence=99)
        assert nat.lets_in(Y, external, ACK, sequence=5001, acknowledgement=1001) is survives


def test_icmp_cuts() -> None:
    for fault, survives in (("", True), ("icmp-cuts", False)):
        nat = world(fault)
        quote = nat.leaving(A, Y)
        external = Endpoint.parse("203.0.113.1:4000")
        nat.put(Side.OUTSIDE, icmp(ROUTER, external.address, UNREACHABLE, 3, 0, quote))
        assert nat.take(Side.INSIDE).quoted == (A, Y)
        assert nat.lets_in(Y, external) is survives


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals()) == []
