"""Which bridges may be used; what may not is a sentence that says what to do instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.namespaces.between.bridges import Bridge, Laptop, Unfit
from nat.endpoint import Network, parse_address
from tests.appliance.namespaces.between.conftest import Commands


def link(name: str, kind: str = "", *addresses: str, **more: Any) -> dict[str, Any]:
    """As `ip -json -details address show` tells of it."""
    told: dict[str, Any] = {
        "ifname": name, "mtu": 1500, "address": "52:54:00:00:00:01", "flags": ["UP"], **more
    }  # fmt: skip
    if kind:
        told["linkinfo"] = {"info_kind": kind}
    told["addr_info"] = [{"family": "inet", "local": each} for each in addresses]
    return told


LINKS = [
    link("lo", "", "127.0.0.1"),
    link("eth0", "", "198.51.100.2"),
    link("virbr1", "bridge", "192.168.20.254"),
    link("virbr2", "bridge", mtu=9000),
    link("br-lan", "bridge", "198.51.100.3"),
    link("br-lan.7", "vlan", link="br-lan"),
    link("br-off", "bridge", flags=["BROADCAST"]),
    link("tap0", "tun", addr_info=[{"family": "inet6", "local": "fe80::1"}]),
]


def laptop(*uplinks: str) -> Laptop:
    return Laptop(LINKS, [{"dst": "default", "dev": each} for each in uplinks])


def test_a_bridge_is_found_with_what_is_to_be_known_of_it() -> None:
    found = laptop("eth0").bridge("virbr2", "--outside")
    assert found == Bridge("virbr2", 9000, "52:54:00:00:00:01")


@pytest.mark.parametrize(
    ("name", "uplink", "said"),
    [
        ("virbr3", "eth0", '--inside: there is no bridge "virbr3"; did you mean "virbr2"?'),
        ("xyz", "eth0", 'no bridge "xyz"; there are: virbr1, virbr2, br-lan, br-off'),
        ("eth0", "eth0", "--inside: eth0 is a device, but no bridge"),
        ("br-lan", "br-lan", "br-lan is this machine's own way to its network"),
        ("br-lan", "br-lan.7", "br-lan is this machine's own way"),
        ("br-off", "eth0", "--inside: br-off is down; first: sudo ip link set br-off up"),
    ],
)
def test_what_is_no_bridge_or_the_uplink_is_refused(name: str, uplink: str, said: str) -> None:
    with pytest.raises(Unfit) as refused:
        laptop(uplink).bridge(name, "--inside")
    assert said in str(refused.value)
    assert refused.value.exit_code == 2


def test_one_of_several_ways_is_the_uplink_as_well() -> None:
    routes = [{"dst": "default", "nexthops": [{"dev": "eth0"}, {"dev": "br-lan"}]}]
    with pytest.raises(Unfit, match="own way"):
        Laptop(LINKS, routes).bridge("br-lan", "--outside")


def test_for_the_way_to_the_machines_network_its_own_bridge_may_be_used() -> None:
    here = laptop("br-lan")
    assert here.bridge("br-lan", "--uplink", may_be_own=True).name == "br-lan"
    assert here.address_on("br-lan", Network.parse("198.51.100.0/24")) == parse_address(
        "198.51.100.3"
    )
    assert here.address_on("br-lan", Network.parse("192.168.20.0/24")) is None
    assert here.address_on("virbr2", Network.parse("198.51.100.0/24")) is None


def test_without_any_bridge_it_says_where_to_read_how_one_is_made() -> None:
    with pytest.raises(Unfit, match=r'no bridge "x"; there is none; see docs/between-vms\.md'):
        Laptop([link("lo")], []).bridge("x", "--inside")


def test_an_address_of_the_machines_own_is_refused_with_the_command_that_frees_it() -> None:
    """Two owners of one address would each answer for the other."""
    with pytest.raises(Unfit) as refused:
        laptop().refuse_taken(parse_address("192.168.20.254"), "--gateway")
    assert str(refused.value).startswith(
        "--gateway: 192.168.20.254 is this machine's own address, on virbr1; choose another one"
    )
    assert "ip address delete 192.168.20.254 dev virbr1" in str(refused.value)
    laptop().refuse_taken(parse_address("192.168.20.1"), "--gateway")


def test_it_is_read_from_ip(commands: Commands) -> None:
    """An empty list is printed as nothing, or with an empty object in it."""
    commands.answers[("ip", "-json", "-details")] = json.dumps([{}, *LINKS])
    commands.answers[("ip", "-json", "-4")] = json.dumps([{"dst": "default", "dev": "virbr1"}])
    with pytest.raises(Unfit, match="own way"):
        Laptop.here().bridge("virbr1", "--inside")
    assert all("show" in command for command in commands), "it only looks"
