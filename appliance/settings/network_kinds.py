"""The kinds of settings that name something of the network: devices, addresses, endpoints.

In the program an address is a number, a network a `Network` and an endpoint an `Endpoint`
(`nat/endpoint.py`), which know how each family is written. Nothing here counts bits or dots.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from appliance.settings.hints import shown
from appliance.settings.kinds import Kind, Schema, Text
from nat.endpoint import Endpoint, Network, address_text, parse_address

LONGEST_ENDPOINT = 64
"""Characters; the longest endpoint there is, of IPv6 in brackets, has 47."""


class Interface(NamedTuple):
    """An address of the kernel's, and the network that it says it is in."""

    address: int
    network: Network

    def __str__(self) -> str:
        return f"{address_text(self.address)}/{self.network.prefix}"


@dataclass(frozen=True, slots=True)
class Device(Kind):
    """The name of a network device (Linux: at most 15 bytes, no white space, no `/` or `:`)."""

    def parse(self, value: object) -> str:
        name = Text("a device name such as gn-in", 15, "/: %", empty=False).parse(value)
        if name in (".", ".."):
            raise ValueError(f"{shown(name)} is not a device name")
        return name

    def schema(self) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": 15}


@dataclass(frozen=True, slots=True)
class Namespace(Kind):
    """A network namespace: a name under /run/netns or an absolute path; empty: stay here."""

    def parse(self, value: object) -> str:
        name = Text("a namespace such as phones, or a path", 255).parse(value)
        if name in (".", "..") or ("/" in name and not name.startswith("/")):
            raise ValueError(f"{shown(name)} is neither a namespace's name nor an absolute path")
        return name

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": 255}


@dataclass(frozen=True, slots=True)
class Address(Kind):
    """An address; `empty` allows none, which is None in the program."""

    empty: bool = False

    def parse(self, value: object) -> int | None:
        if value == "" and self.empty:
            return None
        sentence = f"{shown(value)} is not an address such as 192.0.2.1"
        if not isinstance(value, str):
            raise ValueError(sentence)
        try:
            return parse_address(value)
        except ValueError:
            raise ValueError(sentence) from None

    def plain(self, form: Any) -> str:
        return "" if form is None else address_text(form)

    def addresses(self, form: Any) -> Iterator[int]:
        return iter(() if form is None else (form,))

    def schema(self) -> Schema:
        return {"type": "string", "format": "ipv4"} if not self.empty else {"type": "string"}


class _WithAddress(Kind):
    """What has an address and knows how it is written; None is written as nothing."""

    __slots__ = ()

    def plain(self, form: Any) -> str:
        return "" if form is None else str(form)

    def addresses(self, form: Any) -> Iterator[int]:
        return iter(() if form is None else (form.address,))

    def schema(self) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class InterfaceAddress(_WithAddress):
    """An address with the length of its network, `192.168.20.100/24`; empty: none, which is None
    in the program."""

    def parse(self, value: object) -> Interface | None:
        if value == "":
            return None
        sentence = f"{shown(value)} is not an address with a prefix such as 192.168.20.100/24"
        if not isinstance(value, str) or "/" not in value:
            raise ValueError(sentence)
        try:
            return Interface(parse_address(value.partition("/")[0]), Network.parse(value))
        except ValueError:
            raise ValueError(sentence) from None


@dataclass(frozen=True, slots=True)
class Prefix(_WithAddress):
    """A network such as `192.168.20.0/24`, without host bits."""

    def parse(self, value: object) -> Network:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not a network such as 192.168.20.0/24")
        try:
            network = Network.parse(value)
            written = parse_address(value.partition("/")[0])
        except ValueError:
            raise ValueError(f"{shown(value)} is not a network such as 192.168.20.0/24") from None
        if written != network.address:
            raise ValueError(f'{shown(value)} has host bits; did you mean "{network}"?')
        return network


@dataclass(frozen=True, slots=True)
class EndpointText(_WithAddress):
    """An address and a port that is not 0, `203.0.113.1:5060`."""

    def parse(self, value: object) -> Endpoint:
        sentence = f"{shown(value)} is not an endpoint such as 192.0.2.1:5060"
        if not isinstance(value, str) or len(value) > LONGEST_ENDPOINT:
            raise ValueError(sentence)
        try:
            endpoint = Endpoint.parse(value)
        except ValueError:
            raise ValueError(sentence) from None
        if endpoint.port == 0:
            raise ValueError(f"{shown(value)}: port 0 cannot be used")
        return endpoint
