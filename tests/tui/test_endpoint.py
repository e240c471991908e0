"""Endpoints of both versions of IP, as text."""

from __future__ import annotations

import pytest

from tui.endpoint import address_of, port_of, shares, shortened


@pytest.mark.parametrize(
    ("endpoint", "address", "port"),
    [
        ("192.0.2.1:5060", "192.0.2.1", "5060"),
        ("192.0.2.1:*", "192.0.2.1", "*"),
        ("192.0.2.1", "192.0.2.1", ""),
        ("[2001:db8::1]:5060", "2001:db8::1", "5060"),
        ("[2001:db8::1]:*", "2001:db8::1", "*"),
        ("[2001:db8::1]", "2001:db8::1", ""),
        ("[::]:0", "::", "0"),
        ("2001:db8::1", "2001:db8::1", ""),
        ("alice", "alice", ""),
        ("anyone", "anyone", ""),
        ("", "", ""),
    ],
)
def test_an_endpoint_is_an_address_and_a_port(endpoint: str, address: str, port: str) -> None:
    """RFC 5952 6: an IPv6 address with a port stands in brackets."""
    assert (address_of(endpoint), port_of(endpoint)) == (address, port)


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (40, "[2001:db8:1:2::1234]:5060"),
        (25, "[2001:db8:1:2::1234]:5060"),
        (18, "[2001…::1234]:5060"),
        (8, "[2…:5060"),
        (0, "…60"),
    ],
)
def test_what_is_too_long_loses_its_middle_and_keeps_its_port(room: int, shown: str) -> None:
    assert shortened("[2001:db8:1:2::1234]:5060", room) == shown


@pytest.mark.parametrize(
    ("lengths", "room", "given"),
    [
        ((20, 20), 40, (20, 20)),
        ((39, 5), 30, (25, 5)),
        ((5, 39), 30, (5, 25)),
        ((39, 39), 31, (15, 16)),
    ],
)
def test_two_texts_share_what_room_there_is(
    lengths: tuple[int, int], room: int, given: tuple[int, int]
) -> None:
    assert shares(*lengths, room) == given
