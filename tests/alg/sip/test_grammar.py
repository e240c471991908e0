"""Productions of RFC 3261 25: what matches, and what must not."""

from __future__ import annotations

import pytest

from alg.sip import grammar
from nat.endpoint import parse_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"0", 0),
        (b" 0042\r\n ", 42),
        (b"9999999999", 9999999999),
        (b"10000000000", None),
        (b"", None),
        (b"-1", None),
        (b"+1", None),
        (b"1 2", None),
        (b"0x10", None),
        ("٣".encode(), None),
    ],
)
def test_numbers_are_short_and_ascii(text: bytes, expected: int | None) -> None:
    assert grammar.number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1", 1),
        (b"65535", 65535),
        (b"65536", None),
        (b"0", None),
        (b"05060", None),
        (b"", None),
        (b" 5060", None),
        (b"5" * 4000, None),
    ],
)
def test_a_port_is_written_in_one_way(text: bytes, expected: int | None) -> None:
    assert grammar.port(text) == expected


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (b"192.0.2.1", True),
        (b"192.0.2.01", False),
        (b"192.0.2.1.", False),
        (b"192.0.2.256", False),
        (b"example.com", False),
        (b"[2001:db8::1]", False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_an_address_is_written_in_one_way(text: bytes, is_one: bool) -> None:
    assert grammar.address(text) == (parse_address(text.decode()) if is_one else None)


@pytest.mark.parametrize(
    ("element", "text", "first"),
    [
        (grammar.LIST_ELEMENT, b'"a, b" <sip:a,b@c>;d, next', b'"a, b" <sip:a,b@c>;d'),
        (grammar.LIST_ELEMENT, b'"a \\", b" x, next', b'"a \\", b" x'),
        (grammar.LIST_ELEMENT, b'"never closed, next', b""),
        (grammar.LIST_ELEMENT, b"a <never closed, next", b"a "),
        (grammar.VIA_ELEMENT, b"SIP/2.0/UDP a (b, \\) c), next", b"SIP/2.0/UDP a (b, \\) c)"),
        (grammar.LIST_ELEMENT, b"sip:a(b, next", b"sip:a(b"),
    ],
)
def test_a_comma_separates_only_outside_of_quotes_and_brackets(
    element: object, text: bytes, first: bytes
) -> None:
    found = element.match(text)  # type: ignore[attr-defined]
    assert found[0] == first
