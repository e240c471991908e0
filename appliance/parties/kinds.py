"""All kinds of party: the word for each, its traits, its class. One row makes a kind known to
scenarios, knobs and documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from appliance.parties.carrier import Carrier, CarrierTraits
from appliance.parties.computer import Computer, ComputerTraits
from appliance.parties.ftpserver import FtpServer, FtpServerTraits
from appliance.parties.mirror import Mirror, MirrorTraits
from appliance.parties.nameserver import NameServer, NameServerTraits
from appliance.parties.neighbour import Neighbour, NeighbourTraits
from appliance.parties.oneport import OnePort, OnePortTraits
from appliance.parties.party import Order, Party
from appliance.parties.pbx import Pbx, PbxTraits
from appliance.parties.phone import Phone, PhoneTraits
from appliance.parties.proxy import Proxy, ProxyTraits
from appliance.parties.stranger import Stranger, StrangerTraits
from appliance.parties.stunserver import StunServer, StunServerTraits
from appliance.parties.traits import Traits
from appliance.parties.webserver import WebServer, WebServerTraits


class Kind(NamedTuple):
    """`make` takes a name, traits of this kind, and the party's own randomness; `orders` is what
    can be done in a script."""

    traits: type[Traits]
    make: Callable[[str, Any, Random], Party]
    orders: Mapping[str, Order]


KINDS = {
    "phone": Kind(PhoneTraits, Phone, Phone.ORDERS),
    "carrier": Kind(CarrierTraits, Carrier, {}),
    "computer": Kind(ComputerTraits, Computer, Computer.ORDERS),
    "name-server": Kind(NameServerTraits, lambda name, traits, _: NameServer(name, traits), {}),
    "stun-server": Kind(StunServerTraits, lambda name, traits, _: StunServer(name, traits), {}),
    "ftp-server": Kind(FtpServerTraits, FtpServer, {}),
    "pbx": Kind(PbxTraits, Pbx, Pbx.ORDERS),
    "mirror": Kind(MirrorTraits, Mirror, {}),
    "one-port": Kind(OnePortTraits, OnePort, OnePort.ORDERS),
    "stranger": Kind(StrangerTraits, Stranger, Stranger.ORDERS),
    "web-server": Kind(WebServerTraits, WebServer, {}),
    "proxy": Kind(ProxyTraits, Proxy, Proxy.ORDERS),
    "neighbour": Kind(NeighbourTraits, Neighbour, Neighbour.ORDERS),
}


def party(name: str, traits: Traits, seed: int) -> Party:
    """The party `name`. Its branches, tags and SSRC depend on the seed and its own name only, so
    that one more party in a scenario leaves the others' bytes as they were."""
    return KINDS[kind_of(traits)].make(name, traits, Random(f"{seed}/{name}"))


def kind_of(traits: Traits) -> str:
    """The word for it in a scenario."""
    return str(type(traits).__struct_config__.tag)
