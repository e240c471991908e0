"""A SIP message as places: where each part stands, never what it would look like tidied up.

Strategy: nothing is normalised and nothing is copied. The parser answers offsets into the bytes
that came, so that an edit can say exactly which of them it replaces and all others stay (rule
byte-exact). It is strict where two readers could see two messages in the same bytes (two Call-IDs,
a wrong Content-Length; rule one-reading): such a message is Malformed and passes as it came.

    0         10        20        30
    │         │         │         │
    INVITE sip:bob@192.0.2.9 SIP/2.0␍␊        uri (7, 24)
    i : abc␍␊ ␉def␍␊                          Header(b"call-id", 37, 48, name_start=34)
    ␍␊

`i` is the compact form of Call-ID, its colon has white space before it, and its value is folded
over two lines. All of that is legal, is read, and is what leaves again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from alg.sip import grammar

LARGEST = 65_536
"""Bytes in a message."""
MOST_HEADERS = 128
LONGEST_LINE = 8_192
"""Bytes in a start line or a header, folds included."""
LARGEST_CSEQ = 2**31 - 1
"""RFC 3261 8.1.1.5."""

FULL_NAMES = {
    b"a": b"accept-contact",
    b"b": b"referred-by",
    b"c": b"content-type",
    b"d": b"request-disposition",
    b"e": b"content-encoding",
    b"f": b"from",
    b"i": b"call-id",
    b"j": b"reject-contact",
    b"k": b"supported",
    b"l": b"content-length",
    b"m": b"contact",
    b"o": b"event",
    b"r": b"refer-to",
    b"s": b"subject",
    b"t": b"to",
    b"u": b"allow-events",
    b"v": b"via",
    b"x": b"session-expires",
    b"y": b"identity",
}
"""Compact forms: RFC 3261 7.3.3, and the IANA registry of SIP header fields."""

ONLY_ONCE = frozenset((b"call-id", b"cseq", b"from", b"to", b"content-length", b"content-type"))
"""Two of these and two parsers may read two messages (RFC 4475 3.3.8)."""


class NotSip(Exception):
    """Something else on SIP's port: a keep-alive, STUN, TLS, an empty datagram."""


class Malformed(Exception):
    """SIP, but not safe to edit; the text says why."""


class Header(NamedTuple):
    """`name` is lower case and written out; `start` and `end` enclose the value with its white
    space; `name_start` is where the line begins."""

    name: bytes
    start: int
    end: int
    name_start: int


@dataclass(slots=True)
class Message:
    """Where the parts of one message stand."""

    data: bytes
    method: str
    """Of the request; for a response, of the request that it answers (from CSeq)."""
    status: int | None
    """None for a request."""
    uri: tuple[int, int]
    """The Request-URI; (0, 0) in a response."""
    headers: dict[bytes, list[Header]]
    """By name, those of one name in the order of the message."""
    body: int
    """Where the body begins."""
    end: int
    """Where it ends. Bytes behind it are no part of the message (RFC 3261 18.3)."""
    call_id: str
    cseq: int

    @property
    def is_request(self) -> bool:
        return self.status is None

    def value(self, name: bytes) -> bytes | None:
        """The first header of this name, without the white space around it."""
        return first_value(self.data, self.headers.get(name))

    def number(self, name: bytes) -> int | None:
        """The value of a header that is one number, such as Expires; None when it is not one."""
        text = self.value(name)
        return None if text is None else grammar.number(text)


@lru_cache(maxsize=8)
def parse(data: bytes) -> Message:
    """Raises NotSip or Malformed, nothing else, for any bytes. Several look at each message one
    after the other, so the last answers are kept: they are for reading only."""
    status, method, uri, position = _start_line(data)
    headers, body = _headers(data, position)
    message = Message(data, method, status, uri, headers, body, len(data), "", 0)
    message.call_id = (message.value(b"call-id") or b"").decode("latin-1")
    if not message.call_id:
        raise Malformed("there is no Call-ID")
    message.cseq, message.method = _cseq(data, headers.get(b"cseq"))
    if status is None and method != message.method:
        raise Malformed("the method in CSeq is not that of the request")
    if b"content-length" in headers:
        message.end = _end_of_body(message)
    return message


def _end_of_body(message: Message) -> int:
    """RFC 3261 18.3: in a datagram, bytes behind the body are discarded; a body that ends before
    its length is an error."""
    length = message.number(b"content-length")
    if length is None:
        raise Malformed("Content-Length is not a number")
    if message.body + length > len(message.data):
        raise Malformed("the body is shorter than its Content-Length")
    return message.body + length


