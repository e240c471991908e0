"""What `up` would do, as commands: the outside is not reached but through the TUN."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.between import plan as plans
from appliance.between.plan import (
    LONGEST_DEVICE,
    Connection,
    Plan,
    Trace,
    netns_of,
    port_of,
)
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
        Connection(Side.INSIDE, "br-in", 1500, "52:54:00:00:00:01", [gateway]),
        Connection(Side.OUTSIDE, "br-out", 9000, "52:54:00:00:00:02", [*filter(None, owned)]),
    )


def said(plan: Plan) -> list[str]:
    return [" ".join(step.command) for step in plan.steps()]


@pytest.fixture
def old_protocol_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "IPV6", Path("/nowhere"))


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
        "rule add pref 10 iif to-bridge lookup 100",
        "rule add pref 11 iif lo to 203.0.113.1 lookup 100",
        "rule add pref 11 iif lo to 203.0.113.2 lookup 100",
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
    assert left == [
        Trace("namespace", "glassnat-lab-in"),
        Trace("bridge", "br-in", "52:54:00:00:00:01"),
        Trace("port", "gn-lab-in"),
        Trace("namespace", "glassnat-lab-out"),
        Trace("bridge", "br-out", "52:54:00:00:00:02"),
        Trace("port", "gn-lab-out"),
    ]


def test_a_port_is_as_large_as_its_bridge_and_a_tun_as_it_is_set() -> None:
    """A bridge is never larger than its smallest port: a small one would change it."""
    settings = defaults(sets=["outside.mtu=1400"])
    lines = said(make(settings=settings))
    assert any("gn-lab-out" in line and line.count("mtu 9000") == 2 for line in lines)
    assert "ip -n glassnat-lab-out link set gn-out mtu 1400 txqueuelen 1000 up" in lines


def test_hardware_addresses_follow_from_the_name() -> None:
    """Who remembers the gateway's remembers that of the next one too. A bridge takes the lowest of
    its ports': none is lower than fe."""
    (one,) = (line for line in said(make()) if "link add gn-lab-in" in line)
    assert one in said(make())
    assert one not in said(make("other"))
    assert " address fe:" in one


@pytest.mark.parametrize(("has", "count"), [(True, 2), (False, 0)])
def test_ipv6_is_silenced_where_there_is_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has: bool, count: int
) -> None:
    """On a kernel without it these words would be errors."""
    monkeypatch.setattr(plans, "IPV6", tmp_path if has else tmp_path / "none")
    lines = said(make())
    assert sum("disable_ipv6=1" in line for line in lines) == count
    assert sum("addrgenmode none" in line for line in lines) == count


@pytest.mark.parametrize(
    ("name", "port"),
    [("lab", "gn-lab-in"), ("classroom", "gn-classroom-in"), ("the-classroom", "gn-cb87c404-in")],
)
def test_a_name_that_is_too_long_for_a_device_is_shortened_the_same_way_always(
    name: str, port: str
) -> None:
    assert len(port_of(name, Side.INSIDE)) <= LONGEST_DEVICE
    assert port_of(name, Side.INSIDE) == port
    assert netns_of(name, Side.OUTSIDE) == f"glassnat-{name}-out"
