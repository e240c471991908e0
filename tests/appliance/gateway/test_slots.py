"""Which flow gets which ALG."""

from __future__ import annotations

import pytest

from alg.registry import APPLICATIONS, SpecError
from appliance.gateway.slots import Slots
from appliance.gateway.streams import Connection
from appliance.settings.table import Settings
from nat.endpoint import Endpoint
from tests.support.packets import SYN, A, R
from tests.support.world import World

PHONE, PEER = Endpoint.parse(f"{A}:4000"), Endpoint.parse(f"{R}:5060")


def slots(is_real: bool = False, **changed: object) -> Slots:
    settings = Settings()
    for key, value in changed.items():
        settings.assign(f"alg.sip.{key}", value, "test")
    return Slots(settings, is_real)


def test_every_application_has_a_slot() -> None:
    assert list(slots()) == list(APPLICATIONS)


def test_a_flow_to_a_watched_port_has_the_slot_in_both_directions() -> None:
    world = World()
    world.out(PHONE, PEER)
    (flow,) = world.table.flows.values()
    assert flow.outbound.slot is flow.inbound.slot is world.engine.slots["sip"]


def test_a_flow_from_a_watched_port_has_it_too() -> None:
    """RFC 3261 18.1.1: a phone at 5060 may talk to a server at another port."""
    world = World()
    world.out(PHONE._replace(port=5060), PEER._replace(port=9000))
    (flow,) = world.table.flows.values()
    assert flow.outbound.slot is world.engine.slots["sip"]


def test_another_flow_has_none() -> None:
    world = World()
    world.out(PHONE, PEER._replace(port=9000))
    (flow,) = world.table.flows.values()
    assert flow.outbound.slot is flow.inbound.slot is None


def test_a_connection_has_one_of_its_own_in_the_slot() -> None:
    world = World()
    world.out(PHONE, PEER, SYN)
    (flow,) = world.table.flows.values()
    assert isinstance(flow.outbound.slot, Connection)
    assert flow.outbound.slot is flow.inbound.slot


def test_other_ports_hold_for_udp_flows_that_exist() -> None:
    world = World()
    world.out(PHONE, PEER)
    world.out(PHONE, PEER._replace(port=9000))
    world.set("alg.sip.ports", [9000])
    by_port = {flow.remote.port: flow.outbound.slot for flow in world.table.flows.values()}
    assert by_port == {5060: None, 9000: world.engine.slots["sip"]}


def test_settings_that_leave_the_ports_look_at_no_flow() -> None:
    there = slots()
    assert not there.settings_changed()


def test_a_module_that_lets_packets_out_untranslated_is_for_the_simulation_only() -> None:
    """Promise 1."""
    assert slots(is_real=False, module="sip-poor:born-unnatted")["sip"].spec
    with pytest.raises(SpecError, match="in simulation only"):
        slots(is_real=True, module="sip-poor:born-unnatted")


def test_a_module_of_another_application_is_refused() -> None:
    with pytest.raises(SpecError, match="does not read SIP"):
        slots().check("sip", {"module": "ftp"})
