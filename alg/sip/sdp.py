"""A session description (RFC 8866) as places: the lines that name an address or a port.

All other lines are not even looked at. Offsets count from the beginning of the message, so that an
edit of a body needs no arithmetic.

    v=0
    o=- 1 1 IN IP4 192.168.20.100       origin
    c=IN IP4 192.168.20.100             connection, of the session
    m=audio 14254 RTP/AVP 0             a stream, at the session's connection
    m=video 14256 RTP/AVP 31            another …
    c=IN IP4 198.51.100.7               … at one of its own, which overrides the session's
    a=rtcp:14300 IN IP4 198.51.100.7    … whose RTCP is not on the port above
    a=inactive                          … and on which nobody sends for now

A line belongs to the last m= line above it, or to the session if there is none yet. So one pass
over the lines in their order is enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from alg.sip.fields import MISSING, Span
from alg.sip.message import Malformed

MOST_STREAMS = 16
"""Media lines read; a message with more is left alone."""

# The line end comes first, and is always there: a body follows an empty line.
_LINE = re.compile(
    rb"[\r\n](?:([ocm])=|a=(rtcp:|rtcp-mux(?![^\r\n])|candidate:|ice-ufrag:"
    rb"|(?:sendrecv|sendonly|recvonly|inactive)(?![^\r\n])))([^\r\n]*+)"
)

# o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>
_ORIGIN = re.compile(rb"[^ ]*+ +[^ ]++ +[^ ]++ +IN +IP4 +([^ ]++) *\Z")
# c=<nettype> <addrtype> <connection-address>, with /ttl or /number for multicast
_CONNECTION = re.compile(rb"[ \t]*+IN[ \t]++IP4[ \t]++([^ \t/]++)(/[^ \t]*+)?[ \t]*+\Z")
_ANY_CONNECTION = re.compile(rb"[ \t]*+[^ \t]++[ \t]++[^ \t]++[ \t]++[^ \t]++[ \t]*+\Z")
# m=<media> <port>[/<number of ports>] <proto> <fmt> ...
_MEDIA = re.compile(rb"([^ \t]++)[ \t]++([0-9]++)(?:/([0-9]++))?[ \t]++([^ \t]++)(?:[ \t]|\Z)")
# a=rtcp:<port> [<nettype> <addrtype> <connection-address>]   (RFC 3605)
_RTCP = re.compile(rb"([0-9]{1,10}+)(?:[ \t]++[^ \t]++[ \t]++[^ \t]++[ \t]++([^ \t]++))?[ \t]*+\Z")


class Connection(NamedTuple):
    """A `c=` line: the address is MISSING where it is no single IPv4 address that anyone could
    map (a name, IPv6, a multicast range)."""

    address: Span


@dataclass(slots=True)
class Stream:
    """An `m=` line with what belongs to it."""

    media: bytes
    port: Span
    single: bool
    """One port, not a range written as `port/n`."""
    protocol: bytes
    connections: list[Connection] = field(default_factory=list)
    rtcp_port: Span = MISSING
    rtcp_address: Span = MISSING
    rtcp_mux: bool = False
    direction: bytes = b""

    @property
    def is_mappable(self) -> bool:
        """Does it go over UDP, on one port? That is any profile of RTP, a fax, the floor of a
        conference (UDP/BFCP, RFC 8856), data channels (UDP/DTLS/SCTP, RFC 8841)."""
        return self.single and self.protocol.startswith((b"RTP/", b"UDP", b"DTLS/SCTP"))


@dataclass(slots=True)
class Session:
    """One description. A place is MISSING if the line is not there or names nothing of IPv4."""

    origin: Span = MISSING
    connection: Connection | None = None
    streams: list[Stream] = field(default_factory=list)
    direction: bytes = b"sendrecv"
    ice: bool = False
    """Does it offer candidates? Then ICE will find a way, and an ALG can only be in it."""

    def direction_of(self, stream: Stream) -> bytes:
        """Who sends, as the writer sees it: sendrecv, sendonly, recvonly or inactive. The media
        level overrides the session level, and without either it is both (RFC 8866 6.7)."""
        return stream.direction or self.direction

    def connection_of(self, stream: Stream) -> Connection | None:
        """The media level overrides the session level (RFC 8866 5.7). A list of addresses, which
        only multicast has, is nobody's."""
        if not stream.connections:
            return self.connection
        return stream.connections[0] if len(stream.connections) == 1 else Connection(MISSING)


