"""A step of a plan: one command, and what it leaves behind. And the steps that several need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from appliance.namespaces.between.bridges import Bridge
from appliance.namespaces.between.record import Trace
from appliance.settings.network_kinds import Interface
from nat.endpoint import address_text

LONGEST_DEVICE = 15
BRIDGE_END = "to-bridge"
"""The end of a side's veth in its private namespace."""
IPV6 = Path("/proc/net/if_inet6")
"""Missing where the kernel has no IPv6, and where commands about it would fail."""


class Step(NamedTuple):
    """A command, and what it leaves behind as soon as it is begun: the last is removed first."""

    command: tuple[str, ...]
    leaves: tuple[Trace, ...] = ()


def port_name(name: str, end: str) -> str:
    """What a port is called: with the appliance's name in it as long as Linux takes that."""
    plain = f"gn-{name}-{end}"
    if len(plain) <= LONGEST_DEVICE:
        return plain
    return f"gn-{hashlib.sha256(name.encode()).hexdigest()[:8]}-{end}"


def veth(port: str, bridge: Bridge, end: str, netns: str, addresses: Iterable[Interface]) -> Step:
    """A port that is to be the bridge's, and its other end in a private namespace, which is to have
    these addresses: should the machine itself talk to them, it remembers them as neighbours.

    Hardware addresses follow from its name: what hosts remember of an appliance stays true when it
    is made again. The port's is a high one, because a bridge takes the lowest of its ports' for its
    own. One whose only port goes away again has none at all: so its own is written down.
    """
    digest = hashlib.sha256(port.encode()).digest()
    port_address, end_address = (bytes([first, *digest[:5]]).hex(":") for first in (0xFE, 0x02))
    mtu = ("mtu", str(bridge.mtu))  # a bridge is never larger than its smallest port
    return Step(
        ("ip", "link", "add", port, "address", port_address, *mtu, "type", "veth",
         "peer", "name", end, "address", end_address, *mtu, "netns", netns),
        (*(Trace("neighbour", address_text(each.address), f"{bridge.name} {end_address}")
           for each in addresses),
         Trace("bridge", bridge.name, bridge.hardware), Trace("port", port)),
    )  # fmt: skip


def join(port: str, bridge: Bridge) -> Step:
    """The port becomes one of the bridge's. The machine itself has no address on it."""
    quiet = ("addrgenmode", "none") if IPV6.exists() else ()
    return Step(("ip", "link", "set", port, *quiet, "master", bridge.name, "up"))
