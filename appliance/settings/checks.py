"""What one setting says about another: values that follow, and values that contradict.

Each check is a small function from all values to the problems it sees, listed at the end of the
file; a value that is fine by itself has been through its kind already (`kinds.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from nat.endpoint import Endpoint, Network, address_text, parse_address

Values = Mapping[str, Any]

RESERVED = tuple(
    Network.parse(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4")
)
"""Never the address of a host (RFC 6890): what is in here cannot be internal or external."""
SHORTEST = {
    "nat.timeouts.udp": (120.0, "RFC 4787 REQ-5"),
    "nat.timeouts.udp_unanswered": (120.0, "RFC 4787 REQ-5"),
    "nat.timeouts.tcp_established": (7440.0, "RFC 5382 REQ-5"),
    "nat.timeouts.tcp_transitory": (240.0, "RFC 5382 REQ-5"),
    "nat.timeouts.icmp": (60.0, "RFC 5508 REQ-2"),
}
"""Seconds. Shorter is allowed, because it is a lesson, but said."""


class Problem(NamedTuple):
    """What is wrong with one key. The sentence starts where the key ends."""

    key: str
    sentence: str


def derive(values: Values) -> dict[str, Any]:
    """The values that were left out and follow from others.

    The internal networks from the inside address, the gateway from the first network.
    """
    derived: dict[str, Any] = {}
    networks = values["inside.networks"]
    if not networks and values["inside.address"]:
        networks = derived["inside.networks"] = [str(Network.parse(values["inside.address"]))]
    if not values["inside.gateway"] and networks:
        derived["inside.gateway"] = address_text(_gateway(networks[0], values["inside.address"]))
    return derived


def _gateway(network_text: str, taken_text: str) -> int:
    """The first host of a network; the second, when the kernel's end of the wire has the first."""
    network = Network.parse(network_text)
    first = network.address + (1 if network.prefix < 31 else 0)
    taken = parse_address(taken_text.partition("/")[0]) if taken_text else None
    return first + 1 if first == taken and first + 1 in network else first


def contradictions(values: Values) -> list[Problem]:
    """Everything that does not fit together, in the order of the checks below."""
    return [problem for check in _CHECKS for problem in check(values)]


def warnings(values: Values) -> list[Problem]:
    """What works, but not as the RFCs want it: lessons need that, other people should know."""
    return [
        Problem(key, f"is below the {shortest:.0f} seconds of {source}")
        for key, (shortest, source) in SHORTEST.items()
        if values[key] < shortest
    ]


def _networks(values: Values) -> list[Network]:
    return [Network.parse(text) for text in values["inside.networks"]]


def _is_inside(address: int, values: Values) -> bool:
    return any(address in network for network in _networks(values))


def _wires(values: Values) -> Iterator[Problem]:
    if values["inside.device"] == values["outside.device"]:
        yield Problem("outside.device", f'is "{values["inside.device"]}", as inside.device is')
    if not values["inside.networks"]:
        yield Problem(
            "inside.networks", 'is needed (or inside.address): e.g. networks = ["192.168.20.0/24"]'
        )
    if not values["outside.external"]:
        yield Problem("outside.external", 'is needed: e.g. external = ["203.0.113.1"]')


def _inside_networks(values: Values) -> Iterator[Problem]:
    networks = _networks(values)
    for position, network in enumerate(networks):
        for other in networks[:position]:
            if network.overlaps(other):
                yield Problem("inside.networks", f"{network} and {other} overlap")
        for reserved in RESERVED:
            if network.overlaps(reserved):
                yield Problem(
                    "inside.networks", f"{network} overlaps {reserved}, which is reserved"
                )


def _inside_addresses(values: Values) -> Iterator[Problem]:
    networks = _networks(values)
    if not networks:
        return
    where = ", ".join(values["inside.networks"])
    if values["inside.gateway"]:
        yield from _gateway_problems(values, networks, where)
    if values["inside.address"]:
        address = parse_address(values["inside.address"].partition("/")[0])
        if not _is_inside(address, values):
            yield Problem("inside.address", f"is not in inside.networks ({where})")


