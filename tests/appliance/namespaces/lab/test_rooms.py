"""Where a story is played, as commands and settings."""

from __future__ import annotations

import shlex

from msgspec.structs import replace

from appliance.namespaces.lab.rooms import Rooms
from appliance.sim.scenario import Turns
from appliance.sim.staging import stage
from appliance.sim.stories import load_scenario
from nat.endpoint import Side
from tests.support.parties import pbx_traits

STORY, SETTINGS = stage(load_scenario("one-way-audio"))
ROOMS = Rooms(STORY, SETTINGS)


def test_each_side_has_a_namespace_named_after_the_story() -> None:
    assert [ROOMS.namespace(side) for side in Side] == [
        "glassnat-lab-one-way-audio-in",
        "glassnat-lab-one-way-audio-out",
    ]


def test_what_is_made_is_known_before_it_is_made() -> None:
    left = [trace.name for step in ROOMS.steps() for trace in step.leaves]
    assert left == [ROOMS.namespace(side) for side in Side]


def test_the_appliance_makes_its_devices_in_the_namespaces() -> None:
    _, settings = stage(STORY, Turns(), ROOMS.wires())
    assert settings["inside.netns"] == "glassnat-lab-one-way-audio-in"
    assert str(settings["inside.address"]) == "192.168.20.100/24"
    assert str(settings["outside.address"]) == "203.0.113.9/24"
    assert [str(route) for route in settings["outside.routes"]] == ["203.0.113.1/32"]


def test_outside_there_is_no_way_to_private_addresses() -> None:
    """RFC 1918 3: or a lost packet would be the NAT's, and not the network's."""
    _, settings = stage(STORY, Turns(), ROOMS.wires())
    assert "0.0.0.0/0" not in map(str, settings["outside.routes"])


def test_hosts_that_say_nothing_of_closed_ports_have_a_kernel_that_says_nothing() -> None:
    """As in the simulation, unless a story wants it otherwise (RFC 1122 4.1.3.1)."""
    told = replace(STORY.parties["pbx"], port_unreachable=True)
    story = replace(STORY, parties={**STORY.parties, "pbx": told})
    silenced = [
        step.command[3]
        for step in Rooms(story, SETTINGS).steps()
        if "net.ipv4.icmp_ratelimit" in step.command[-1]
    ]
    assert silenced == ["glassnat-lab-one-way-audio-in"]


def test_the_other_hosts_of_a_side_get_their_addresses_too() -> None:
    """Also the second one of a party: phones that are not at their server."""
    other = pbx_traits(address="198.51.100.3", phones_at="203.0.113.77")
    story = replace(STORY, parties={**STORY.parties, "other": other})
    commands = [shlex.join(step.command) for step in Rooms(story, SETTINGS).furniture()]
    add = "ip -n glassnat-lab-one-way-audio-out address add"
    assert commands == [
        f"{add} 203.0.113.77/24 dev gn-out",
        f"{add} 198.51.100.3/32 dev gn-out",
    ]
