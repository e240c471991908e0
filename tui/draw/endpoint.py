"""Endpoints as events and documents write them: `192.0.2.1:5060`, `[2001:db8::1]:5060`.

The port stands behind the last colon. An address of version 6 has colons of its own, and brackets
around it where a port follows (RFC 5952 6); names of hosts are kept without them.
"""

from __future__ import annotations


def address_of(endpoint: str) -> str:
    """The address without its port and brackets; a text that has no port is all address."""
    host, colon, port = endpoint.rpartition(":")
    if endpoint.startswith("["):
        return endpoint[1:].partition("]")[0]
    is_version_6_alone = ":" in host
    return endpoint if not colon or is_version_6_alone or not _is_port(port) else host


def port_of(endpoint: str) -> str:
    """The port as text; empty when there is none."""
    _, colon, port = endpoint.rpartition(":")
    return port if colon and not endpoint.endswith("]") else ""


def _is_port(text: str) -> bool:
    return text == "*" or text.isdecimal()


def shortened(endpoint: str, room: int) -> str:
    """The endpoint in at most `room` characters (at least three). What goes is in the middle:
    without its last digits it would be another endpoint.

    `[2001:db8:1:2::1234]:5060` in 18 characters is `[2001:…:1234]:5060`.
    """
    if len(endpoint) <= room:
        return endpoint
    room = max(room, 3)
    tail = max(room * 2 // 3, 1)
    return f"{endpoint[: room - tail - 1]}…{endpoint[len(endpoint) - tail :]}"
