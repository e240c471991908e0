"""What `up` would do, as commands: the outside is not reached but through the TUN."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.namespaces.between import plan as plans
from appliance.namespaces.between import step as step_file
from appliance.namespaces.between.bridges import Bridge
from appliance.namespaces.between.dhcp import Leases
from appliance.namespaces.between.plan import Connection, Plan, netns_of, port_of
from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.uplink import Uplink
from appliance.settings.files import defaults
from appliance.settings.network_kinds import InterfaceAddress
from appliance.settings.table import Settings
from nat.endpoint import Side


def make(name: str = "lab", *externals: str, settings: Settings | None = None) -> Plan:
    settings = settings or defaults()
    settings.assign("name", name, "test")
    gateway, *owned = (
        InterfaceAddress().parse(each)
        for each in ("192.168.20.1/24", *(externals or ("203.0.113.1/24",)))
    )
    assert gateway is not None
    return Plan(
        settings,
        Connection(Side.INSIDE, Bridge("br-in", 1500, "52:54:00:00:00:01"), [gateway]),
        Connection(
            Side.OUTSIDE, Bridge("br-out", 9000, "52:54:00:00:00:02"), [*filter(None, owned)]
        ),
    )


def said(plan: Plan) -> list[str]:
    return [" ".join(step.command) for step in plan.steps()]


@pytest.fixture
def old_protocol_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (plans, step_file):
        monkeypatch.setattr(file, "IPV6", Path("/nowhere"))


@pytest.mark.usefixtures("old_protocol_only")
def test_the_inside_is_a_plain_router_that_sends_all_else_into_the_tun() -> None:
    inside = [line for line in said(make()) if "lab-in" in line]
    assert inside[0] == "ip netns add glassnat-lab-in"
    assert inside[1].startswith("ip link add gn-lab-in address fe:")
    assert inside[1].endswith("netns glassnat-lab-in")
    assert inside[2:] == [
        "ip -n glassnat-lab-in tuntap add dev gn-in mode tun",
        "ip netns exec glassnat-lab-in sysctl -qw net.ipv4.ip_forward=1"
        " net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.to-bridge.rp_filter=0"
        " net.ipv4.conf.gn-in.rp_filter=0 net.ipv4.conf.gn-in.accept_local=1",
        "ip -n glassnat-lab-in address add 192.168.20.1/24 dev to-bridge",
        "ip -n glassnat-lab-in link set to-bridge up",
        "ip -n glassnat-lab-in link set gn-in mtu 1500 txqueuelen 1000 up",
        "ip -n glassnat-lab-in route add default dev gn-in",
        "ip link set gn-lab-in master br-in up",
    ]


@pytest.mark.usefixtures("old_protocol_only")
def test_what_comes_to_an_external_address_goes_into_the_tun_before_it_is_local() -> None:
    """And for each of them the room answers ARP."""
    outside = said(make("lab", "203.0.113.1/24", "203.0.113.2/24"))
    rules = [line.partition("glassnat-lab-out ")[2] for line in outside if " rule " in line]
    assert rules == [
        "rule add pref 10 to 203.0.113.1 lookup 100",
        "rule add pref 10 to 203.0.113.2 lookup 100",
        "rule add pref 11 iif to-bridge lookup 100",
        "rule add pref 20 lookup local",
        "rule delete pref 0",
    ]
    for external in ("203.0.113.1", "203.0.113.2"):
        at_the_bridge = f"ip -n glassnat-lab-out address add {external}/24 dev to-bridge"
        assert at_the_bridge in outside
        assert f"ip -n glassnat-lab-out neighbour add proxy {external} dev to-bridge" in outside


def test_no_step_acts_on_the_machine_itself_but_for_one_port_on_each_bridge() -> None:
    """Promise 5: whatever is not in a namespace of its own makes one, or a port."""
    outdoors = [
        step.command[1:4]
        for step in make().steps()
        if step.command[1] != "-n" and step.command[:3] != ("ip", "netns", "exec")
    ]
    assert outdoors == [
        words
        for short in ("in", "out")
        for words in (
            ("netns", "add", f"glassnat-lab-{short}"),
            ("link", "add", f"gn-lab-{short}"),
            ("link", "set", f"gn-lab-{short}"),
        )
    ]


def test_a_port_joins_its_bridge_when_all_behind_it_is_ready() -> None:
    joined = [line.split()[3] for line in said(make()) if " master " in line]
    assert joined == ["gn-lab-in", "gn-lab-out"]
    assert " master br-out up" in said(make())[-1]


def test_whatever_a_step_makes_is_known_before() -> None:
    left = [trace for step in make().steps() for trace in step.leaves]
    assert {(each.name, each.detail.split()[0]) for each in left if each.kind == "neighbour"} == {
        ("192.168.20.1", "br-in"), ("203.0.113.1", "br-out"),
    }  # fmt: skip
    assert [each for each in left if each.kind != "neighbour"] == [
        Trace("namespace", "glassnat-lab-in"),
        Trace("bridge", "br-in", "52:54:00:00:00:01"),
        Trace("port", "gn-lab-in"),
        Trace("namespace", "glassnat-lab-out"),
        Trace("bridge", "br-out", "52:54:00:00:00:02"),
        Trace("port", "gn-lab-out"),
    ]


def test_a_tun_is_as_large_as_it_is_set() -> None:
    lines = said(make(settings=defaults(sets=["outside.mtu=1400"])))
    assert "ip -n glassnat-lab-out link set gn-out mtu 1400 txqueuelen 1000 up" in lines


def test_what_may_be_added_stands_before_the_port_joins_its_bridge() -> None:
    """So that not one packet passes without it."""
    plan = make()
    leases = Leases(plan.inside.addresses[0], "", "/run/leases")
    address = InterfaceAddress().parse("192.168.122.250/24")
    assert address is not None
    uplink = Uplink(Bridge("virbr0", 1500, "52:54:00:00:00:03"), address, "192.168.122.1")
    lines = said(replace(plan, leases=leases, pinned=True, uplink=uplink))

    def at(*words: str) -> int:
        (line,) = (line for line in lines if all(word in line for word in words))
        return lines.index(line)

    assert at("nft", "glassnat-lab-in") < at("dnsmasq") < at("gn-lab-in", "master br-in")
    assert at("masquerade") < at("gn-lab-up", "master") < at("gn-lab-out", "master br-out")


def test_with_an_uplink_only_what_is_for_the_nat_goes_to_it() -> None:
    """The rest has a way of its own then; without one it is shown and refused."""
    address = InterfaceAddress().parse("192.168.122.250/24")
    assert address is not None
    uplink = Uplink(Bridge("virbr0", 1500, "52:54:00:00:00:03"), address, "192.168.122.1")
    assert not any("iif to-bridge" in line for line in said(replace(make(), uplink=uplink)))
    assert any("iif to-bridge" in line for line in said(make()))


@pytest.mark.parametrize(("has", "count"), [(True, 2), (False, 0)])
def test_ipv6_is_silenced_where_there_is_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has: bool, count: int
) -> None:
    """On a kernel without it these words would be errors."""
    for file in (plans, step_file):
        monkeypatch.setattr(file, "IPV6", tmp_path if has else tmp_path / "none")
    lines = said(make())
    assert sum("disable_ipv6=1" in line for line in lines) == count
    assert sum("addrgenmode none" in line for line in lines) == count


def test_both_sides_have_names_of_their_own() -> None:
    assert [port_of("lab", side) for side in Side] == ["gn-lab-in", "gn-lab-out"]
    assert netns_of("lab", Side.OUTSIDE) == "glassnat-lab-out"
