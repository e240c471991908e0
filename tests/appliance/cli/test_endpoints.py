"""Endpoints on the command line, in both families; what is none is told as a sentence."""

from __future__ import annotations

import click
import pytest

from appliance.cli.endpoints import AddressType, EndpointType, InterfaceType, PairType
from nat.endpoint import Endpoint, parse_address


@pytest.mark.parametrize("text", ["192.0.2.1:5060", "[2001:db8::1]:5060"])
def test_an_endpoint_is_read(text: str) -> None:
    assert EndpointType().convert(text, None, None) == Endpoint.parse(text)


@pytest.mark.parametrize("text", ["192.0.2.1", "2001:db8::1:5060", "pbx:5060"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not an endpoint such as"):
        EndpointType().convert(text, None, None)


def test_a_mapping_is_two_endpoints() -> None:
    whole = PairType().convert("192.168.20.10=203.0.113.10", None, None)
    assert whole == (Endpoint.parse("192.168.20.10:0"), Endpoint.parse("203.0.113.10:0"))
    pair = PairType().convert("192.168.20.100:4000=203.0.113.1:4000", None, None)
    assert pair == (Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("203.0.113.1:4000"))
    with pytest.raises(click.BadParameter, match="is not INTERNAL=EXTERNAL"):
        PairType().convert("192.168.20.100:4000", None, None)


def test_an_address_may_stand_alone_or_with_its_network() -> None:
    address = parse_address("192.0.2.53")
    assert AddressType().convert("192.0.2.53", None, None) == address
    found = InterfaceType().convert("192.0.2.53/24", None, None)
    assert (found.address, str(found.network)) == (address, "192.0.2.0/24")
    assert InterfaceType().convert(found, None, None) == found


@pytest.mark.parametrize("text", ["", "192.0.2", "pbx"])
def test_what_is_no_address_is_refused(text: str) -> None:
    for kind in (AddressType(), InterfaceType()):
        with pytest.raises(click.BadParameter, match=r"is not an address|must not be empty"):
            kind.convert(text, None, None)