def parse(data: bytes, start: int, end: int) -> Session:
    """The description in `data[start:end]`, before which a line ends. Raises Malformed for a line
    that names an address or a port and cannot be read, for a stream without an address, and for
    too many streams."""
    session = Session()
    for line in _LINE.finditer(data, start - 1, end):
        kind = line[1] or line[2]
        _READERS[kind](session, line[3], line.start(3))
    if any(_lacks_address(data, session, stream) for stream in session.streams):
        raise Malformed("a stream has no c= line")
    return session


def _lacks_address(data: bytes, session: Session, stream: Stream) -> bool:
    """RFC 8866 5.7: there is one in the session, or in each stream that is in use."""
    in_use = data[slice(*stream.port)].strip(b"0") != b""
    return in_use and session.connection_of(stream) is None


def _origin(session: Session, value: bytes, offset: int) -> None:
    """An o= line that cannot be read is nobody's: no media is sent to what it says."""
    if found := _ORIGIN.match(value):
        session.origin = _moved(found.span(1), offset)


def _connection(session: Session, value: bytes, offset: int) -> None:
    """A c= line decides where media goes. One of another kind is left alone; one that cannot be
    read could be read otherwise by somebody else (rule one-reading)."""
    found = _CONNECTION.match(value)
    if found is None and _ANY_CONNECTION.match(value) is None:
        raise Malformed("a c= line cannot be read")
    unicast = found is not None and found[2] is None
    connection = Connection(_moved(found.span(1), offset) if found and unicast else MISSING)
    if session.streams:
        session.streams[-1].connections.append(connection)
    else:
        session.connection = connection


def _media(session: Session, value: bytes, offset: int) -> None:
    found = _MEDIA.match(value)
    if found is None:
        raise Malformed("an m= line cannot be read")
    if len(session.streams) == MOST_STREAMS:
        raise Malformed(f"there are more than {MOST_STREAMS} m= lines")
    port = _moved(found.span(2), offset)
    single = found[3] in (None, b"1")
    session.streams.append(Stream(found[1].lower(), port, single, found[4].upper()))


def _rtcp(session: Session, value: bytes, offset: int) -> None:
    if not session.streams:
        return
    found = _RTCP.match(value)
    if found is None:
        raise Malformed("an a=rtcp line cannot be read")
    stream = session.streams[-1]
    stream.rtcp_port = _moved(found.span(1), offset)
    stream.rtcp_address = _moved(found.span(2), offset)


def _rtcp_mux(session: Session, value: bytes, offset: int) -> None:
    if session.streams:
        session.streams[-1].rtcp_mux = True


def _direction(word: bytes) -> Callable[[Session, bytes, int], None]:
    def note(session: Session, value: bytes, offset: int) -> None:
        (session.streams[-1] if session.streams else session).direction = word

    return note


def _ice(session: Session, value: bytes, offset: int) -> None:
    session.ice = True


_READERS = {
    b"o": _origin,
    b"c": _connection,
    b"m": _media,
    b"rtcp:": _rtcp,
    b"rtcp-mux": _rtcp_mux,
    b"candidate:": _ice,
    b"ice-ufrag:": _ice,
    **{word: _direction(word) for word in (b"sendrecv", b"sendonly", b"recvonly", b"inactive")},
}


def _moved(span: Span, offset: int) -> Span:
    """From offsets in a line's value to offsets in the message."""
    return (span[0] + offset, span[1] + offset) if span[0] >= 0 else MISSING
