"""Endpoints as people give them to a command: one, two of which one is the other's mapping, or an
address with its name."""

from __future__ import annotations

from typing import Any

import click

from appliance.namespaces.names import hosts
from appliance.namespaces.names.hosts import Host
from appliance.settings.hints import shown
from appliance.settings.network_kinds import Interface, InterfaceAddress
from nat.endpoint import Endpoint, parse_address


class EndpointType(click.ParamType[Endpoint]):
    """`192.0.2.1:5060`."""

    name = "endpoint"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Endpoint:
        if isinstance(value, Endpoint):
            return value
        try:
            return Endpoint.parse(value)
        except ValueError:
            self.fail(f"{shown(value)} is not an endpoint such as 192.0.2.1:5060", param, ctx)


class InterfaceType(click.ParamType[Interface]):
    """`192.168.20.1/24`: an address, and the network that it is in."""

    name = "interface"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Interface:
        try:
            found = value if isinstance(value, Interface) else InterfaceAddress().parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if found is None:
            self.fail("must not be empty", param, ctx)
        return found


class AddressType(click.ParamType[int]):
    """`192.0.2.53`."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_address(value)
        except ValueError:
            self.fail(f"{shown(value)} is not an address such as 192.0.2.53", param, ctx)


class PairType(click.ParamType[tuple[Endpoint, Endpoint]]):
    """`INTERNAL=EXTERNAL`: two endpoints, or two addresses, whose port is 0 then."""

    name = "pair"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Endpoint, Endpoint]:
        internal, equals, external = value.partition("=")
        if not equals:
            self.fail(f"{shown(value)} is not INTERNAL=EXTERNAL", param, ctx)
        if ":" not in value:
            address = AddressType()
            host, shown_as = (address.convert(each, param, ctx) for each in (internal, external))
            return Endpoint(host, 0), Endpoint(shown_as, 0)
        one, other = (EndpointType().convert(text, param, ctx) for text in (internal, external))
        return one, other


class HostType(click.ParamType[Host]):
    """`pbx=192.168.20.10`."""

    name = "host"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Host:
        try:
            return hosts.parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)
