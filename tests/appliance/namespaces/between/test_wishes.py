"""From what somebody typed to a plan, or to a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.namespaces.between import wishes
from appliance.namespaces.between.bridges import Laptop, Unfit
from appliance.namespaces.between.plan import Plan
from appliance.settings.network_kinds import Interface, InterfaceAddress
from nat.endpoint import parse_address
from tests.appliance.namespaces.between.test_bridges import link

LINKS = [
    link("br-in", "bridge"),
    link("br-out", "bridge"),
    link("virbr0", "bridge", "192.168.122.1"),
]


def interface(text: str) -> Interface:
    found = InterfaceAddress().parse(text)
    assert found is not None
    return found


def plan(*sets: str, **wished: Any) -> Plan:
    given = wishes.Wishes(**{"inside": "br-in", "outside": "br-out", **wished})
    settings = wishes.settings(given, "lab", None, None, sets)
    laptop = Laptop(LINKS, [{"dst": "default", "dev": "eth0"}])
    return wishes.plan(given, settings, laptop, "/run/leases")


def test_without_wishes_it_is_the_networks_of_the_documents() -> None:
    made = plan()
    assert [str(each) for each in made.inside.addresses] == ["192.168.20.1/24"]
    assert [str(each) for each in made.outside.addresses] == ["203.0.113.1/24"]
    assert (made.leases, made.pinned, made.uplink) == (None, False, None)


def test_what_is_set_is_in_the_plan_unless_it_is_wished_otherwise() -> None:
    sets = ('inside.networks=["10.1.0.0/16"]', 'outside.external=["198.51.100.7"]')
    made = plan(*sets)
    assert [str(each) for each in made.inside.addresses] == ["10.1.0.1/16"]
    assert [str(each) for each in made.outside.addresses] == ["198.51.100.7/24"]
    made = plan(*sets, gateway=interface("10.2.0.9/24"), externals=[interface("192.0.2.1/28")])
    assert [str(each) for each in made.inside.addresses] == ["10.2.0.9/24"]
    assert [str(each) for each in made.outside.addresses] == ["192.0.2.1/28"]
    assert made.settings.written("inside.networks") == ["10.2.0.0/24"]


def test_leases_are_of_the_network_that_has_the_gateway() -> None:
    made = plan(dhcp=True, name_server=parse_address("192.0.2.53"))
    assert made.leases == (interface("192.168.20.1/24"), "192.0.2.53", "/run/leases")


def test_names_are_answered_at_the_gateway_which_is_what_leases_tell_of() -> None:
    """The resolver is asked by an address that the NAT takes for one of the inside's."""
    resolver = parse_address("192.0.2.53")
    pbx = ("pbx", parse_address("192.168.20.10"))
    made = plan(dhcp=True, names=True, name_server=resolver, hosts=[pbx])
    assert made.names == ("192.168.20.1", "192.0.2.53", [pbx])
    assert made.leases is not None
    assert made.leases.name_server == "192.168.20.1"
    assert made.settings.written("inside.networks") == ["192.168.20.0/24", "192.0.0.2/32"]


def test_an_uplink_goes_by_the_machines_own_address() -> None:
    made = plan(uplink="virbr0", uplink_address=interface("192.168.122.250/24"))
    assert made.uplink is not None
    assert (made.uplink.bridge.name, made.uplink.router) == ("virbr0", "192.168.122.1")


@pytest.mark.parametrize(
    ("wished", "said"),
    [
        ({"outside": "br-in"}, "the NAT is between two"),
        ({"uplink": "br-out"}, "one of the two bridges"),
        ({"uplink": "virbr0"}, "--uplink needs --uplink-address too"),
        ({"uplink": "virbr9"}, '--uplink: there is no bridge "virbr9"'),
        ({"uplink": "virbr0", "uplink_address": interface("192.168.122.1/24")}, "on virbr0"),
        (
            {"uplink": "virbr0", "uplink_address": interface("10.0.0.9/24")},
            "no address in 10.",
        ),
        ({"hosts": [("pbx", 1)]}, "--host needs --names"),
        ({"names": True, "name_server": parse_address("192.168.20.1")}, "it would ask itself"),
        ({"gateway": interface("192.168.122.1/24")}, "--gateway: 192.168.122.1 is this machine"),
        ({"externals": [interface("192.168.122.1/24")]}, "--external: 192.168.122.1 is this"),
    ],
)
def test_what_cannot_be_is_a_sentence(wished: dict[str, Any], said: str) -> None:
    with pytest.raises(Unfit) as refused:
        plan(**wished)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("wished", "programs"),
    [
        ({}, {"ip", "sysctl"}),
        ({"dhcp": True}, {"ip", "sysctl", "dnsmasq"}),
        ({"one_port_one_address": True}, {"ip", "sysctl", "nft"}),
        ({"uplink": "virbr0"}, {"ip", "sysctl", "nft"}),
    ],
)
def test_each_wish_needs_its_programs(wished: dict[str, Any], programs: set[str]) -> None:
    given = wishes.Wishes("br-in", "br-out", **wished)
    assert {program for program, _ in given.programs()} == programs
