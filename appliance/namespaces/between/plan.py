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
stranger's address is answered for by proxy ARP. A packet passes three routers. At last each port
joins its bridge: then packets come.

Each step names what it makes *before* it is done (`Trace`), so that all can be undone whatever
happens (`appliance/namespaces/between/record.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.namespaces.between import dhcp, naming, pinning
from appliance.namespaces.between.bridges import Bridge
from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.step import BRIDGE_END, IPV6, Step, join, port_name, veth
from appliance.namespaces.between.uplink import Uplink
from appliance.settings.network_kinds import Interface
from appliance.settings.table import Settings
from nat.endpoint import Side, address_text

TUNS = {Side.INSIDE: "gn-in", Side.OUTSIDE: "gn-out"}
TO_THE_APPLIANCE = "100"
"""A routing table of the outside namespace."""
OWN_ADDRESS = "192.0.0.8/32"
"""What the outside namespace says its own ICMP errors with: it is a router without an address of
its own, since the external ones are the appliance's (RFC 7600 4.8)."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One side: a bridge, and the addresses that the private namespace has on it."""

    side: Side
    bridge: Bridge
    addresses: Sequence[Interface]

    @property
    def option(self) -> str:
        """By which somebody chooses the addresses."""
        return "--gateway" if self.side is Side.INSIDE else "--external"


@dataclass(frozen=True, slots=True)
class Plan:
    """An appliance between two bridges. `settings` are those that it runs with; the rest is what
    may be added to it."""

    settings: Settings
    inside: Connection
    outside: Connection
    leases: dhcp.Leases | None = None
    pinned: bool = False
    uplink: Uplink | None = None
    names: naming.Names | None = None

    @property
    def name(self) -> str:
        return str(self.settings["name"])

    def steps(self) -> list[Step]:
        """In the order in which they are to be done."""
        return [*self._inside(), *self._outside()]

    def _inside(self) -> Iterator[Step]:
        yield from self._room(self.inside, ())
        yield self._at(self.inside, "route", "add", "default", "dev", TUNS[Side.INSIDE])
        netns = netns_of(self.name, Side.INSIDE)
        if self.pinned:
            yield pinning.step(netns)
        if self.leases is not None:
            yield dhcp.step(netns, self.leases)
        if self.names is not None:
            yield from naming.steps(netns, self.names, TUNS[Side.INSIDE])
        yield join(port_of(self.name, Side.INSIDE), self.inside.bridge)

    def _outside(self) -> Iterator[Step]:
        side, tun = self.outside, TUNS[Side.OUTSIDE]
        yield from self._room(
            side,
            (
                f"net.ipv4.neigh.{BRIDGE_END}.proxy_delay=0",
                # When one of several addresses goes, the others of its network stay.
                f"net.ipv4.conf.{BRIDGE_END}.promote_secondaries=1",
            ),
        )
        yield self._at(side, "address", "add", OWN_ADDRESS, "dev", tun)
        yield self._at(side, "route", "add", "default", "dev", tun, "table", TO_THE_APPLIANCE)
        lookup = ("lookup", TO_THE_APPLIANCE)
        for external in map(_host, side.addresses):
            yield self._at(side, "rule", "add", "pref", "10", "to", external, *lookup)
            yield self._at(side, "neighbour", "add", "proxy", external, "dev", BRIDGE_END)
        if self.uplink is None:  # so that what was for nobody is seen, and refused with a reason
            yield self._at(side, "rule", "add", "pref", "11", "iif", BRIDGE_END, *lookup)
        yield self._at(side, "rule", "add", "pref", "20", "lookup", "local")
        yield self._at(side, "rule", "delete", "pref", "0")
        if self.uplink is not None:
            yield from self.uplink.steps(self.name, netns_of(self.name, Side.OUTSIDE))
        yield join(port_of(self.name, Side.OUTSIDE), side.bridge)

    def _room(self, here: Connection, sysctls: Sequence[str]) -> Iterator[Step]:
        """A namespace with a veth and a TUN in it, that forwards between the two."""
        netns, tun = netns_of(self.name, here.side), TUNS[here.side]
        yield Step(("ip", "netns", "add", netns), (Trace("namespace", netns),))
        port = port_of(self.name, here.side)
        yield veth(port, here.bridge, BRIDGE_END, netns, here.addresses)
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

    def _at(self, here: Connection, *words: str) -> Step:
        """`ip` in the private namespace: it goes when the namespace does."""
        return Step(("ip", "-n", netns_of(self.name, here.side), *words))


def _host(interface: Interface) -> str:
    return address_text(interface.address)


def netns_of(name: str, side: Side) -> str:
    """The private namespace of one side."""
    return f"glassnat-{name}-{_SHORT[side]}"


def port_of(name: str, side: Side) -> str:
    """The bridge port of one side."""
    return port_name(name, _SHORT[side])


_SHORT = {Side.INSIDE: "in", Side.OUTSIDE: "out"}
