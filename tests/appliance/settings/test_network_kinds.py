"""Devices, addresses and endpoints: what is accepted, in which form, and what is said otherwise."""

from __future__ import annotations

import pytest

from appliance.settings.kinds import Kind
from appliance.settings.network_kinds import (
    Address,
    Device,
    EndpointText,
    Interface,
    InterfaceAddress,
    Namespace,
    Prefix,
)
from nat.endpoint import Endpoint, Network, family_of, parse_address

HOST = parse_address("192.0.2.1")
HOST6 = parse_address("2001:db8::1")


@pytest.mark.parametrize(
    ("kind", "written", "kept"),
    [
        (Device(), "gn-in", "gn-in"),
        (Namespace(), "phones", "phones"),
        (Namespace(), "/proc/1/ns/net", "/proc/1/ns/net"),
        (Namespace(), "", ""),
        (Address(), "192.0.2.1", "192.0.2.1"),
        (Address(empty=True), "", ""),
        (InterfaceAddress(), "192.168.20.100/24", "192.168.20.100/24"),
        (InterfaceAddress(), "", ""),
        (Prefix(), "192.168.20.0/24", "192.168.20.0/24"),
        (Prefix(), "192.0.2.1", "192.0.2.1/32"),
        (EndpointText(), "192.0.2.1:5060", "192.0.2.1:5060"),
    ],
)
def test_a_valid_value_is_kept_in_one_form(kind: Kind, written: object, kept: object) -> None:
    assert kind.plain(kind.parse(written)) == kept
    assert kind.plain(kind.parse(kept)) == kept


@pytest.mark.parametrize(
    ("kind", "written", "form"),
    [
        (Address(), "192.0.2.1", HOST),
        (Address(empty=True), "", None),
        (InterfaceAddress(), "192.0.2.1/24", Interface(HOST, Network.parse("192.0.2.0/24"))),
        (InterfaceAddress(), "", None),
        (Prefix(), "192.0.2.0/24", Network.parse("192.0.2.0/24")),
        (EndpointText(), "192.0.2.1:5060", Endpoint(HOST, 5060)),
    ],
)
def test_the_program_gets_numbers_and_not_text(kind: Kind, written: str, form: object) -> None:
    """Parsed once: nothing behind a kind reads text again."""
    assert kind.parse(written) == form


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        (Device(), "eth0/1", "not allowed"),
        (Device(), "a-very-long-device", "longer than 15"),
        (Device(), "..", "not a device name"),
        (Namespace(), "a/b", "neither"),
        (Address(), "192.168.7.999", "not an address"),
        (Address(), "192.168.7.1/24", "not an address"),
        (Address(), 7, "not an address"),
        (InterfaceAddress(), "192.168.7.1", "with a prefix"),
        (InterfaceAddress(), "192.168.7.1/33", "with a prefix"),
        (Prefix(), "192.168.20.1/24", 'did you mean "192.168.20.0/24"'),
        (Prefix(), "192.168.20.0/x", "not a network"),
        (Prefix(), None, "not a network"),
        (EndpointText(), "192.0.2.1", "not an endpoint"),
        (EndpointText(), "192.0.2.1:0", "port 0"),
        (EndpointText(), "192.0.2.1:70000", "not an endpoint"),
    ],
)
def test_an_invalid_value_is_answered_with_a_sentence(
    kind: Kind, written: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        kind.parse(written)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (Address(), "192.0.2.1"),
        (InterfaceAddress(), "192.0.2.1/24"),
        (Prefix(), "192.0.2.1/32"),
        (EndpointText(), "192.0.2.1:5060"),
    ],
)
def test_the_address_in_a_value_can_be_asked_for(kind: Kind, written: str) -> None:
    """Whoever wants to know about all addresses need not know the kinds."""
    assert list(kind.addresses(kind.parse(written))) == [HOST]


def test_where_there_is_no_address_there_is_none_to_ask_for() -> None:
    assert list(Address(empty=True).addresses(None)) == []
    assert list(InterfaceAddress().addresses(None)) == []


@pytest.mark.parametrize(
    ("kind", "written", "form"),
    [
        (Address(), "2001:db8::1", HOST6),
        (InterfaceAddress(), "2001:db8::1/64", Interface(HOST6, Network.parse("2001:db8::/64"))),
        (Prefix(), "2001:db8::/32", Network.parse("2001:db8::/32")),
        (EndpointText(), "[2001:db8::1]:5060", Endpoint(HOST6, 5060)),
    ],
)
def test_the_second_family_is_carried_as_the_first(kind: Kind, written: str, form: object) -> None:
    """Which family an address is of is for `nat/endpoint.py` to say; whether it can be used, for
    one check in the table of settings."""
    assert kind.parse(written) == form
    assert kind.plain(form) == written
    assert {family_of(address) for address in kind.addresses(form)} == {6}


ALL_KINDS: list[Kind] = [
    Device(), Namespace(), Address(), InterfaceAddress(), Prefix(), EndpointText(),
]  # fmt: skip


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: type(kind).__name__)
def test_every_kind_has_a_schema(kind: Kind) -> None:
    assert kind.schema()
