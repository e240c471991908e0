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

    The end's hardware address follows from its IP addresses: what hosts remember of them stays
    true when the appliance is made again, also under another name. The port's is a high one,
    because a bridge takes the lowest of its ports' for its own. One whose only port goes away again
    has none at all: so its own is written down.
    """
    addresses = list(addresses)
    known_by = ", ".join(address_text(each.address) for each in addresses) or port
    port_address, end_address = _hardware(0xFE, port), _hardware(0x02, known_by)
    mtu = ("mtu", str(bridge.mtu))  # a bridge is never larger than its smallest port
    return Step(
        ("ip", "link", "add", port, "address", port_address, *mtu, "type", "veth",
         "peer", "name", end, "address", end_address, *mtu, "netns", netns),
        (*(Trace("neighbour", address_text(each.address), f"{bridge.name} {end_address}")
           for each in addresses),
         Trace("bridge", bridge.name, bridge.hardware), Trace("port", port)),
    )  # fmt: skip


def _hardware(first: int, seed: str) -> str:
    """A locally administered address (IEEE 802): the first byte, and five that follow from text."""
    return bytes([first, *hashlib.sha256(seed.encode()).digest()[:5]]).hex(":")


def join(port: str, bridge: Bridge) -> Step:
    """The port becomes one of the bridge's. The machine itself has no address on it."""
    quiet = ("addrgenmode", "none") if IPV6.exists() else ()
    return Step(("ip", "link", "set", port, *quiet, "master", bridge.name, "up"))
