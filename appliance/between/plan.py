"""What `glassnat up` makes, as the commands that make it. Nothing is done here.

    bridge ── port │ to-bridge  gn-in │ appliance │ gn-out  to-bridge │ port ── bridge
     (host)        │ glassnat-NAME-in │           │ glassnat-NAME-out │        (host)

Strategy: **two rooms, and the appliance is the only door.** Each side has a private namespace with
one TUN and one end of a veth, whose other end is a port of the bridge given. Neither namespace
knows a way to the other: when the program dies, nothing is left that could carry a packet past the
NAT. With one namespace for both the kernel itself would forward internal addresses to the outside,
the moment the TUN is gone.

The inside one is a plain router: it has the gateway's address, and sends all else into its TUN.
The outside one has the external addresses, or its ARP would have nobody to ask in the name of. But
packets to them are the appliance's: so what comes from the bridge is looked up in a table where all
leads into the TUN, before the table of local addresses is asked; and what then looks like a
stranger's address is answered for by proxy ARP. A packet passes three routers.

Each step names what it makes *before* it is done (`Trace`), so that all can be undone whatever
happens (`appliance/between/record.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from appliance.settings.network_kinds import Interface
from appliance.settings.table import Settings
from nat.endpoint import Side, address_text

LONGEST_DEVICE = 15
BRIDGE_END = "to-bridge"
"""The veth's end in the private namespace."""
TUNS = {Side.INSIDE: "gn-in", Side.OUTSIDE: "gn-out"}
TO_THE_APPLIANCE = "100"
"""A routing table of the outside namespace."""
OWN_ADDRESS = "192.0.0.8/32"
"""What the outside namespace says its own ICMP errors with: it is a router without an address of
its own, since the external ones are the appliance's (RFC 7600 4.8)."""
IPV6 = Path("/proc/net/if_inet6")
"""Missing where the kernel has no IPv6, and where commands about it would fail."""


class Trace(NamedTuple):
    """Something that is left behind until it is removed. `kind` is a row of `undo.py`."""

    kind: str
    name: str
    detail: str = ""


class Step(NamedTuple):
    """A command, and what it leaves behind as soon as it is begun: the last is removed first."""

    command: tuple[str, ...]
    leaves: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """One side: a bridge with its MTU and its own hardware address, and the addresses that the
    private namespace has on it."""

    side: Side
    bridge: str
    mtu: int
    hardware: str
    addresses: Sequence[Interface]


@dataclass(frozen=True, slots=True)
class Plan:
    """An appliance between two bridges. `settings` are those that it runs with."""

    settings: Settings
    inside: Connection
    outside: Connection

    @property
    def name(self) -> str:
        return str(self.settings["name"])

    def steps(self) -> list[Step]:
        """In the order in which they are to be done."""
        return [*self._inside(), *self._outside()]

    def _inside(self) -> Iterator[Step]:
        yield from self._room(self.inside, ())
        yield self._at(self.inside, "route", "add", "default", "dev", TUNS[Side.INSIDE])
        yield from self._open(self.inside)

    def _outside(self) -> Iterator[Step]:
        side, tun = self.outside, TUNS[Side.OUTSIDE]
        yield from self._room(side, (f"net.ipv4.neigh.{BRIDGE_END}.proxy_delay=0",))
        yield self._at(side, "address", "add", OWN_ADDRESS, "dev", tun)
        yield self._at(side, "route", "add", "default", "dev", tun, "table", TO_THE_APPLIANCE)
        lookup = ("lookup", TO_THE_APPLIANCE)
        yield self._at(side, "rule", "add", "pref", "10", "iif", BRIDGE_END, *lookup)
        for external in map(_host, side.addresses):
            yield self._at(side, "rule", "add", "pref", "11", "iif", "lo", "to", external, *lookup)
            yield self._at(side, "neighbour", "add", "proxy", external, "dev", BRIDGE_END)
        yield self._at(side, "rule", "add", "pref", "20", "lookup", "local")
        yield self._at(side, "rule", "delete", "pref", "0")
        yield from self._open(side)

    def _room(self, here: Connection, sysctls: Sequence[str]) -> Iterator[Step]:
        """A namespace with a veth and a TUN in it, that forwards between the two."""
        netns, tun = netns_of(self.name, here.side), TUNS[here.side]
        yield Step(("ip", "netns", "add", netns), (Trace("namespace", netns),))
        yield self._veth(here)
        mtu = str(self.settings[f"{here.side}.mtu"])
        yield self._at(here, "tuntap", "add", "dev", tun, "mode", "tun")
        assignments = [
            "net.ipv4.ip_forward=1",
            *(f"net.ipv4.conf.{device}.rp_filter=0" for device in ("all", BRIDGE_END, tun)),
            f"net.ipv4.conf.{tun}.accept_local=1",
            *sysctls,
            *(("net.ipv6.conf.all.disable_ipv6=1",) if IPV6.exists() else ()),
        ]
        yield Step(("ip", "netns", "exec", netns, "sysctl", "-qw", *assignments))
        for address in map(str, here.addresses):
            yield self._at(here, "address", "add", address, "dev", BRIDGE_END)
        yield self._at(here, "link", "set", BRIDGE_END, "up")
        yield self._at(here, "link", "set", tun, "mtu", mtu, "txqueuelen", "1000", "up")

    def _veth(self, here: Connection) -> Step:
        """Its hardware addresses follow from its name: what hosts remember of an appliance stays
        true when it is made again. The port's is a high one, because a bridge takes the lowest of
        its ports' for its own. One whose only port goes away again has none at all: so its own is
        written down."""
        netns, port = netns_of(self.name, here.side), port_of(self.name, here.side)
        digest = hashlib.sha256(port.encode()).digest()
        port_address, end_address = (bytes([first, *digest[:5]]).hex(":") for first in (0xFE, 0x02))
        mtu = ("mtu", str(here.mtu))
        return Step(
            ("ip", "link", "add", port, "address", port_address, *mtu, "type", "veth",
             "peer", "name", BRIDGE_END, "address", end_address, *mtu, "netns", netns),
            (Trace("bridge", here.bridge, here.hardware), Trace("port", port)),
        )  # fmt: skip

    def _open(self, here: Connection) -> Iterator[Step]:
        """At last the port joins its bridge: now packets come."""
        port = port_of(self.name, here.side)
        quiet = ("addrgenmode", "none") if IPV6.exists() else ()
        yield Step(("ip", "link", "set", port, *quiet, "master", here.bridge, "up"))

    def _at(self, here: Connection, *words: str) -> Step:
        """`ip` in the private namespace: it goes when the namespace does."""
        return Step(("ip", "-n", netns_of(self.name, here.side), *words))


def _host(interface: Interface) -> str:
    return address_text(interface.address)


def netns_of(name: str, side: Side) -> str:
    """The private namespace of one side."""
    return f"glassnat-{name}-{_SHORT[side]}"


def port_of(name: str, side: Side) -> str:
    """The bridge port of one side: with the appliance's name in it as long as Linux takes that."""
    plain = f"gn-{name}-{_SHORT[side]}"
    if len(plain) <= LONGEST_DEVICE:
        return plain
    return f"gn-{hashlib.sha256(name.encode()).hexdigest()[:8]}-{_SHORT[side]}"


_SHORT = {Side.INSIDE: "in", Side.OUTSIDE: "out"}
