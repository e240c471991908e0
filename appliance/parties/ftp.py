"""What both ends of an FTP connection read and write: lines, and endpoints as six numbers (RFC
959).

    PORT 192,168,20,100,156,65        "connect to me there": 156 * 256 + 65 is port 40001
    227 Entering Passive Mode (203,0,113,21,195,80)          "you may connect to me there"
"""

from __future__ import annotations

import re

from nat.endpoint import Endpoint, address_text

LONGEST_LINE = 1000  # bytes; what says nothing in so many is no control connection

_NUMBERS = re.compile(r"\d{1,3}(?:,\d{1,3}){5}")
_ASKS_OR_SAYS = re.compile(rb"(?:[A-Z]{3,4}|[1-5][0-9]{2})(?= |\r\n)")


class Lines:
    """Puts a stream together again, line by line."""

    def __init__(self) -> None:
        self._received = bytearray()

    def take(self, payload: bytes) -> list[str]:
        """The lines that are whole now, without their ends. A line that does not end is lost."""
        self._received += payload
        *whole, rest = bytes(self._received).split(b"\r\n")
        self._received = bytearray(rest if len(rest) <= LONGEST_LINE else b"")
        return [line.decode("latin-1") for line in whole]


def as_sent(line: str) -> bytes:
    """A line that `Lines` has taken, as it came."""
    return f"{line}\r\n".encode("latin-1")


def as_numbers(endpoint: Endpoint) -> str:
    """An endpoint as PORT and 227 have it (RFC 959 4.1.2)."""
    high, low = divmod(endpoint.port, 256)
    return f"{address_text(endpoint.address).replace('.', ',')},{high},{low}"


def endpoint_in(text: str) -> Endpoint | None:
    """The six numbers in a line; None when there are none, or when one is too large."""
    found = _NUMBERS.search(text)
    *address, high, low = map(int, found[0].split(",")) if found else (256,) * 6
    if max(*address, high, low) > 255:
        return None
    return Endpoint(int.from_bytes(bytes(address)), high * 256 + low)


def essence(payload: bytes) -> str:
    """What one line is in a word: "PORT" or "227"; empty for what is none."""
    found = _ASKS_OR_SAYS.match(payload) if payload.endswith(b"\r\n") else None
    return found[0].decode("ascii") if found else ""
