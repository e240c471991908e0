"""Packets that no user has sent: kernels look for routers and neighbours on every wire, again and
again. They are counted, and folded out of what one follows."""

from __future__ import annotations

from appliance.journal.events import Event, PacketDropped
from appliance.journal.plain import split_endpoint

_NOT_IPV4 = "not-ipv4"
_MULTICAST = range(224, 240)  # RFC 5771 3
_EVERYBODY = "255.255.255.255"


def noise(event: Event) -> str:
    """What kind of noise an event tells of; empty for all that somebody may have meant."""
    if not isinstance(event, PacketDropped):
        return ""
    if event.reason == _NOT_IPV4:
        return "IPv6"  # a TUN device carries nothing else
    address, _ = split_endpoint(event.destination)
    if address == _EVERYBODY:
        return "broadcast"
    first = address.partition(".")[0]
    return "multicast" if first.isdecimal() and int(first) in _MULTICAST else ""
