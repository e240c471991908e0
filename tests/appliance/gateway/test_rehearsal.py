"""Running dry: the answers are those that the running NAT would give, and nothing changes."""

from __future__ import annotations

import time

import pytest

from alg.base import Unavailable
from appliance.gateway.context import ANNOUNCED, Context
from appliance.gateway.memory import Memory
from appliance.gateway.rehearsal import MOST, MOST_OF_A_HOST, Entry, Ledger, Rehearsal
from appliance.journal.events import MessagePassed
from nat.endpoint import TCP, UDP, Endpoint
from nat.mapping import FlowLeg
from tests.support.packets import EXTERNAL, A, R, udp
from tests.support.world import INSIDE, World

PHONE = Endpoint.parse(f"{A}:5060")
PEER = Endpoint.parse(f"{R}:5060")


def at(port: int, host: str = A) -> Endpoint:
    return Endpoint.parse(f"{host}:{port}")


class Stage:
    """A NAT with the flow of a phone, and rehearsals beside it at any time."""

    def __init__(self, **settings: object) -> None:
        self.world = World({f"nat.{key}": value for key, value in settings.items()})
        self.world.pass_out(udp(PHONE, PEER))
        (flow,) = self.world.table.flows.values()
        self.leg: FlowLeg = flow.outbound
        self.ledger = Ledger()

    def rehearse(self) -> Context:
        table, now = self.world.table, self.world.now
        ground = Rehearsal(table, self.leg, now, self.ledger)
        return Context(ground, table, self.leg, Memory(), {}, now)

    def really(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        """What the running NAT answers."""
        mapping = self.world.table.mappings.pin(
            {"udp": UDP, "tcp": TCP}[transport], internal, self.world.now
        )
        assert not isinstance(mapping, Endpoint)
        return mapping.external  # type: ignore[union-attr]


POLICIES = ["preserve", "sequential"]


@pytest.mark.parametrize("ports", POLICIES)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_prediction_is_what_happens(ports: str, transport: str) -> None:
    stage = Stage(ports=ports)
    predicted = stage.rehearse().map(at(7000), transport)
    assert stage.really(at(7000), transport) == predicted


@pytest.mark.parametrize("ports", POLICIES)
def test_a_predicted_pair_is_what_happens(ports: str) -> None:
    stage = Stage(ports=ports)
    predicted = stage.rehearse().map_pair(at(7000))
    pair = stage.world.table.mappings.pin_pair(at(7000), stage.world.now)
    assert pair[0].external == predicted  # type: ignore[index]


@pytest.mark.parametrize("ports", [*POLICIES, "random"])
def test_a_rehearsal_changes_nothing_in_the_nat(ports: str) -> None:
    quiet, watched = Stage(ports=ports), Stage(ports=ports)
    context = watched.rehearse()
    context.map(at(7000))
    context.map_pair(at(8000))
    context.expect(at(7000), None, parent="call", reason="r", lifetime=60.0)
    context.commit()
    assert not watched.world.table.expectations
    assert len(watched.world.table.mappings.by_external) == 1
    assert quiet.really(at(9000)) == watched.really(at(9000))


def test_what_was_predicted_once_is_predicted_again_and_found_from_outside() -> None:
    """The registrar repeats the Contact that would have been announced."""
    stage = Stage()
    context = stage.rehearse()
    external = context.map(at(7000))
    context.commit()
    later = stage.rehearse()
    assert (later.external_of(at(7000)), later.map(at(7000))) == (external, external)
    assert later.internal_of(external) == at(7000)


def test_no_two_predictions_share_a_port() -> None:
    stage = Stage(ports="sequential")
    context = stage.rehearse()
    seen = [context.map(at(7000 + number)) for number in range(20)]
    seen.append(context.map_pair(at(8000)))
    assert len(set(seen)) == 21


def test_a_real_mapping_comes_before_a_prediction() -> None:
    """The active module's own, for one: what it announced is what is right."""
    stage = Stage(ports="random")
    context = stage.rehearse()
    context.map(at(7000))
    context.commit()
    real = stage.really(at(7000))
    assert stage.rehearse().map(at(7000)) == stage.rehearse().external_of(at(7000)) == real


def test_a_rehearsal_that_fails_leaves_nothing() -> None:
    stage = Stage()
    context = stage.rehearse()
    context.map(at(7000))
    context.rollback()
    assert len(stage.ledger) == 0
    assert stage.rehearse().external_of(at(7000)) is None


def test_an_entry_ends_when_what_it_stands_for_would_have_ended() -> None:
    """Announced and never used: 32 s. Expected by a call: as long as the expectation."""
    stage = Stage()
    context = stage.rehearse()
    for port in (7000, 7002):
        context.map(at(port))
    context.expect(at(7002), None, parent="call", reason="r", lifetime=180.0)
    context.commit()
    stage.world.now += ANNOUNCED
    assert stage.rehearse().external_of(at(7000)) is None
    assert stage.rehearse().external_of(at(7002)) is not None
    stage.world.now += 180.0 - ANNOUNCED
    assert stage.rehearse().external_of(at(7002)) is None
    assert len(stage.ledger) == 0


def test_the_end_of_a_call_takes_its_entries() -> None:
    stage = Stage()
    context = stage.rehearse()
    context.map(at(7000))
    context.expect(at(7000), None, parent="call", reason="r", lifetime=180.0)
    context.commit()
    goodbye = stage.rehearse()
    goodbye.close("call")
    assert goodbye.external_of(at(7000)) is not None, "closing waits for the commit"
    goodbye.commit()
    assert len(stage.ledger) == 0


def test_a_limit_of_the_nat_is_a_limit_of_the_rehearsal() -> None:
    """nat.limits.expectations_per_parent, 8 mappings by default."""
    context = Stage().rehearse()
    for number in range(9):
        context.map(at(7000 + number))
    for number in range(8):
        context.expect(at(7000 + number), None, parent="call", reason="r", lifetime=9.0)
    with pytest.raises(Unavailable):
        context.expect(at(7008), None, parent="call", reason="r", lifetime=9.0)


def test_nothing_is_expected_where_nothing_is_mapped() -> None:
    with pytest.raises(Unavailable, match="no mapping"):
        Stage().rehearse().expect(at(7000), None, parent="p", reason="r", lifetime=9.0)


def test_a_host_that_writes_too_much_loses_its_own_oldest() -> None:
    ledger = Ledger()
    other = Entry(UDP, at(4000, "192.168.20.99"), at(4000, EXTERNAL), 60.0)
    ledger.add(other, 0.0)
    for port in range(5000, 5000 + MOST_OF_A_HOST + 10):
        ledger.add(Entry(UDP, at(port), at(port, EXTERNAL), 60.0), 0.0)
    assert len(ledger) == MOST_OF_A_HOST + 1
    assert ledger.find(UDP, other.internal, 0.0) is other
    assert ledger.find(UDP, at(5009), 0.0) is None
    assert ledger.find(UDP, at(5010), 0.0) is not None


def test_many_hosts_that_write_too_much_take_nothing_from_one_that_has_little() -> None:
    ledger = Ledger()
    other = Entry(UDP, at(4000, "192.168.20.99"), at(4000, EXTERNAL), 60.0)
    ledger.add(other, 0.0)
    for number in range(MOST + 100):
        host = f"192.168.20.{100 + number % 100}"
        ledger.add(Entry(UDP, at(5000 + number, host), at(5000 + number, EXTERNAL), 60.0), 0.0)
    assert len(ledger) == MOST
    assert ledger.find(UDP, other.internal, 0.0) is other


def test_watching_costs_no_search_through_all_that_others_were_promised() -> None:
    """Ports that were promised to 100 hosts lie one behind the other; how many are looked at?"""
    stage = Stage()
    looked_at: list[int] = []

    class Counted(dict[int, Entry]):
        def __contains__(self, port: object) -> bool:
            looked_at.append(1)
            return super().__contains__(port)

    for number in range(2 * MOST):
        host = f"192.168.20.{100 + number % 100}"
        entry = Entry(UDP, at(4000 + number, host), at(4000 + number, EXTERNAL), 60.0)
        stage.ledger.add(entry, 0.0)
    (place, ports), *_ = stage.ledger._by_external.items()
    stage.ledger._by_external[place] = Counted(ports)
    stage.rehearse().map_pair(at(4000 + MOST))
    assert len(looked_at) < 2 * MOST


@pytest.mark.slow
def test_watching_costs_at_most_twice_what_doing_costs() -> None:
    """Calls with four streams on fresh ports, through `off` and through the module itself."""
    worlds = [World({"alg.sip.module": module}) for module in ("off", "sip")]
    took: list[list[float]] = [[], []]
    for number in range(200):
        packet = udp(PHONE, PEER, invite(number))
        for world, seconds in zip(worlds, took, strict=True):
            began = time.process_time()
            world.send(INSIDE, packet)
            seconds.append(time.process_time() - began)
            world.wait(0.01)
    assert len(worlds[0].engine.slots["sip"].ledger) == MOST_OF_A_HOST
    assert min(took[0][-100:]) <= 2 * min(took[1][:60]), "when the ledger is full, and before"


def invite(number: int) -> bytes:
    body = f"v=0\r\no=- 1 1 IN IP4 {A}\r\ns=-\r\nc=IN IP4 {A}\r\nt=0 0\r\n"
    for stream in range(4):
        body += f"m=audio {10_000 + number * 8 + 2 * stream} RTP/AVP 0\r\n"
    return (
        f"INVITE sip:b@x.example SIP/2.0\r\nVia: SIP/2.0/UDP {A}:5060;branch=z9hG4bK{number}\r\n"
        f"From: <sip:a@x.example>;tag=1\r\nTo: <sip:b@x.example>\r\nCall-ID: c{number}\r\n"
        f"CSeq: 1 INVITE\r\nContact: <sip:a@{A}>\r\nContent-Type: application/sdp\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


@pytest.mark.parametrize("ports", [*POLICIES, "random"])
def test_a_contact_over_tcp_is_judged_by_the_port_that_the_nat_gave(ports: str) -> None:
    """A registration with a contact at a TCP port of its own, through a module that does right but
    for one fault elsewhere: no change is called wrong."""
    world = World({"alg.sip.module": "sip-poor", "nat.ports": ports})
    register = (
        "REGISTER sip:198.51.100.7 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {A}:5060;branch=z9hG4bK1\r\nFrom: <sip:a@x.example>;tag=1\r\n"
        "To: <sip:a@x.example>\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n"
        f"Contact: <sip:a@{A}:5070;transport=tcp>\r\nContent-Length: 0\r\n\r\n"
    )
    world.pass_out(udp(PHONE, PEER, register.encode()))
    (passed,) = world.told(MessagePassed)
    assert {change.verdict for change in passed.changes} == {"ok"}
    assert "contact.host" in {change.field for change in passed.changes}
