"""A NAT that decides wrongly: each fault beside the same packets without it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from alg.registry import SpecError
from alg.sip_poor.mappings import FAULTS
from appliance.control import documents
from appliance.engine import Engine
from appliance.journal.log import EventLog
from appliance.settings.table import SettingError
from nat.drop import Drop
from nat.endpoint import Side, parse_address
from tests.alg.sip_poor.shown import not_shown
from tests.support.world import EXTERNAL, X1, X2, A, B, World, Y

PHONE = A._replace(port=5060)
DESK = B._replace(port=5060)
TWO_LINES = {"outside.external": ["203.0.113.1", "203.0.113.2"]}

REGISTER = b"""REGISTER sip:203.0.113.9 SIP/2.0\r
Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK%d;rport\r
From: <sip:a@203.0.113.9>;tag=1\r
To: <sip:a@203.0.113.9>\r
Call-ID: 1\r
CSeq: %d REGISTER\r
Contact: <sip:a@203.0.113.1:5060>\r
Content-Length: 0\r
\r
"""
UNAUTHORIZED = b"""SIP/2.0 401 Unauthorized\r
Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK%d;rport=5060;received=203.0.113.1\r
From: <sip:a@203.0.113.9>;tag=1\r
To: <sip:a@203.0.113.9>;tag=2\r
Call-ID: 1\r
CSeq: %d REGISTER\r
Content-Length: 0\r
\r
"""
INVITE = b"""INVITE sip:b@203.0.113.9 SIP/2.0\r
Via: SIP/2.0/UDP 192.168.20.10:5060;branch=z9hG4bK1\r
From: <sip:a@203.0.113.9>;tag=1\r
To: <sip:b@203.0.113.9>\r
Call-ID: 2\r
CSeq: 1 INVITE\r
Contact: <sip:a@192.168.20.10:5060>\r
Content-Type: application/sdp\r
Content-Length: 107\r
\r
v=0\r
o=- 1 1 IN IP4 192.168.20.10\r
s=-\r
c=IN IP4 192.168.20.10\r
t=0 0\r
m=audio 4000 RTP/AVP 0\r
a=sendrecv\r
"""


def world(fault: str = "", settings: Mapping[str, Any] | None = None) -> World:
    """With the fault, or (no name) with none."""
    module = f"sip-poor:{fault}" if fault else "sip"
    return World({"alg.sip.module": module, **(settings or {})})


def send(nat: World, message: bytes) -> bytes:
    """A message of the phone to its server, as it leaves."""
    nat.put(Side.INSIDE, nat.made(PHONE, X1, None, payload=message))
    return nat.take(Side.OUTSIDE).payload


def ports_of_registering(nat: World) -> list[int]:
    """The ports that the registrar sees when it asks for credentials twice."""
    ports = []
    for number in (1, 2, 3):
        seen = nat.out(PHONE, X1, payload=REGISTER % (number, number))
        assert nat.into(X1, seen, payload=UNAUTHORIZED % (number, number)) == PHONE
        ports.append(seen.port)
        nat.wait(0.1)
    return ports


def test_stun_clash_makes_ports_jump() -> None:
    assert ports_of_registering(world()) == [5060, 5060, 5060]
    assert len(set(ports_of_registering(world("stun-clash")))) == 3


def test_stun_clash_leaves_a_phone_alone_that_does_not_know_its_address() -> None:
    nat = world("stun-clash")
    private = REGISTER.replace(b"203.0.113.1:", b"192.168.20.10:")
    for number in (1, 2):
        seen = nat.out(PHONE, X1, payload=private % (number, number))
        assert seen.port == 5060
        nat.into(X1, seen, payload=UNAUTHORIZED % (number, number))


@pytest.mark.parametrize(("fault", "adjacent"), [("", True), ("rtcp-not-adjacent", False)])
def test_rtcp_not_adjacent(fault: str, adjacent: bool) -> None:
    nat = world(fault)
    assert b"m=audio 4000 " in send(nat, INVITE)
    rtp, rtcp = nat.out(A, Y), nat.out(A._replace(port=4001), Y)
    assert rtp.port == 4000
    assert (rtcp.port == 4001) is adjacent
    assert rtcp.port % 2 == 1


def test_no_hairpin() -> None:
    anyone = {"nat.filtering": "endpoint-independent"}
    right, poor = world("", anyone), world("no-hairpin", anyone)
    assert right.hairpin(A, right.out(B, X1)).destination == B
    towards = poor.out(B, X1)
    assert poor.refuses(Side.INSIDE, poor.made(A, towards, None)) is Drop.NO_HAIRPIN


def test_remap_on_new_flow() -> None:
    """A phone registers, asks a STUN server from the same port, and cannot be called any more."""
    right, poor = world(), world("remap-on-new-flow")
    for nat, reached in ((right, True), (poor, False)):
        registered = nat.out(PHONE, X1, payload=b"")
        learned = nat.out(PHONE, Y, payload=b"")
        assert (learned == registered) is reached
        assert nat.lets_in(X1, registered, payload=b"") is reached
        assert nat.lets_in(Y, learned, payload=b"")


def test_wrong_port_forward() -> None:
    """Two sockets of one host talk to a server; the one that was first hears for both."""
    second = A._replace(port=4002)
    for fault, reached in (("", second), ("wrong-port-forward", A)):
        nat = world(fault)
        assert nat.into(X1, nat.out(A, X1)) == A
        assert nat.into(X1, nat.out(second, X1)) == reached


@pytest.mark.parametrize(
    "one_to_one", [{}, {"nat.static": [{"internal": "192.168.20.10", "external": "203.0.113.1"}]}]
)
def test_reply_port_lost(one_to_one: dict[str, Any]) -> None:
    """5060 leaves as 40625 and comes back to 17973, as it was seen."""
    right, poor = world("", one_to_one), world("reply-port-lost", one_to_one)
    seen = right.out(PHONE, X1, payload=b"")
    assert (seen.port, right.into(X1, seen, payload=b"")) == (5060, PHONE)
    seen = poor.out(PHONE, X1, payload=b"")
    assert (seen.port, poor.into(X1, seen, payload=b"").port) == (40625, 17973)


def test_second_phone_steals() -> None:
    right, poor = world(), world("second-phone-steals")
    for nat, first_is_reached in ((right, True), (poor, False)):
        first = nat.out(PHONE, X1, payload=b"")
        second = nat.out(DESK, X1, payload=b"")
        assert (first == second) is not first_is_reached
        assert nat.into(X1, second, payload=b"") == DESK
        assert (nat.into(X1, first, payload=b"") == PHONE) is first_is_reached


def test_stale_after_renumber() -> None:
    for fault, new in (("", "203.0.113.2"), ("stale-after-renumber", "203.0.113.1")):
        nat = world(fault)
        nat.out(PHONE, X1, payload=b"")
        nat.engine.set("outside.external", ["203.0.113.2"], "a test", nat.now)
        assert nat.out(PHONE, X1, payload=b"").address == parse_address(new)


def test_split_wan() -> None:
    """The message announces the line that it goes by; its audio leaves by the other one."""
    for fault, is_split in (("", False), ("split-wan", True)):
        nat = world(fault, TWO_LINES)
        signalling = nat.out(PHONE, X1, payload=b"")
        assert f"c=IN IP4 {signalling}".rpartition(":")[0].encode() in send(nat, INVITE)
        assert (nat.out(A, Y).address != signalling.address) is is_split
    assert signalling.address == parse_address("203.0.113.2")


def simulated(fault: str) -> World:
    nat = world()
    settings = nat.engine.settings
    settings.change("alg.sip.module", f"sip-poor:{fault}")
    nat.engine = Engine(settings, "spec", "simulation", EventLog(0.0), random.Random(1))
    return nat


def test_born_unnatted() -> None:
    """Who sends before the NAT is ready stays untranslated until it has been silent."""
    nat = simulated("born-unnatted")
    assert nat.out(PHONE, X1, payload=b"") == PHONE
    for _ in range(10):
        nat.wait(100)
        assert nat.out(PHONE, X1, payload=b"") == PHONE
        assert nat.out(DESK, X1, payload=b"").address == EXTERNAL
    nat.wait(121)
    assert nat.out(PHONE, X1, payload=b"").address == EXTERNAL


def test_born_unnatted_is_refused_on_real_wires() -> None:
    """It breaks promise 1: no packet with an internal source leaves."""
    with pytest.raises(SpecError, match="in simulation only"):
        world("born-unnatted")
    nat = world()
    with pytest.raises(SettingError, match="in simulation only"):
        nat.engine.set("alg.sip.module", "sip-poor:born-unnatted", "a test", 0.0)
    nat.engine.set("alg.sip.module", "sip-poor", "a test", 0.0)
    with pytest.raises(SettingError, match="in simulation only"):
        nat.engine.set("alg.sip.faults", ["born-unnatted"], "a test", 0.0)
    assert nat.out(PHONE, X1, payload=b"").address == EXTERNAL


def test_symmetric_random() -> None:
    for fault, is_one in (("", True), ("symmetric-random", False)):
        nat = world(fault)
        ports = {nat.out(A, remote).port for remote in (X1, X2, Y)}
        assert (ports == {4000}) is is_one
        assert len(ports) == (1 if is_one else 3)


def test_table_full_evict() -> None:
    """The oldest flow goes, although it is in use."""
    full = {"nat.limits.flows": 2}
    for fault, survives in (("", True), ("table-full-evict", False)):
        nat = world(fault, full)
        first = nat.out(A, X1)
        nat.into(X1, first)
        nat.out(B, X1)
        nat.put(Side.INSIDE, nat.made(A, Y, None))
        assert (nat.dropped is Drop.FLOW_LIMIT) is survives
        assert (f"{A}" in {f["internal"] for f in _flows_to_x1(nat)}) is survives


def _flows_to_x1(nat: World) -> list[dict[str, Any]]:
    flows: Any = documents.show(nat.engine, "flows", nat.now)
    return [flow for flow in flows if flow["remote"] == str(X1)]


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.name != "born-unnatted"])
def test_a_fault_goes_with_its_module(fault: Any) -> None:
    """What is opened after it has been switched off is as it should be."""
    nat = world(fault.name)
    nat.out(A, X1)
    nat.engine.set("alg.sip.module", "sip", "a test", nat.now)
    assert nat.engine.nat.behavior.hairpin
    assert not nat.engine.nat.policy.others
    seen = nat.out(B._replace(port=4010), Y)
    assert seen.port == 4010
    assert nat.into(Y, seen) == B._replace(port=4010)


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals()) == []
