"""The second NAT of a story, as commands and settings."""

from __future__ import annotations

from appliance.namespaces.lab import second
from appliance.namespaces.lab.rooms import Rooms
from appliance.parties.carrier import CarrierTraits
from appliance.sim.scenario import Turns
from appliance.sim.staging import stage
from appliance.sim.stories import load_scenario

TURNED = {"parties.provider.mapping": "address-and-port-dependent", "parties.provider.udp": 30}
STORY, SETTINGS = stage(load_scenario("double-nat"), Turns(set=TURNED))
ROOMS = Rooms(STORY, SETTINGS)
MIDDLE = "glassnat-lab-double-nat-mid"


def test_a_story_with_one_nat_has_no_second() -> None:
    alone = load_scenario("one-way-audio")
    assert second.of(alone) is None
    assert Rooms(alone, SETTINGS).second_settings() is None


def test_the_first_leads_into_the_room_between_the_two() -> None:
    _, settings = stage(STORY, Turns(), ROOMS.wires())
    assert settings["outside.netns"] == MIDDLE
    assert [str(route) for route in settings["outside.routes"]] == ["10.0.0.2/32"]


def test_the_second_leads_from_there_to_where_the_others_are() -> None:
    settings = ROOMS.second_settings()
    assert settings is not None
    assert (settings["inside.netns"], settings["outside.netns"]) == (
        MIDDLE,
        "glassnat-lab-double-nat-out",
    )
    assert str(settings["outside.address"]) == "203.0.113.9/24"
    assert [str(route) for route in settings["outside.routes"]] == ["203.0.113.1/32"]


def test_it_is_the_nat_that_it_is_in_the_simulation() -> None:
    """And has no ALG."""
    settings = ROOMS.second_settings()
    assert settings is not None
    traits = STORY.parties["provider"]
    assert isinstance(traits, CarrierTraits)
    for key in ("mapping", "filtering", "ports"):
        assert settings.written(f"nat.{key}") == getattr(traits, key)
    assert settings["nat.timeouts.udp"] == settings["nat.timeouts.udp_unanswered"] == 30.0
    assert {settings[f"alg.{each}.module"] for each in ("sip", "ftp", "dns")} == {"off"}


def test_the_room_between_them_is_a_router_and_goes_with_the_rest() -> None:
    steps = [step for step in ROOMS.steps() if MIDDLE in step.command]
    assert [trace.name for step in steps for trace in step.leaves] == [MIDDLE]
    assert "net.ipv4.ip_forward=1" in steps[-1].command


def test_the_second_nat_is_no_host_of_the_outside() -> None:
    """Its address is its own, not the kernel's."""
    commands = [" ".join(step.command) for step in ROOMS.furniture()]
    assert not any("203.0.113.1/" in each for each in commands)
    assert any("203.0.113.20/24" in each for each in commands)
