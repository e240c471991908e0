"""Endpoints as events and documents write them: `192.0.2.1:5060`, `[2001:db8::1]:5060`.

The port stands behind the last colon. An address of version 6 has colons of its own, and brackets
around it where a port follows (RFC 5952 6); names of hosts are kept without them.
"""

from __future__ import annotations


def address_of(endpoint: str) -> str:
    """The address without its port and brackets; a text that has no port is all address."""
    return _parted(endpoint)[0].removeprefix("[").removesuffix("]")


def port_of(endpoint: str) -> str:
    """The port as text, `*` for any; empty when there is none."""
    return _parted(endpoint)[1]


def _parted(endpoint: str) -> tuple[str, str]:
    host, colon, port = endpoint.rpartition(":")
    is_bare_version_6 = ":" in host and not host.endswith("]")
    if not colon or is_bare_version_6 or endpoint.endswith("]"):
        return endpoint, ""
    return host, port


def shortened(endpoint: str, room: int) -> str:
    """The endpoint in at most `room` characters (at least three). What goes is in the middle:
    without its last digits it would be another endpoint.

    `[2001:db8:1:2::1234]:5060` in 18 characters is `[2001…::1234]:5060`.
    """
    if len(endpoint) <= room:
        return endpoint
    room = max(room, 3)
    tail = max(room * 2 // 3, 1)
    return f"{endpoint[: room - tail - 1]}…{endpoint[len(endpoint) - tail :]}"


def shares(one: int, other: int, room: int) -> tuple[int, int]:
    """How many of `room` characters each of two texts gets: half, and what the other spares."""
    first = min(one, max(room // 2, room - other))
    return first, min(other, room - first)
