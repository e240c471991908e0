"""Addresses for the machines inside, by a DHCP server that is installed: dnsmasq."""

from __future__ import annotations

from typing import NamedTuple

from appliance.namespaces.between.bridges import Unfit
from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.step import BRIDGE_END, Step
from appliance.settings.network_kinds import Interface
from nat.endpoint import Network, address_text

PROGRAM = "dnsmasq"
SMALLEST = 30
"""The longest prefix in which two machines have room beside each other."""
LEASE = "12h"


class Leases(NamedTuple):
    """What is handed out: a gateway, and a name server unless it is empty. `file` is where the
    server remembers to whom."""

    gateway: Interface
    name_server: str
    file: str


def step(netns: str, leases: Leases) -> Step:
    """The server in the inside namespace. It answers DHCP only: its DNS is off. Raises Unfit."""
    gateway, name_server, file = leases
    options = [f"option:router,{address_text(gateway.address)}"]
    options += [f"option:dns-server,{name_server}"] if name_server else []
    return Step(
        ("ip", "netns", "exec", netns, PROGRAM, "--conf-file=/dev/null", "--port=0",
         f"--interface={BRIDGE_END}", "--bind-interfaces", "--dhcp-authoritative", "--pid-file",
         f"--dhcp-range={_range(gateway.network)},{LEASE}", f"--dhcp-leasefile={file}",
         *(f"--dhcp-option={option}" for option in options)),
        (Trace("file", file), Trace("server", PROGRAM, netns)),
    )  # fmt: skip


def _range(network: Network) -> str:
    """The upper half: the lower one is for addresses that somebody types."""
    if network.prefix > SMALLEST or network.broadcast is None:
        raise Unfit(f"--dhcp: {network} has no room for machines")
    first = network.address + (network.broadcast + 1 - network.address) // 2
    return f"{address_text(first)},{address_text(network.broadcast - 1)}"
