"""How SIP messages travel: as datagrams, or in streams (RFC 3261 18).

Over UDP a message is a datagram. Over TCP messages follow one another in a stream, and the
Content-Length says where each ends (18.3); answers go back on the connection that the request came
on (18.2.2). Nobody can connect to a phone behind a NAT. Therefore a server sends its own requests
on the connection that the phone has opened, when the phone agrees by `alias` in its Via (RFC 5923,
here without the certificates that make it safe):

    phone ──REGISTER, Via: SIP/2.0/TCP 192.168.20.100:5060;alias──► server
    phone ◄──────── INVITE sip:alice@192.168.20.100:5060 ────────── server   on the same connection
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from appliance.parties.machine import Machine
from appliance.parties.party import (
    Abort,
    Close,
    Closed,
    Connect,
    Connected,
    Ending,
    Finished,
    News,
    Received,
    Write,
)
from appliance.parties.sipua import SipMessage, UnreadableError, read_via, write_via
from nat.endpoint import Endpoint

LONGEST_HEAD = 16384  # bytes
LONGEST_BODY = 65535  # bytes
FIRST_DYNAMIC_PORT = 49152  # RFC 6335 6: to 65535
DYNAMIC_PORTS = 14  # bits

_CONTENT_LENGTH = re.compile(
    rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,9})[ \t]*(?=\r\n)", re.IGNORECASE
)

OnMessage = Callable[[bytes, Endpoint, float], None]
OnGarbage = Callable[[str], None]
OnBroken = Callable[[Set[Endpoint], str, float], None]


class Transport(Protocol):
    """Carries the messages of one user agent, whose socket is `own`. Others are told that it is
    `sent_by` (RFC 3261 18.1.1)."""

    own: Endpoint
    sent_by: Endpoint
    is_reliable: bool
    via_parameters: str
    uri_parameters: str
    """What a Contact says about it."""

    def via(self, branch: str) -> str:
        """The Via of a request."""

    def send(self, destination: Endpoint, message: bytes) -> None:
        """Send a message to an endpoint, as it stands in a Contact or as messages came from it."""

    def heard_request(self, request: SipMessage, source: Endpoint) -> None:
        """A request came from `source`."""

    def hear(self, news: News, now: float) -> None:
        """What the host tells its party."""


class Datagrams:
    """Over UDP, where a datagram tells by itself where its message ends: without `counts_length`
    Content-Length is left out (RFC 3261 20.14)."""

    is_reliable = False
    uri_parameters = ""
    via_parameters = ""

    def __init__(
        self, machine: Machine, own: Endpoint, counts_length: bool = True, send_from: int = 0
    ) -> None:
        self.own = self.sent_by = own
        self._machine = machine
        self._counts_length = counts_length
        self._source = own._replace(port=send_from or own.port)

    def via(self, branch: str) -> str:
        return write_via("UDP", self.sent_by, branch) + self.via_parameters

    def send(self, destination: Endpoint, message: bytes) -> None:
        if not self._counts_length:
            message = _CONTENT_LENGTH.sub(b"", message, count=1)
        self._machine.send(self._source, destination, message)

    def heard_request(self, request: SipMessage, source: Endpoint) -> None:
        """There is nothing to remember."""

    def hear(self, news: News, now: float) -> None:
        """ICMP errors are not listened to: whoever gets no answer will notice."""


@dataclass(slots=True)
class Link:
    """A connection. `alias` is the sent-by of who is at its other end, if they agree to be reached
    by it; `received` is the beginning of a message."""

    local: Endpoint
    remote: Endpoint
    alias: Endpoint | None = None
    received: bytearray = field(default_factory=bytearray)


class Streams:
    """Over TCP. Connections are opened when they are needed and left open.

    `segment_size` is how many bytes of a message go into one segment (0: as many as fit).
    """

    is_reliable = True
    uri_parameters = ";transport=tcp"
    via_parameters = ";alias"

    def __init__(
        self,
        machine: Machine,
        own: Endpoint,
        rng: Random,
        segment_size: int,
        on_message: OnMessage,
        on_garbage: OnGarbage,
        on_broken: OnBroken,
    ) -> None:
        self.own = self.sent_by = own
        self._machine = machine
        self._rng = rng
        self._segment_size = segment_size
        self._on_message = on_message
        self._on_garbage = on_garbage
        self._on_broken = on_broken
        self._links: dict[Endpoint, Link] = {}
        self._aliases: dict[Endpoint, Endpoint] = {}

    def via(self, branch: str) -> str:
        return write_via("TCP", self.sent_by, branch) + self.via_parameters

    def send(self, destination: Endpoint, message: bytes) -> None:
        remote = self._aliases.get(destination, destination)
        link = self._links.get(remote) or self._open(remote)
        self._machine.do(Write(link.local, link.remote, message, (self._segment_size,)))

    def heard_request(self, request: SipMessage, source: Endpoint) -> None:
        """RFC 5923 6: requests to the sent-by of this request may go on this connection."""
        link = self._links.get(source)
        via = read_via(request.get("via"))
        if link is None or via.endpoint is None or "alias" not in via.parameters:
            return
        self._forget_alias(link)
        link.alias = via.endpoint
        self._aliases[via.endpoint] = source

    def hear(self, news: News, now: float) -> None:
        if isinstance(news, Connected):
            self._links.setdefault(news.remote, Link(news.local, news.remote))
        elif isinstance(news, Received | Finished | Closed):
            link = self._links.get(news.remote)
            if link is not None and link.local == news.local:
                self._hear_of(link, news, now)

    def _hear_of(self, link: Link, news: Received | Finished | Closed, now: float) -> None:
        if isinstance(news, Received):
            self._receive(link, news.payload, now)
        elif isinstance(news, Finished):  # nothing that is waited for can come any more
            self._machine.do(Close(link.local, link.remote))
            self._break(link, Ending.ORDERLY.value, now)
        else:
            self._break(link, news.how.value, now)

    def _open(self, remote: Endpoint) -> Link:
        port = FIRST_DYNAMIC_PORT + self._rng.getrandbits(DYNAMIC_PORTS)
        link = Link(Endpoint(self.own.address, port), remote)
        self._links[remote] = link
        self._machine.do(Connect(link.local, remote))
        return link

    def _receive(self, link: Link, payload: bytes, now: float) -> None:
        received = link.received
        received += payload
        try:
            while length := message_length(received):
                message = bytes(received[:length])
                del received[:length]
                if message.strip(b"\r\n"):
                    self._on_message(message, link.remote, now)
                else:
                    self._machine.accept(message)
        except UnreadableError as error:
            self._on_garbage(str(error))
            self._machine.do(Abort(link.local, link.remote))
            self._break(link, Ending.RESET.value, now)

    def _break(self, link: Link, how: str, now: float) -> None:
        names = {link.remote} if link.alias is None else {link.remote, link.alias}
        del self._links[link.remote]
        self._forget_alias(link)
        self._on_broken(names, how, now)

    def _forget_alias(self, link: Link) -> None:
        """Unless a newer connection has the alias already."""
        if link.alias is not None and self._aliases.get(link.alias) == link.remote:
            del self._aliases[link.alias]


def free_port(taken: Set[int], rng: Random) -> int:
    """A dynamic port (RFC 6335 6) that is none of these."""
    while True:
        port = FIRST_DYNAMIC_PORT + rng.getrandbits(DYNAMIC_PORTS)
        if port not in taken:
            return port


def message_length(received: bytes | bytearray) -> int:
    """How many bytes the first message takes; 0 while it is not whole. Raises UnreadableError for a
    stream in which the next message cannot be found (RFC 3261 18.3: Content-Length is a must).

    Line ends before a message are keep-alives, and a message of their own (RFC 5626 3.5.1).
    """
    keep_alive = len(received) - len(received.lstrip(b"\r\n"))
    if keep_alive:
        return keep_alive
    end = received.find(b"\r\n\r\n")
    if end < 0 or end > LONGEST_HEAD:
        if len(received) > LONGEST_HEAD:
            raise UnreadableError("a head that does not end")
        return 0
    lengths = {int(each) for each in _CONTENT_LENGTH.findall(received, 0, end + 2)}
    if len(lengths) != 1:
        raise UnreadableError(
            "in a stream, and its end is not known: no Content-Length, or several"
        )
    length = lengths.pop()
    if length > LONGEST_BODY:
        raise UnreadableError("a body that is too long")
    whole = end + 4 + length
    return whole if len(received) >= whole else 0
