"""What no user has sent is counted, and is no news."""

from __future__ import annotations

import pytest

from appliance.journal.events import PacketDropped
from appliance.journal.noise import noise
from tests.tui.stories import invite


def dropped(reason: str, destination: str, count: int = 1) -> PacketDropped:
    return PacketDropped(
        side="inside",
        reason=reason,
        sentence="It is not for us.",
        rfc="",
        protocol="udp",
        source="192.168.20.100:5353",
        destination=destination,
        size=60,
        count=count,
    )


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (dropped("not-ipv4", "0.0.0.0"), "IPv6"),
        (dropped("bad-destination", "224.0.0.251:5353"), "multicast"),
        (dropped("unsupported-protocol", "239.255.255.250"), "multicast"),
        (dropped("bad-destination", "255.255.255.255:67"), "broadcast"),
        (dropped("filtered", "203.0.113.1:5060"), ""),
        (dropped("no-mapping", "[2001:db8::1]:5060"), ""),
        (invite(), ""),
    ],
)
def test_who_looks_for_routers_and_neighbours_is_noise(event: PacketDropped, kind: str) -> None:
    assert noise(event) == kind
