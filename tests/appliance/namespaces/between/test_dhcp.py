"""What the DHCP server is told to hand out."""

from __future__ import annotations

import pytest

from appliance.namespaces.between import dhcp
from appliance.namespaces.between.bridges import Unfit
from appliance.namespaces.between.record import Trace
from appliance.settings.network_kinds import InterfaceAddress


def leases(gateway: str, name_server: str = "") -> dhcp.Leases:
    here = InterfaceAddress().parse(gateway)
    assert here is not None
    return dhcp.Leases(here, name_server, "/run/glassnat/lab.leases")


@pytest.mark.parametrize(
    ("gateway", "handed_out"),
    [
        ("192.168.20.1/24", "192.168.20.128,192.168.20.254"),
        ("10.0.0.1/16", "10.0.128.0,10.0.255.254"),
        ("192.168.20.1/30", "192.168.20.2,192.168.20.2"),
    ],
)
def test_the_upper_half_is_handed_out(gateway: str, handed_out: str) -> None:
    """The lower one is for addresses that somebody types."""
    command = dhcp.step("room", leases(gateway)).command
    assert f"--dhcp-range={handed_out},12h" in command
    assert f"--dhcp-option=option:router,{gateway.partition('/')[0]}" in command


def test_a_name_server_is_told_of_if_there_is_one() -> None:
    """It is never this server: its DNS is off."""
    with_one = dhcp.step("room", leases("192.168.20.1/24", "192.0.2.53")).command
    without = dhcp.step("room", leases("192.168.20.1/24")).command
    assert "--dhcp-option=option:dns-server,192.0.2.53" in with_one
    assert not [word for word in without if "dns-server" in word]
    assert "--port=0" in without


def test_the_server_and_what_it_remembers_are_known_before() -> None:
    assert dhcp.step("room", leases("192.168.20.1/24")).leaves == (
        Trace("file", "/run/glassnat/lab.leases"),
        Trace("server", "dnsmasq", "room"),
    )


@pytest.mark.parametrize("gateway", ["192.168.20.1/31", "192.168.20.1/32"])
def test_a_network_without_room_is_refused(gateway: str) -> None:
    with pytest.raises(Unfit, match="no room"):
        dhcp.step("room", leases(gateway))
