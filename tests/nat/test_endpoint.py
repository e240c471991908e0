"""Texts have one meaning: what is written back is what was read."""

from __future__ import annotations

import pytest

from nat.endpoint import (
    ICMP,
    ICMP_QUERY,
    UDP,
    Endpoint,
    FiveTuple,
    Network,
    Side,
    address_text,
    family_of,
    inbound_key,
    is_unicast,
    outbound_key,
    parse_address,
)

NOT_ADDRESSES = (
    "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.-4", "1.2.3.4 ", "1.2.3.x",
    "0x1.2.3.4", "١.2.3.4", "1..2.3", "1.2.3.1000",
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        *("0.0.0.0", "192.0.2.1", "255.255.255.255"),
        *("::", "::1", "2001:db8::1", "fe80::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ],
)
def test_an_address_comes_back_as_it_was_written(text: str) -> None:
    assert address_text(parse_address(text)) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ],
)
def test_an_ipv6_address_is_written_in_one_way(text: str, written: str) -> None:
    """RFC 5952 4: lower case, the first longest run of two or more zeros shortened."""
    assert address_text(parse_address(text)) == written


@pytest.mark.parametrize(
    ("six", "four"),
    [("::1", "0.0.0.1"), ("::", "0.0.0.0"), ("::192.0.2.1", "192.0.2.1")],
)
def test_addresses_of_two_families_with_the_same_number_are_two_addresses(
    six: str, four: str
) -> None:
    assert parse_address(six) != parse_address(four)
    assert (family_of(parse_address(six)), family_of(parse_address(four))) == (6, 4)


def test_an_ipv4_mapped_address_is_an_ipv6_address() -> None:
    """RFC 4291 2.5.5.2: it stands for an IPv4 node, and on a wire it is another address."""
    mapped = parse_address("::ffff:192.0.2.1")
    assert family_of(mapped) == 6
    assert mapped != parse_address("192.0.2.1")
    assert mapped not in Network.parse("192.0.2.0/24")
    assert mapped in Network.parse("::ffff:0:0/96")


@pytest.mark.parametrize("text", ["fe80::1%eth0", "2001:db8::1::", "[2001:db8::1]", "2001:db8::g"])
def test_what_is_no_ipv6_address_of_every_interface_is_refused(text: str) -> None:
    """RFC 4007 11: a zone has a meaning on its own node only."""
    with pytest.raises(ValueError, match="address"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "one_host"),
    [
        ("192.0.2.1", True),
        ("0.0.0.1", False),
        ("127.0.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("2001:db8::1", True),
        ("fe80::1", True),
        ("::ffff:192.0.2.1", True),
        ("::", False),
        ("::1", False),
        ("ff02::1", False),
    ],
)
def test_some_addresses_are_no_host_s(text: str, one_host: bool) -> None:
    """RFC 1122 3.2.1.3; RFC 4291 2.5.2, 2.5.3 and 2.7."""
    assert is_unicast(parse_address(text)) is one_host


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_what_is_not_dotted_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an IP address"):
        parse_address(text)


def test_an_endpoint_is_an_address_and_a_port() -> None:
    assert Endpoint.parse("192.0.2.1:5060") == (0xC0000201, 5060)
    assert str(Endpoint.parse("192.0.2.1:5060")) == "192.0.2.1:5060"


def test_an_endpoint_of_ipv6_has_its_address_in_brackets() -> None:
    """RFC 3986 3.2.2: else nobody could tell where the port begins."""
    endpoint = Endpoint.parse("[2001:db8::1]:5060")
    assert endpoint == (parse_address("2001:db8::1"), 5060)
    assert str(endpoint) == "[2001:db8::1]:5060"
    assert Endpoint.parse("[2001:DB8:0::1]:5060") == endpoint
    assert hash(Endpoint.parse("[2001:DB8:0::1]:5060")) == hash(endpoint)
    assert len({endpoint, Endpoint.parse("[::1]:1"), Endpoint.parse("0.0.0.1:1")}) == 3