def _gateway_problems(values: Values, networks: list[Network], where: str) -> Iterator[Problem]:
    gateway = parse_address(values["inside.gateway"])
    home = next((network for network in networks if gateway in network), None)
    if home is None:
        nearest = address_text(_gateway(values["inside.networks"][0], values["inside.address"]))
        yield Problem(
            "inside.gateway", f'is not in inside.networks ({where}); did you mean "{nearest}"?'
        )
    elif home.broadcast is not None and gateway in (home.address, home.broadcast):
        yield Problem("inside.gateway", f"{values['inside.gateway']} is no host of {home}")
    if values["inside.gateway"] == values["inside.address"].partition("/")[0]:
        yield Problem(
            "inside.gateway", "is also inside.address, the address of the kernel's end of the wire"
        )


def _external_addresses(values: Values) -> Iterator[Problem]:
    """RFC 4787 REQ-7: a NAT whose two sides use the same addresses cannot tell them apart."""
    kernel = values["outside.address"].partition("/")[0]
    for text in values["outside.external"]:
        address = parse_address(text)
        if _is_inside(address, values):
            yield Problem("outside.external", f"{text} lies in inside.networks (RFC 4787 REQ-7)")
        if any(address in reserved for reserved in RESERVED):
            yield Problem("outside.external", f"{text} is reserved and cannot be a host's address")
        if text == kernel:
            yield Problem(
                "outside.external",
                f"{text} is also outside.address; the appliance must own it alone",
            )


def _both_sides(values: Values) -> Iterator[Problem]:
    if not values["outside.address"]:
        return
    outside = Network.parse(values["outside.address"])
    for network in _networks(values):
        if network.overlaps(outside):
            yield Problem(
                "outside.address",
                f"its network {outside} overlaps {network} of the inside (RFC 4787 REQ-7)",
            )


def _statics(values: Values) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, static in enumerate(values["nat.static"], 1):
        internal, external = static["internal"], static["external"]
        if not _is_inside(parse_address(internal), values):
            yield Problem("nat.static", f"entry {number}: {internal} is not in inside.networks")
        if _is_inside(parse_address(external), values):
            yield Problem(
                "nat.static", f"entry {number}: {external} lies in inside.networks (RFC 4787 REQ-7)"
            )
        for address in dict.fromkeys((internal, external)):
            if address in seen:
                yield Problem(
                    "nat.static", f"entry {number}: {address} stands in entry {seen[address]} too"
                )
            seen.setdefault(address, number)


def _forwards(values: Values) -> Iterator[Problem]:
    owned = [*values["outside.external"], *(static["external"] for static in values["nat.static"])]
    seen: dict[tuple[str, str], int] = {}
    for number, forward in enumerate(values["nat.forward"], 1):
        external, internal = forward["external"], forward["internal"]
        if external.partition(":")[0] not in owned:
            yield Problem(
                "nat.forward",
                f"entry {number}: {external} is not on an address of outside.external",
            )
        if not _is_inside(Endpoint.parse(internal).address, values):
            yield Problem("nat.forward", f"entry {number}: {internal} is not in inside.networks")
        key = (forward["protocol"], external)
        if key in seen:
            yield Problem(
                "nat.forward",
                f"entry {number}: {' '.join(key)} stands in entry {seen[key]} too",
            )
        seen.setdefault(key, number)


def _no_translate(values: Values) -> Iterator[Problem]:
    """A remote that sees inside addresses can be neither inside nor ourselves."""
    for text in values["nat.no_translate"]:
        remotes = Network.parse(text)
        for network in _networks(values):
            if remotes.overlaps(network):
                yield Problem("nat.no_translate", f"{text} overlaps {network} of the inside")
        for external in values["outside.external"]:
            if parse_address(external) in remotes:
                yield Problem("nat.no_translate", f"{text} holds {external} of outside.external")


def _not_built(values: Values) -> Iterator[Problem]:
    if values["capture.file"]:
        yield Problem("capture.file", "captures cannot be written yet; leave it empty")


_CHECKS = (
    _wires,
    _inside_networks,
    _inside_addresses,
    _external_addresses,
    _both_sides,
    _statics,
    _forwards,
    _no_translate,
    _not_built,
)
