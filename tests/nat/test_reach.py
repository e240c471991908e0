"""Which addresses mean something only within their own network."""

from __future__ import annotations

import pytest

from nat.endpoint import parse_address
from nat.reach import is_inside_only


@pytest.mark.parametrize(
    ("text", "inside_only"),
    [
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("172.15.255.255", False),
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.255.255", True),
        ("192.169.0.0", False),
        ("100.63.255.255", False),
        ("100.64.0.0", True),
        ("100.127.255.255", True),
        ("100.128.0.0", False),
        ("169.253.255.255", False),
        ("169.254.0.1", True),
        ("203.0.113.1", False),
        ("::10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_private_shared_and_link_local_addresses(text: str, inside_only: bool) -> None:
    """RFC 1918 3, RFC 6598 7 and RFC 3927 1."""
    assert is_inside_only(parse_address(text)) is inside_only
