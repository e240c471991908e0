"""Where the parties of a call want to be sent media: what they wrote, and what the other side read.

A message is looked at twice, as it came and as it left. What an ALG has changed in between shows in
the difference, and so does what nobody has changed:

    came from alice    c=IN IP4 192.168.20.100, m=audio 4000      own     192.168.20.100:4000
    left for bob       c=IN IP4 203.0.113.1,    m=audio 10004     shown   203.0.113.1:10004
    or, without ALG    c=IN IP4 192.168.20.100, m=audio 4000      shown   192.168.20.100:4000
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from alg.base import Announced, Passage
from alg.sip import bodies, fields, grammar, sdp
from alg.sip.message import Malformed, Message, NotSip, parse
from alg.sip.sdp import Session, Stream
from nat.endpoint import Direction, Endpoint

CONTROL = "control"
"""What follows the name of a stream's own control, RTCP: nobody complains when that is silent."""
_DIRECTION = re.compile(rb"[\r\n]a=(sendrecv|sendonly|recvonly|inactive)[ \t]*(?=[\r\n]|\Z)")
_SENDS, _HEARS = (b"sendrecv", b"sendonly"), (b"sendrecv", b"recvonly")


class Line(NamedTuple):
    """A stream of a description: RTP and RTCP (None: with RTP, or nowhere), and which way media may
    go (RFC 3264 5.1)."""

    media: str
    rtp: Endpoint
    rtcp: Endpoint | None
    sends: bool
    hears: bool


def announced(passage: Passage, message: Message, party: str) -> tuple[Announced, ...] | None:
    """What the message says about its sender's media; None when it says nothing. `message` is what
    came, read. Streams that are refused or ended (port 0) are left out."""
    own = _lines(message)
    if own is None:
        return None
    shown = own if passage.after == passage.before else _lines_of(passage.after)
    is_inside = passage.direction is Direction.OUT
    found = []
    for mine, told in zip_longest(own, shown or (), fillvalue=None):
        if mine is None:
            break
        if mine.rtp.port == 0:
            continue
        told = told or mine
        yes_or_no = mine.sends, mine.hears and mine.rtp.address != 0
        found.append(Announced(mine.media, party, is_inside, mine.rtp, told.rtp, *yes_or_no))
        if mine.rtcp and told.rtcp:
            name = f"{mine.media} {CONTROL}"
            found.append(Announced(name, party, is_inside, mine.rtcp, told.rtcp, False, False))
    return tuple(found)


def _lines_of(data: bytes) -> list[Line] | None:
    try:
        return _lines(parse(data))
    except (NotSip, Malformed):
        return None


def _lines(message: Message) -> list[Line] | None:
    """The streams of the first description; None without one that can be read."""
    data = message.data
    try:
        spans = bodies.find(message).descriptions
        session = sdp.parse(data, *spans[0]) if spans else None
    except Malformed:
        return None
    if session is None:
        return None
    return list(_read(data, session, spans[0]))


def _read(data: bytes, session: Session, span: tuple[int, int]) -> Iterator[Line]:
    starts = [stream.port[0] for stream in session.streams]
    ends = [*starts[1:], span[1]] if starts else []
    general = _direction(data, span[0], starts[0] if starts else span[1], b"sendrecv")
    for stream, start, end in zip(session.streams, starts, ends, strict=True):
        way = _direction(data, start, end, general)
        connection = session.connection_of(stream)
        written = fields.text(data, connection.address) if connection else b""
        address = grammar.address(written) or 0
        port = grammar.port(fields.text(data, stream.port)) or 0
        rtcp = _rtcp(data, stream, Endpoint(address, port))
        media = stream.media.decode("latin-1")[:16]
        yield Line(media, Endpoint(address, port), rtcp, way in _SENDS, way in _HEARS)


def _direction(data: bytes, start: int, end: int, otherwise: bytes) -> bytes:
    found = _DIRECTION.search(data, max(start - 1, 0), end)
    return found[1] if found else otherwise


def _rtcp(data: bytes, stream: Stream, rtp: Endpoint) -> Endpoint | None:
    """RFC 3550 11: the port above, unless `a=rtcp` says otherwise; with `a=rtcp-mux` it is RTP's
    own. Only RTP has any."""
    if stream.rtcp_mux or not rtp.port or b"RTP/" not in stream.protocol:
        return None
    named = grammar.port(fields.text(data, stream.rtcp_port))
    port = named or (rtp.port + 1 if rtp.port < 65535 else None)
    return Endpoint(rtp.address, port) if port else None
