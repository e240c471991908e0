"""Texts have one meaning: what is written back is what was read."""

from __future__ import annotations

import pytest

from nat.endpoint import Endpoint, Network, Side, address_text, parse_address

NOT_ADDRESSES = (
    "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.-4", "1.2.3.4 ", "1.2.3.x",
    "0x1.2.3.4", "١.2.3.4", "1..2.3", "1.2.3.1000",
)  # fmt: skip


@pytest.mark.parametrize("text", ["0.0.0.0", "192.0.2.1", "255.255.255.255"])
def test_an_address_comes_back_as_it_was_written(text: str) -> None:
    assert address_text(parse_address(text)) == text


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_what_is_not_dotted_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an IP address"):
        parse_address(text)


def test_an_endpoint_is_an_address_and_a_port() -> None:
    assert Endpoint.parse("192.0.2.1:5060") == (0xC0000201, 5060)
    assert str(Endpoint.parse("192.0.2.1:5060")) == "192.0.2.1:5060"


@pytest.mark.parametrize(
    "text", ["192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", ":5060", "a:1"]
)
def test_half_an_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an"):
        Endpoint.parse(text)


def test_an_endpoint_slices_into_what_a_behaviour_remembers() -> None:
    remote = Endpoint.parse("192.0.2.1:5060")
    assert (remote[:0], remote[:1], remote[:2]) == ((), (0xC0000201,), (0xC0000201, 5060))


NETWORKS = [
    ("192.168.20.0/24", "192.168.20.255", True),
    ("192.168.20.0/24", "192.168.21.0", False),
    ("192.168.20.77/24", "192.168.20.0", True),  # host bits are cut off
    ("0.0.0.0/0", "203.0.113.1", True),
    ("192.0.2.1", "192.0.2.1", True),
    ("192.0.2.1/32", "192.0.2.2", False),
]


@pytest.mark.parametrize(("network", "address", "inside"), NETWORKS)
def test_a_network_holds_its_addresses(network: str, address: str, inside: bool) -> None:
    assert (parse_address(address) in Network.parse(network)) is inside


def test_a_network_has_a_broadcast_address() -> None:
    assert address_text(Network.parse("192.168.20.0/22").broadcast) == "192.168.23.255"


@pytest.mark.parametrize("text", ["192.0.2.0/33", "192.0.2.0/", "192.0.2.0/a", "192.0.2/24"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        Network.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("192.168.0.0/16", "192.168.20.0/24", True),
        ("192.168.20.0/24", "192.168.0.0/16", True),
        ("192.168.20.0/24", "192.168.21.0/24", False),
        ("0.0.0.0/0", "203.0.113.0/24", True),
    ],
)
def test_networks_overlap_both_ways(one: str, other: str, overlap: bool) -> None:
    assert Network.parse(one).overlaps(Network.parse(other)) is overlap


def test_the_other_side_of_the_other_side_is_this_side() -> None:
    assert Side.INSIDE.other is Side.OUTSIDE
    assert Side.OUTSIDE.other is Side.INSIDE
    assert str(Side.INSIDE) == "inside"