@pytest.mark.parametrize(
    "text",
    [
        *("192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", ":5060", "a:1"),
        *("2001:db8::1:5060", "[2001:db8::1]", "[2001:db8::1]:", "[2001:db8::1]:65536"),
        *("[192.0.2.1]:5060", "[]:5060"),
    ],
)
def test_half_an_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an"):
        Endpoint.parse(text)


def test_an_endpoint_slices_into_what_a_behaviour_remembers() -> None:
    for text in ("192.0.2.1:5060", "[2001:db8::1]:5060"):
        remote = Endpoint.parse(text)
        address = remote.address
        assert (remote[:0], remote[:1], remote[:2]) == ((), (address,), (address, 5060))


@pytest.mark.parametrize(
    ("inside", "outside", "remote"),
    [
        ("192.168.20.100:4000", "203.0.113.1:40000", "203.0.113.9:5060"),
        ("[2001:db8:1::64]:4000", "[2001:db8::1]:40000", "[2001:db8::9]:5060"),
    ],
)
def test_a_packet_s_key_is_where_it_comes_from_and_goes_to(
    inside: str, outside: str, remote: str
) -> None:
    """In either family. An ICMP query has one identifier, and no port of the remote."""
    internal, external, far = map(Endpoint.parse, (inside, outside, remote))
    keys: list[FiveTuple] = [
        outbound_key(UDP, internal, far),
        inbound_key(UDP, far, external),
        outbound_key(ICMP, internal, far),
        inbound_key(ICMP, far, external),
    ]
    assert keys == [
        (UDP, internal.address, far.address, 4000, 5060),
        (UDP, far.address, external.address, 5060, 40000),
        (ICMP_QUERY, internal.address, far.address, 4000, 0),
        (ICMP_QUERY, far.address, external.address, 0, 40000),
    ]


NETWORKS = [
    ("192.168.20.0/24", "192.168.20.255", True),
    ("192.168.20.0/24", "192.168.21.0", False),
    ("192.168.20.77/24", "192.168.20.0", True),  # host bits are cut off
    ("0.0.0.0/0", "203.0.113.1", True),
    ("192.0.2.1", "192.0.2.1", True),
    ("192.0.2.1/32", "192.0.2.2", False),
    ("2001:db8::/32", "2001:db8:ffff::1", True),
    ("2001:db8::/32", "2001:db9::", False),
    ("2001:db8::77/64", "2001:db8::", True),  # host bits are cut off
    ("2001:db8::1", "2001:db8::1", True),
    ("2001:db8::1/128", "2001:db8::2", False),
    ("::/0", "2001:db8::1", True),
    ("::/0", "203.0.113.1", False),  # another family
    ("0.0.0.0/0", "2001:db8::1", False),
    ("0.0.0.0/8", "::1", False),
    ("::/96", "0.0.0.1", False),
]


@pytest.mark.parametrize(("network", "address", "inside"), NETWORKS)
def test_a_network_holds_its_addresses(network: str, address: str, inside: bool) -> None:
    assert (parse_address(address) in Network.parse(network)) is inside


def test_a_network_has_a_broadcast_address() -> None:
    assert address_text(Network.parse("192.168.20.0/22").broadcast) == "192.168.23.255"
    assert Network.parse("2001:db8::/64").broadcast is None  # RFC 4291 2: IPv6 has none


@pytest.mark.parametrize(
    "text", ["192.0.2.0/33", "192.0.2.0/", "192.0.2.0/a", "192.0.2/24", "2001:db8::/129", "[::]/0"]
)
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
        ("2001:db8::/32", "2001:db8:1::/48", True),
        ("2001:db8:1::/48", "2001:db8:2::/48", False),
        ("::/0", "0.0.0.0/0", False),
        ("0.0.0.0/0", "::/0", False),
        ("::/96", "0.0.0.0/8", False),
    ],
)
def test_networks_overlap_both_ways(one: str, other: str, overlap: bool) -> None:
    assert Network.parse(one).overlaps(Network.parse(other)) is overlap


def test_the_other_side_of_the_other_side_is_this_side() -> None:
    assert Side.INSIDE.other is Side.OUTSIDE
    assert Side.OUTSIDE.other is Side.INSIDE
    assert str(Side.INSIDE) == "inside"
