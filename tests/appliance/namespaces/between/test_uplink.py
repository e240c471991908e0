"""A third port, with the kernel's masquerade on it."""

from __future__ import annotations

from appliance.namespaces.between.bridges import Bridge
from appliance.namespaces.between.uplink import Uplink
from appliance.settings.network_kinds import InterfaceAddress


def test_all_of_it_is_in_the_private_namespace_but_for_the_port() -> None:
    address = InterfaceAddress().parse("192.168.122.250/24")
    assert address is not None
    uplink = Uplink(Bridge("virbr0", 1500, "52:54:00:00:00:03"), address, "192.168.122.1")
    steps = [" ".join(step.command) for step in uplink.steps("lab", "room")]
    assert steps[0].startswith("ip link add gn-lab-up address fe:")
    assert steps[-1].endswith("master virbr0 up")
    assert all(each.startswith(("ip -n room ", "ip netns exec room ")) for each in steps[1:-1])
    assert "ip -n room address add 192.168.122.250/24 dev to-uplink" in steps
    assert "ip -n room route add default via 192.168.122.1" in steps
    assert any('oifname "to-uplink" masquerade' in each for each in steps)
