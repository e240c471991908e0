"""What the laptop has, as `ip` tells it, and which of it may be used: looking, never touching."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.settings.hints import nearest, shown
from appliance.wires import netns
from nat.endpoint import Network, address_text, parse_address

HINT = "docs/between-vms.md"


class Unfit(Exception):
    """What was asked for cannot be had between these bridges. The text says what to do instead."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Bridge:
    """One that exists. `hardware` is its own address."""

    name: str
    mtu: int
    hardware: str


class Laptop:
    """The devices of this namespace, their addresses, and where its default routes lead.

    `links` and `routes` are what `ip -json` printed.
    """

    def __init__(self, links: Sequence[Mapping[str, Any]], routes: Sequence[Mapping[str, Any]]):
        self._links = {link["ifname"]: link for link in links if "ifname" in link}
        self._uplinks = {hop["dev"] for route in routes for hop in _hops(route) if "dev" in hop}

    @classmethod
    def here(cls) -> Laptop:
        """That on which this runs. Raises CommandError."""
        links = _json("-details", "address", "show")
        return cls(links, [*_json("-4", "route", "show", "default"),
                           *_json("-6", "route", "show", "default")])  # fmt: skip

    def bridge(self, name: str, option: str, may_be_own: bool = False) -> Bridge:
        """The bridge of that name, if it may be used for what `option` says; `may_be_own`: also
        when the machine's own default route goes by it. Raises Unfit."""
        link = self._links.get(name)
        if link is None:
            bridges = [each for each in self._links if self._is_bridge(each)]
            there = f"there are: {', '.join(bridges)}" if bridges else f"there is none; see {HINT}"
            hint = nearest(name, bridges) or f"; {there}"
            raise Unfit(f"{option}: there is no bridge {shown(name)}{hint}")
        if not self._is_bridge(name):
            raise Unfit(f"{option}: {name} is a device, but no bridge; see {HINT}")
        if "UP" not in link.get("flags", ()):
            raise Unfit(f"{option}: {name} is down; first: sudo ip link set {name} up")
        if not may_be_own and name in map(self._below, self._uplinks):
            raise Unfit(
                f"{option}: {name} is this machine's own way to its network (its default route); "
                f"make a bridge of its own for the virtual machines, see {HINT}"
            )
        return Bridge(name, int(link["mtu"]), str(link["address"]))

    def refuse_taken(self, address: int, option: str) -> None:
        """Two owners of one address would each answer for the other. Raises Unfit."""
        owner = next((device for device, has in self._addresses() if has == address), None)
        if owner is not None:
            text = address_text(address)
            raise Unfit(
                f"{option}: {text} is this machine's own address, on {owner}; choose another one, "
                f"or take it away (ip address delete {text} dev {owner}), see {HINT}"
            )

    def address_on(self, device: str, network: Network) -> int | None:
        """The machine's own address on a device, of that network."""
        return next(
            (has for name, has in self._addresses() if name == device and has in network), None
        )

    def _addresses(self) -> Iterator[tuple[str, int]]:
        for name, link in self._links.items():
            for each in link.get("addr_info", ()):
                if each.get("family") == "inet":
                    yield name, parse_address(each["local"])

    def _is_bridge(self, name: str) -> bool:
        return bool(self._links[name].get("linkinfo", {}).get("info_kind") == "bridge")

    def _below(self, device: str) -> str:
        """The device itself, or what a VLAN on it stands on."""
        for _ in self._links:
            under = str(self._links.get(device, {}).get("link"))
            if under not in self._links:
                break
            device = under
        return device


def _hops(route: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """A route with several next hops names each device."""
    return [route, *route.get("nexthops", ())]


def _json(*words: str) -> list[dict[str, Any]]:
    found = json.loads(netns.run(["ip", "-json", *words]) or "[]")
    return [each for each in found if each]
