"""Names of our own as zones, which `appliance/parties/zone.py` answers from."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.namespaces.names.hosts import Host
from appliance.parties.zone import Zone
from nat.endpoint import address_text

TTL = 60
"""Seconds: who moves a machine should not wait long for it."""


def zones(hosts: Iterable[Host]) -> list[Zone]:
    """Each name is a zone of its own, so that nobody else is asked for what it has not; so is the
    name of each address (RFC 1035 3.5), where it leads back to the first that has it."""
    addresses: dict[str, set[int]] = {}
    names: dict[int, str] = {}
    for name, address in hosts:
        addresses.setdefault(name, set()).add(address)
        names.setdefault(address, name)
    forward = [
        Zone(name, "\n".join(f"{name}. {TTL} IN A {address_text(each)}" for each in sorted(found)))
        for name, found in addresses.items()
    ]
    backward = [(reverse(address), name) for address, name in names.items()]
    return forward + [Zone(each, f"{each}. {TTL} IN PTR {name}.") for each, name in backward]


def reverse(address: int) -> str:
    """The name of an address: `10.20.168.192.in-addr.arpa`."""
    return ".".join(reversed(address_text(address).split("."))) + ".in-addr.arpa"
