"""Flows that nobody reads: one glance, one hint, and the fast road again."""

from __future__ import annotations

import pytest

from appliance.gateway.lookout import MOST_PACKETS
from appliance.journal.events import HintGiven, StreamLetGo
from appliance.journal.sentences import Teller
from nat.endpoint import Endpoint
from nat.mapping import Flow
from tests.alg.ftp.control import Control
from tests.support.packets import ACK, SYN, A, R
from tests.support.world import World

PHONE = Endpoint.parse(f"{A}:4000")
ELSEWHERE = Endpoint.parse(f"{R}:5070")
REGISTER = b"REGISTER sip:example.com SIP/2.0\r\nCall-ID: x\r\n\r\n"
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def only_flow(world: World) -> Flow:
    (flow,) = world.table.flows.values()
    return flow


def is_on_the_fast_road(world: World) -> bool:
    flow = only_flow(world)
    return flow.outbound.slot is None and flow.inbound.slot is None


def test_a_hint_is_told_once_and_the_flow_is_looked_at_no_more() -> None:
    world = World()
    for _ in range(3):
        world.out(PHONE, ELSEWHERE, payload=REGISTER)
    (event,) = world.told(HintGiven)
    assert (event.about, event.flow, event.remote) == ("sip", only_flow(world).id, str(ELSEWHERE))
    assert (event.setting, event.value) == ("alg.sip.ports", "5060,5070")
    assert is_on_the_fast_road(world)


def test_the_sentence_ends_with_the_command_that_changes_it() -> None:
    world = World()
    world.out(PHONE, ELSEWHERE, payload=REGISTER)
    (event,) = world.told(HintGiven)
    (line,) = Teller().say(event)
    assert line.startswith(f"hint: {PHONE} to {ELSEWHERE} (udp): SIP on port 5070 is not read")
    assert line.endswith("(glassnat set alg.sip.ports 5060,5070)")


def test_show_flows_and_show_counters_have_it_too() -> None:
    world = World()
    world.out(PHONE, ELSEWHERE, payload=REGISTER)
    world.out(PHONE._replace(port=4001), ELSEWHERE, payload=b"\x80 something else")
    first, second = sorted(world.show("flows"), key=lambda row: row["id"])
    assert "SIP on port 5070" in first["hint"]
    assert (second["hint"], second["alg"]) == ("", None)
    assert world.show("counters")["hints"] == {"sip": 1}


def test_of_other_traffic_the_first_packet_is_enough() -> None:
    world = World()
    world.out(PHONE, ELSEWHERE, payload=b"\x80 something else")
    assert is_on_the_fast_road(world)
    world.out(PHONE, ELSEWHERE, payload=REGISTER)
    assert world.told(HintGiven) == []


@pytest.mark.parametrize("module", ["off", "sip"])
def test_a_connection_is_looked_at_where_its_first_byte_is(module: str) -> None:
    """SIP over TLS has a port that no module looks at: it is told of and counted as a flow, once,
    and not as messages, of which nobody has seen any."""
    world = World({"alg.sip.module": module})
    external = world.connect(PHONE, ELSEWHERE._replace(port=5061))
    assert world.told(HintGiven) == []
    world.out(PHONE, ELSEWHERE._replace(port=5061), ACK, sequence=1001, payload=CLIENT_HELLO)
    (event,) = world.told(HintGiven)
    assert "SIP over TLS" in event.sentence
    assert event.external == str(external)
    assert is_on_the_fast_road(world)
    counters = world.show("counters")
    assert counters["hints"] == {"sip": 1}
    assert not any(counters["alg"]["sip"].values())


def test_of_tls_where_a_module_looks_it_is_told_once_too() -> None:
    world = World({"alg.sip.module": "sip", "alg.sip.ports": [5060, 5061]})
    server = ELSEWHERE._replace(port=5061)
    world.connect(PHONE, server)
    for at in (1001, 1001 + len(CLIENT_HELLO)):
        world.out(PHONE, server, ACK, sequence=at, payload=CLIENT_HELLO)
    (event,) = world.told(StreamLetGo)
    assert "encrypted (TLS)" in event.reason
    assert world.show("counters")["alg"]["sip"]["let_go"] == 1


def test_a_server_inside_is_recognised_by_its_own_port() -> None:
    own, client = Endpoint.parse("203.0.113.1:5061"), ELSEWHERE
    forward = {"protocol": "tcp", "external": str(own), "internal": "192.168.20.10:5061"}
    world = World({"nat.forward": [forward]})
    world.into(client, own, SYN, sequence=1000)
    server = Endpoint.parse(forward["internal"])
    world.out(server, client, SYN | ACK, sequence=5000, acknowledgement=1001)
    world.into(client, own, ACK, sequence=1001, acknowledgement=5001, payload=CLIENT_HELLO)
    (event,) = world.told(HintGiven)
    assert "SIP over TLS" in event.sentence


def test_a_server_that_speaks_first_is_heard_as_well() -> None:
    """FTP's greeting comes from outside; the PORT is some messages later."""
    world = World()
    server = ELSEWHERE._replace(port=2121)
    external = world.connect(PHONE, server)
    world.into(server, external, ACK, sequence=5001, payload=b"220 ready\r\n")
    at = 1001
    for line in (b"USER x\r\n", b"PASS y\r\n", b"PORT 192,168,20,10,8,1\r\n"):
        world.out(PHONE, server, ACK, sequence=at, payload=line)
        at += len(line)
    (event,) = world.told(HintGiven)
    assert (event.about, event.setting) == ("ftp", "alg.ftp.ports")


def test_a_dialogue_that_never_comes_to_the_point_is_left_after_some_packets() -> None:
    world = World()
    for _ in range(MOST_PACKETS):
        assert not world.table.flows or only_flow(world).outbound.slot is not None
        world.out(PHONE, ELSEWHERE, payload=b"200 and so on\r\n")
    assert is_on_the_fast_road(world)


def test_what_turns_back_to_the_inside_and_what_is_no_transport_is_not_looked_at() -> None:
    world = World({"nat.forward": [
        {"protocol": "udp", "external": "203.0.113.1:5070", "internal": "192.168.20.11:5070"}
    ]})  # fmt: skip
    world.hairpin(PHONE, Endpoint.parse("203.0.113.1:5070"), payload=REGISTER)
    world.ping(PHONE, ELSEWHERE.address)
    assert world.told(HintGiven) == []


def test_a_module_that_is_off_says_what_its_protocol_would_need() -> None:
    """RFC 959 5.3.2, on the port that is looked at: a message that a module could read."""
    control = Control.outwards(module="off")
    control.line.say(control.server, b"220 ready\r\n")
    for _ in range(2):
        control.line.say(control.client, b"PORT 192,168,20,10,8,1\r\n")
    (event,) = control.nat.told(HintGiven)
    assert (event.setting, event.value) == ("alg.ftp.module", "ftp")
