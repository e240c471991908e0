"""From what somebody wishes for to a plan, or to the sentence that says why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.namespaces.between import dhcp, pinning, uplink
from appliance.namespaces.between.bridges import Laptop, Unfit
from appliance.namespaces.between.naming import OWN_ADDRESS, Names
from appliance.namespaces.between.plan import TUNS, Connection, Plan, netns_of
from appliance.namespaces.between.uplink import Uplink
from appliance.namespaces.names.hosts import Host
from appliance.settings import files as configuration
from appliance.settings.hints import shown
from appliance.settings.network_kinds import Interface
from appliance.settings.table import Settings
from nat.endpoint import Network, Side, address_text

DEFAULT_NETWORK, DEFAULT_EXTERNAL = "192.168.20.0/24", "203.0.113.1"
EXTERNAL_PREFIX = 24
"""Where nobody says how large the network outside is."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `glassnat up` is given about bridges and addresses. What is None follows from the
    configuration, or is a default."""

    inside: str
    outside: str
    gateway: Interface | None = None
    externals: Sequence[Interface] = ()
    dhcp: bool = False
    name_server: int | None = None
    one_port_one_address: bool = False
    uplink: str | None = None
    uplink_address: Interface | None = None
    names: bool = False
    hosts: Sequence[Host] = ()

    def programs(self) -> Iterator[tuple[str, str]]:
        """What has to be installed, and Debian's package of it."""
        yield "ip", "iproute2"
        yield "sysctl", "procps"
        if self.dhcp:
            yield dhcp.PROGRAM, "dnsmasq-base"
        if self.one_port_one_address:
            yield pinning.PROGRAM, "nftables"
        if self.uplink is not None:
            yield uplink.PROGRAM, "nftables"


def settings(
    wishes: Wishes, name: str | None, file: str | None, profile: str | None, sets: Sequence[str]
) -> Settings:
    """Those of the file and the command line, with the wires as `up` makes them. Raises
    ConfigError."""
    inside: dict[str, Any] = {}
    outside: dict[str, Any] = {}
    above: dict[str, Any] = {"inside": inside, "outside": outside}
    if name is not None:
        above["name"] = name
    if wishes.gateway is not None:
        inside["gateway"] = address_text(wishes.gateway.address)
        inside["networks"] = [str(wishes.gateway.network)]
    if wishes.externals:
        outside["external"] = [address_text(each.address) for each in wishes.externals]
    for side, section in ((Side.INSIDE, inside), (Side.OUTSIDE, outside)):
        section |= {"device": TUNS[side], "address": "", "routes": []}
    below = {
        "inside": {"networks": [DEFAULT_NETWORK]},
        "outside": {"external": [DEFAULT_EXTERNAL]},
    }
    made = configuration.load(file, profile, sets, below, above)
    if wishes.names:
        networks = [*made.written("inside.networks"), f"{OWN_ADDRESS}/32"]
        made.assign("inside.networks", networks, configuration.BY_COMMAND)
    for side in Side:
        made.assign(f"{side}.netns", netns_of(made["name"], side), configuration.BY_COMMAND)
    return made


def plan(wishes: Wishes, made: Settings, laptop: Laptop, leases: str) -> Plan:
    """`leases` is where a DHCP server may remember them. Raises Unfit."""
    if wishes.inside == wishes.outside:
        raise Unfit(
            f"--inside and --outside are both {shown(wishes.inside)}: the NAT is between two"
        )
    gateway = made["inside.gateway"]
    network = next(each for each in made["inside.networks"] if gateway in each)
    owned = wishes.externals or [
        _in_network(each, EXTERNAL_PREFIX) for each in made["outside.external"]
    ]
    laptop.refuse_taken(gateway, "--gateway")
    for external in owned:
        laptop.refuse_taken(external.address, "--external")
    here = Interface(gateway, network)
    names = _names(wishes, address_text(gateway))
    told = "" if wishes.name_server is None else address_text(wishes.name_server)
    name_server = names.listen if names else told
    return Plan(
        made,
        Connection(Side.INSIDE, laptop.bridge(wishes.inside, "--inside"), [here]),
        Connection(Side.OUTSIDE, laptop.bridge(wishes.outside, "--outside"), owned),
        dhcp.Leases(here, name_server, leases) if wishes.dhcp else None,
        wishes.one_port_one_address,
        _uplink(wishes, laptop),
        names,
    )


def _names(wishes: Wishes, gateway: str) -> Names | None:
    """Raises Unfit."""
    if not wishes.names:
        if wishes.hosts:
            raise Unfit("--host needs --names: nobody else would answer for it")
        return None
    resolver = "" if wishes.name_server is None else address_text(wishes.name_server)
    if resolver == gateway:
        raise Unfit(f"--dns: {resolver} is where --names answers: it would ask itself")
    return Names(gateway, resolver, wishes.hosts)


def _uplink(wishes: Wishes, laptop: Laptop) -> Uplink | None:
    """Its router is the machine itself, as on the bridges that libvirt and Docker make. Raises
    Unfit."""
    name, address = wishes.uplink, wishes.uplink_address
    if name is None:
        return None
    if name in (wishes.inside, wishes.outside):
        raise Unfit(f"--uplink: {name} is one of the two bridges between which the NAT stands")
    bridge = laptop.bridge(name, "--uplink", may_be_own=True)
    if address is None:
        raise Unfit(
            f"--uplink needs --uplink-address too: one that is free on {name}, such as "
            "192.168.122.250/24"
        )
    laptop.refuse_taken(address.address, "--uplink-address")
    router = laptop.address_on(name, address.network)
    if router is None:
        raise Unfit(f"--uplink: this machine has no address in {address.network} on {name}")
    return Uplink(bridge, address, address_text(router))


def _in_network(address: int, prefix: int) -> Interface:
    return Interface(address, Network.parse(f"{address_text(address)}/{prefix}"))
