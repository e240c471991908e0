"""A way on for the outside: through a bridge that leads to the laptop's own network.

The outside namespace gets a third port, and the kernel's masquerade on it. So a packet from inside
is translated twice, by the appliance and then by the kernel, as in a home behind a carrier's NAT.
Machines outside reach the network, too, with the external address as their gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from appliance.namespaces.between.bridges import Bridge
from appliance.namespaces.between.step import Step, join, port_name, veth
from appliance.settings.network_kinds import Interface

PROGRAM = "nft"
END = "to-uplink"
MASQUERADE = (
    "table ip glassnat { chain on-the-way-out { type nat hook postrouting priority srcnat; "
    f'oifname "{END}" masquerade; }}; }}'
)


class Uplink(NamedTuple):
    """A bridge, an address that is free on it, and the router there."""

    bridge: Bridge
    address: Interface
    router: str

    def steps(self, name: str, netns: str) -> Iterator[Step]:
        """In the outside namespace of the appliance `name`."""
        port = port_name(name, "up")
        yield veth(port, self.bridge, END, netns, [self.address])
        inside = ("ip", "-n", netns)
        yield Step(("ip", "netns", "exec", netns, "sysctl", "-qw",
                    f"net.ipv4.conf.{END}.rp_filter=0"))  # fmt: skip
        yield Step((*inside, "address", "add", str(self.address), "dev", END))
        yield Step((*inside, "link", "set", END, "up"))
        yield Step((*inside, "route", "add", "default", "via", self.router))
        yield Step(("ip", "netns", "exec", netns, PROGRAM, MASQUERADE))
        yield join(port, self.bridge)
