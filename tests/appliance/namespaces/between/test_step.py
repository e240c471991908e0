"""The steps that several plans need: a port, and its bridge."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.namespaces.between import step as step_file
from appliance.namespaces.between.bridges import Bridge
from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.step import LONGEST_DEVICE, join, port_name, veth
from appliance.settings.network_kinds import InterfaceAddress

BRIDGE = Bridge("br-in", 9000, "52:54:00:00:00:01")


def test_a_port_is_as_large_as_its_bridge() -> None:
    """A bridge is never larger than its smallest port: a small one would change it."""
    assert (
        " ".join(veth("gn-lab-in", BRIDGE, "to-bridge", "room", ()).command).count("mtu 9000") == 2
    )


def test_what_machines_remember_of_an_address_stays_true_whoever_has_it_next() -> None:
    """Of the gateway they would ask again only after half a minute (RFC 4861 7.3, as Linux does it
    for ARP). A bridge takes the lowest of its ports': none is lower than fe."""
    here, there = map(InterfaceAddress().parse, ("192.168.20.1/24", "192.168.20.2/24"))
    assert here is not None
    assert there is not None
    ports, ends = zip(
        *(
            [word for word in veth(port, BRIDGE, "to-bridge", "room", [own]).command if ":" in word]
            for port, own in (("gn-lab-in", here), ("gn-other-in", here), ("gn-lab-in", there))
        ),
        strict=True,
    )
    assert ports[0] == ports[2] != ports[1]
    assert ends[0] == ends[1] != ends[2]
    assert {port[:3] for port in ports} == {"fe:"}


def test_what_the_machine_will_remember_and_the_bridges_own_address_are_known_before() -> None:
    address = InterfaceAddress().parse("192.168.20.1/24")
    assert address is not None
    step = veth("gn-lab-in", BRIDGE, "to-bridge", "room", [address])
    hardware = step.command[-5]
    assert hardware.startswith("02:")
    assert step.leaves == (
        Trace("neighbour", "192.168.20.1", f"br-in {hardware}"),
        Trace("bridge", "br-in", "52:54:00:00:00:01"),
        Trace("port", "gn-lab-in"),
    )


@pytest.mark.parametrize(("has", "quiet"), [(True, "addrgenmode none "), (False, "")])
def test_a_port_says_nothing_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has: bool, quiet: str
) -> None:
    """On a kernel without IPv6 these words would be an error."""
    monkeypatch.setattr(step_file, "IPV6", tmp_path if has else tmp_path / "none")
    command = " ".join(join("gn-lab-in", BRIDGE).command)
    assert command == f"ip link set gn-lab-in {quiet}master br-in up"


@pytest.mark.parametrize(
    ("name", "port"),
    [("lab", "gn-lab-in"), ("classroom", "gn-classroom-in"), ("the-classroom", "gn-cb87c404-in")],
)
def test_a_name_that_is_too_long_for_a_device_is_shortened_the_same_way_always(
    name: str, port: str
) -> None:
    assert port_name(name, "in") == port
    assert len(port) <= LONGEST_DEVICE
