"""What one setting says about another: values that follow, and values that contradict.

Each check is a small function from all values, in the program's form, to the problems it sees,
listed at the end of the file; a value that is fine by itself has been through its kind already
(`kinds.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from appliance.settings.network_kinds import Interface
from nat.endpoint import PROTOCOL_NAMES, Endpoint, Network, address_text

Values = Mapping[str, Any]
"""By their key, in the program's form: the `forms` of a `Settings`."""

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
    if not networks and values["inside.address"] is not None:
        networks = derived["inside.networks"] = (values["inside.address"].network,)
    if values["inside.gateway"] is None and networks:
        derived["inside.gateway"] = _gateway(networks[0], values["inside.address"])
    return derived


def _gateway(network: Network, taken: Interface | None) -> int:
    """The first host of a network; the second, when the kernel's end of the wire has the first."""
    first = network.address if network.broadcast is None else network.address + 1
    second = first + 1
    return second if taken and first == taken.address and second in network else first


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


def _is_inside(address: int, values: Values) -> bool:
    return any(address in network for network in values["inside.networks"])


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
    networks = values["inside.networks"]
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
    if not values["inside.networks"]:
        return
    where = ", ".join(map(str, values["inside.networks"]))
    if values["inside.gateway"] is not None:
        yield from _gateway_problems(values, where)
    kernel = values["inside.address"]
    if kernel is not None and not _is_inside(kernel.address, values):
        yield Problem("inside.address", f"is not in inside.networks ({where})")


def _gateway_problems(values: Values, where: str) -> Iterator[Problem]:
    gateway, kernel, networks = (
        values[f"inside.{key}"] for key in ("gateway", "address", "networks")
    )
    home = next((network for network in networks if gateway in network), None)
    if home is None:
        nearest = address_text(_gateway(networks[0], kernel))
        yield Problem(
            "inside.gateway", f'is not in inside.networks ({where}); did you mean "{nearest}"?'
        )
    elif home.broadcast is not None and gateway in (home.address, home.broadcast):
        yield Problem("inside.gateway", f"{address_text(gateway)} is no host of {home}")
    if kernel is not None and gateway == kernel.address:
        yield Problem(
            "inside.gateway", "is also inside.address, the address of the kernel's end of the wire"
        )


def _external_addresses(values: Values) -> Iterator[Problem]:
    """RFC 4787 REQ-7: a NAT whose two sides use the same addresses cannot tell them apart."""
    kernel = values["outside.address"]
    for address in values["outside.external"]:
        text = address_text(address)
        if _is_inside(address, values):
            yield Problem("outside.external", f"{text} lies in inside.networks (RFC 4787 REQ-7)")
        if any(address in reserved for reserved in RESERVED):
            yield Problem("outside.external", f"{text} is reserved and cannot be a host's address")
        if kernel is not None and address == kernel.address:
            yield Problem(
                "outside.external",
                f"{text} is also outside.address; the appliance must own it alone",
            )


def _both_sides(values: Values) -> Iterator[Problem]:
    if values["outside.address"] is None:
        return
    outside = values["outside.address"].network
    for network in values["inside.networks"]:
        if network.overlaps(outside):
            yield Problem(
                "outside.address",
                f"its network {outside} overlaps {network} of the inside (RFC 4787 REQ-7)",
            )


def _statics(values: Values) -> Iterator[Problem]:
    seen: dict[int, int] = {}
    for number, static in enumerate(values["nat.static"], 1):
        if not _is_inside(static.internal, values):
            text = address_text(static.internal)
            yield Problem("nat.static", f"entry {number}: {text} is not in inside.networks")
        if _is_inside(static.external, values):
            text = address_text(static.external)
            yield Problem(
                "nat.static", f"entry {number}: {text} lies in inside.networks (RFC 4787 REQ-7)"
            )
        for address in dict.fromkeys((static.internal, static.external)):
            if address in seen:
                yield Problem(
                    "nat.static",
                    f"entry {number}: {address_text(address)} stands in entry {seen[address]} too",
                )
            seen.setdefault(address, number)


def _forwards(values: Values) -> Iterator[Problem]:
    owned = {*values["outside.external"], *(static.external for static in values["nat.static"])}
    seen: dict[tuple[int, Endpoint], int] = {}
    for number, forward in enumerate(values["nat.forward"], 1):
        protocol, external, internal = forward.protocol, forward.external, forward.internal
        if external.address not in owned:
            yield Problem(
                "nat.forward",
                f"entry {number}: {external} is not on an address of outside.external",
            )
        if not _is_inside(internal.address, values):
            yield Problem("nat.forward", f"entry {number}: {internal} is not in inside.networks")
        if (protocol, external) in seen:
            yield Problem(
                "nat.forward",
                f"entry {number}: {PROTOCOL_NAMES[protocol]} {external} stands in entry "
                f"{seen[protocol, external]} too",
            )
        seen.setdefault((protocol, external), number)


def _no_translate(values: Values) -> Iterator[Problem]:
    """A remote that sees inside addresses can be neither inside nor ourselves."""
    for remotes in values["nat.no_translate"]:
        for network in values["inside.networks"]:
            if remotes.overlaps(network):
                yield Problem("nat.no_translate", f"{remotes} overlaps {network} of the inside")
        for external in values["outside.external"]:
            if external in remotes:
                yield Problem(
                    "nat.no_translate",
                    f"{remotes} holds {address_text(external)} of outside.external",
                )


_CHECKS = (
    _wires,
    _inside_networks,
    _inside_addresses,
    _external_addresses,
    _both_sides,
    _statics,
    _forwards,
    _no_translate,
)