def _start_line(data: bytes) -> tuple[int | None, str, tuple[int, int], int]:
    """Status (None for a request), method, place of the URI, and where the headers begin."""
    if len(data) > LARGEST:
        raise Malformed(f"the message is longer than {LARGEST} bytes")
    if request := grammar.REQUEST_LINE.match(data):
        _within_a_line(request.end())
        return None, request[1].decode("ascii"), request.span(2), request.end()
    if response := grammar.STATUS_LINE.match(data):
        _within_a_line(response.end())
        return int(response[1]), "", (0, 0), response.end()
    if grammar.ALMOST_SIP.match(data):
        raise Malformed("the start line is not one of SIP/2.0")
    raise NotSip("not SIP")


def _within_a_line(length: int) -> None:
    """Longer lines overflow somebody's buffer, and cost everybody time (invariant I-A9)."""
    if length > LONGEST_LINE:
        raise Malformed(f"a line is longer than {LONGEST_LINE} bytes")


def first_value(data: bytes, headers: Sequence[Header] | None) -> bytes | None:
    """The first of some headers, without the white space around it."""
    return data[headers[0].start : headers[0].end].strip() if headers else None


def _headers(data: bytes, position: int) -> tuple[dict[bytes, list[Header]], int]:
    """All headers, and where the body begins."""
    headers: dict[bytes, list[Header]] = {}
    count = 0
    match_header = grammar.HEADER.match
    while found := match_header(data, position):
        end = found.end()
        _within_a_line(end - position)
        name = found[1].lower()
        name = FULL_NAMES.get(name, name)
        headers.setdefault(name, []).append(Header(name, *found.span(2), position))
        count += 1
        if count > MOST_HEADERS:
            raise Malformed(f"there are more than {MOST_HEADERS} headers")
        position = end
    empty = grammar.EMPTY_LINE.match(data, position)
    if empty is None:
        raise Malformed("a header line cannot be read, or the empty line after them is missing")
    for name in ONLY_ONCE:
        if len(headers.get(name, ())) > 1:
            raise Malformed(f"there are two headers {name.decode('ascii')}")
    return headers, empty.end()


def _cseq(data: bytes, headers: list[Header] | None) -> tuple[int, str]:
    """Its number and method, by which answers are matched with what was asked: without it an ALG
    cannot tell what a 200 grants (rule granted-not-wished)."""
    found = grammar.CSEQ.match(data, headers[0].start, headers[0].end) if headers else None
    if found is None or int(found[1]) > LARGEST_CSEQ:
        raise Malformed("there is no valid CSeq")
    return int(found[1]), found[2].decode("ascii")


STUN = {b"\0\1": "STUN request", b"\1\1": "STUN answer", b"\1\x11": "STUN refusal"}
"""By the first two bytes of a binding request and what comes back (RFC 8489 5)."""


def summary(payload: bytes) -> tuple[str, str]:
    """The essence of a message for lists and ladders: ("INVITE" or "200 OK (INVITE)", Call-ID).

    Line ends and zeros are "keep-alive" (RFC 5626 3.5.1), and STUN may come to the same port (RFC
    8489 5). Empty strings for what else is not SIP.
    The text comes from the network: clean it before drawing.
    """
    try:
        message = parse(payload)
    except (NotSip, Malformed):
        return _start_line_only(payload)
    if message.is_request:
        return message.method, message.call_id
    return f"{_status_text(payload)} ({message.method})", message.call_id


def _start_line_only(payload: bytes) -> tuple[str, str]:
    """What a malformed message says it is."""
    if request := grammar.REQUEST_LINE.match(payload, 0, LONGEST_LINE):
        return request[1].decode("ascii"), ""
    if grammar.STATUS_LINE.match(payload, 0, LONGEST_LINE):
        return _status_text(payload), ""
    if len(payload) >= 20 and len(payload) - 20 == int.from_bytes(payload[2:4]):
        return STUN.get(payload[:2], ""), ""
    is_blank = payload and not payload.strip(b"\r\n\0")
    return "keep-alive" if is_blank else "", ""


def _status_text(payload: bytes) -> str:
    line = payload[:80].replace(b"\r", b"\n").split(b"\n", 1)[0]
    return line.split(b" ", 1)[1].decode("latin-1").strip()
