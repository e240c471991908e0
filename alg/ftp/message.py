"""An FTP message as places: what it is, and where it names the endpoint of a data connection.

Nothing is normalised and nothing is copied: an edit says which bytes it replaces, and all others
stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from alg.ftp import grammar
from alg.ftp.framing import NotFtp, frame
from nat.endpoint import Endpoint

LONGEST_SUMMARY = 60


class Malformed(Exception):
    """FTP, but it names no endpoint where one belongs; the text says why."""


class Announcement(NamedTuple):
    """Where the bytes `[start, end)` of a message say that a data connection may come to.

    `address` is None in a 229: that of the control connection is meant (RFC 2428 3). `written`
    makes the bytes that name another endpoint in the same form.
    """

    address: int | None
    port: int
    start: int
    end: int
    field: str
    rule: str
    written: Callable[[Endpoint], bytes]


@dataclass(frozen=True, slots=True)
class Command:
    """What a client says. `verb` is in capitals; `[start, end)` is the argument."""

    data: bytes
    verb: str
    start: int
    end: int

    @property
    def argument(self) -> bytes:
        return self.data[self.start : self.end]

    def announcement(self) -> Announcement | None:
        """The endpoint that PORT and EPRT name; None for other commands and other address
        families. Raises Malformed."""
        if self.verb == "PORT":
            return self._port()
        return self._extended_port() if self.verb == "EPRT" else None

    def _port(self) -> Announcement:
        found = grammar.HOST_PORT.match(self.data, self.start, self.end)
        endpoint = grammar.host_port(found[1]) if found else None
        if endpoint is None:
            raise Malformed("the argument of PORT is not six numbers below 256")
        return Announcement(
            *endpoint, self.start, self.end, "port.endpoint", "port", grammar.as_host_port
        )

    def _extended_port(self) -> Announcement | None:
        found = grammar.EXTENDED_PORT.match(self.data, self.start, self.end)
        if found is None:
            raise Malformed("the argument of EPRT is not |protocol|address|port|")
        if found["family"] != grammar.IPV4:
            return None
        address, port = grammar.address(found["host"]), grammar.port(found["port"])
        if address is None or port is None:
            raise Malformed("EPRT names no endpoint of IPv4")
        written = partial(_with_delimiter, found["d"])
        start, end = found.start("host"), found.end("port")
        return Announcement(address, port, start, end, "eprt.endpoint", "eprt", written)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server says. `[start, end)` is the text of a reply of one line; of one of several
    lines no text is looked at, and they are empty."""

    data: bytes
    code: int
    start: int
    end: int

    def announcement(self) -> Announcement | None:
        """The endpoint that 227 and 229 name; None for other replies. Raises Malformed."""
        if self.code == 227:
            return self._passive()
        return self._extended_passive() if self.code == 229 else None

    def _passive(self) -> Announcement:
        found = grammar.HOST_PORT_IN_TEXT.search(self.data, self.start, self.end)
        endpoint = grammar.host_port(found[1]) if found else None
        if found is None or endpoint is None:
            raise Malformed("there are no six numbers below 256 in the 227")
        return Announcement(
            *endpoint, *found.span(1), "227.endpoint", "passive", grammar.as_host_port
        )

    def _extended_passive(self) -> Announcement:
        found = grammar.EXTENDED_PASSIVE.search(self.data, self.start, self.end)
        port = grammar.port(found["port"]) if found else None
        if found is None or port is None:
            raise Malformed("there is no (|||port|) in the 229")
        return Announcement(
            None, port, *found.span("port"), "229.port", "extended-passive", _only_the_port
        )


def parse(data: bytes) -> Command | Reply:
    """The one message that these bytes are. Raises NotFtp."""
    begins = grammar.BEGINNING.match(data)
    if frame(data) != len(data) or begins is None:
        raise NotFtp("this is not exactly one FTP message")
    line_end = len(data) - 2
    if begins["verb"] is not None:
        start = min(begins.end(), line_end)
        return Command(data, begins["verb"].decode("ascii").upper(), start, line_end)
    code = int(begins["code"])
    if begins["more"] == b"-":
        return Reply(data, code, line_end, line_end)
    return Reply(data, code, min(begins.end(), line_end), line_end)


def summary(data: bytes) -> tuple[str, str]:
    """The essence of a message for lists and ladders: "PORT", "227 Entering Passive Mode"; never an
    argument, which may be a password. FTP has no name for a conversation, so the second is empty.

    Empty strings for what is not FTP. The text comes from the network: clean it before drawing.
    """
    try:
        message = parse(data)
    except NotFtp:
        return "", ""
    if isinstance(message, Command):
        return message.verb, ""
    text = data[message.start : message.end].split(b"(", 1)[0][:LONGEST_SUMMARY]
    return f"{message.code} {text.decode('latin-1').strip(' .')}".strip(), ""


def _with_delimiter(delimiter: bytes, endpoint: Endpoint) -> bytes:
    host, _, port = str(endpoint).rpartition(":")
    return host.encode() + delimiter + port.encode()


def _only_the_port(endpoint: Endpoint) -> bytes:
    return b"%d" % endpoint.port
