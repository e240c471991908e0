"""A slot: the place of one application, whatever module stands in it."""

from __future__ import annotations

import pytest

from alg.registry import APPLICATIONS, SpecError
from appliance.gateway.slot import Slot
from appliance.gateway.workers.workshop import Workshop
from appliance.journal.events import CallState, MessagePassed
from appliance.settings.table import Settings
from nat.endpoint import TCP, UDP
from tests.fuzz.datapath import INVITE, REGISTER
from tests.support.packets import EXTERNAL, A, R, udp
from tests.support.world import World


def slot(**changed: object) -> Slot:
    section = {**Settings().section("alg.sip"), **changed}
    return Slot(APPLICATIONS["sip"], section, Workshop())


def test_a_slot_looks_at_each_port_of_its_section_on_each_transport() -> None:
    found = slot(ports=[5060, 5070], transports=["udp", "tcp"]).ports()
    assert found == {(UDP, 5060), (UDP, 5070), (TCP, 5060), (TCP, 5070)}


@pytest.mark.parametrize(
    ("module", "observe", "observes"),
    [("off", True, True), ("off", False, False), ("sip-poor", True, True), ("sip", True, False)],
)
def test_the_correct_module_runs_beside_every_other(
    module: str, observe: bool, observes: bool
) -> None:
    """Not beside itself, and not when nobody wants to know."""
    assert slot(module=module, observe=observe).observes is observes


def test_another_module_begins_without_the_memory_of_the_last_one() -> None:
    here = slot(module="sip")
    here.memory.remember("key", "value", 10.0)
    here.configure({**here.settings, "module": "sip-poor"})
    assert here.memory.recall("key", 0.0) is None


def test_a_setting_that_is_no_module_leaves_module_and_memory() -> None:
    here = slot(module="sip")
    before, _ = here.module, here.memory.remember("key", "value", 10.0)
    here.configure({**here.settings, "received": "learn"})
    assert here.module is before
    assert here.memory.recall("key", 0.0) == "value"


def test_a_spec_that_names_nothing_leaves_the_slot_as_it_was() -> None:
    here = slot(module="sip")
    with pytest.raises(SpecError):
        here.configure({**here.settings, "module": "zebra"})
    assert (here.spec, here.module.name) == ("sip", "sip")


@pytest.mark.parametrize("module", ["off", "sip"])
def test_calls_are_seen_whatever_stands_in_the_slot(module: str) -> None:
    world = World({"alg.sip.module": module})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", REGISTER))
    world.pass_in(udp(f"{R}:5060", f"{EXTERNAL}:5060", REGISTER.replace(
        b"REGISTER sip:198.51.100.7 SIP/2.0", b"SIP/2.0 403 Forbidden"
    )))  # fmt: skip
    assert [event.state for event in world.told(CallState)] == ["trying", "registering", "refused"]
    events = world.told(CallState), world.told(MessagePassed)
    assert [state.cause for state in events[0]] == [message.id for message in events[1]]
    shown = world.show("calls")
    assert isinstance(shown, list)
    assert [call["kind"] for call in shown] == ["call", "registration"]
