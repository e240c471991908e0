"""Where the session descriptions are in a message's body, and which lengths depend on them.

A body is one description, or several parts of which some may be descriptions (RFC 2046 5.1). What
is encoded or of another type is not looked at.

    Content-Type: multipart/mixed;boundary=x
    Content-Length: 131                  counts all from here on …
                                         ┐
    --x                                  │
    Content-Type: application/sdp        │
    Content-Length: 49                   │ counts the description alone
                                         │┐
    v=0 … c=IN IP4 192.168.20.100 …      ││ an edit here changes both lengths,
    --x--                                ┘  and the digits of the inner one are counted by the outer
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from alg.base import Edit
from alg.sip import grammar
from alg.sip.fields import Span
from alg.sip.message import FULL_NAMES, Malformed, Message

MOST_PARTS = 16
"""In a body; a message with more is left alone."""
_SDP = b"application/sdp"
_PLAIN_ENCODINGS = (b"", b"7bit", b"8bit", b"binary", b"identity")
_BOUNDARY = re.compile(
    rb'(?i:boundary)[ \t]*+=[ \t]*+(?:"([^"\r\n]{1,70}+)"|([^ ;"\t\r\n]{1,70}+))'
)


class Length(NamedTuple):
    """A Content-Length: the digits, and the bytes they count."""

    digits: Span
    counts: Span


class Body(NamedTuple):
    """The descriptions in a message, and all lengths that are right now and must stay so."""

    descriptions: tuple[Span, ...] = ()
    lengths: tuple[Length, ...] = ()


def find(message: Message) -> Body:
    """Raises Malformed for a multipart body that has no end, or a part whose length is wrong."""
    data, whole = message.data, (message.body, message.end)
    lengths = []
    if b"content-length" in message.headers:
        header = message.headers[b"content-length"][0]
        lengths.append(Length(_digits(data, (header.start, header.end)), whole))
    content_type = message.value(b"content-type") or b""
    media_type = content_type.partition(b";")[0].strip().lower()
    if message.body == message.end or not _is_plain(message.value(b"content-encoding")):
        return Body((), tuple(lengths))
    if media_type == _SDP:
        return Body((whole,), tuple(lengths))
    if not media_type.startswith(b"multipart/"):
        return Body((), tuple(lengths))
    descriptions = []
    for headers, start, end in _parts(data, content_type, whole):
        if length := _part_length(data, headers, (start, end)):
            lengths.append(length)
        if _is_description(data, headers):
            descriptions.append((start, end))
    return Body(tuple(descriptions), tuple(lengths))


def recount(lengths: Sequence[Length], edits: Sequence[Edit]) -> list[Edit]:
    """The edits that keep every length right after `edits` (rule lengths-follow; RFC 3261 20.14):
    parts first, because their digits are counted by the whole. A length that another number of
    digits makes longer by a byte is itself a growth of the whole."""
    made: list[Edit] = []
    for length in reversed(lengths):
        made += _recounted(length, (*edits, *made))
    return made


def lengths_after(lengths: Sequence[Length], edits: Sequence[Edit]) -> list[Edit]:
    """The edits that make each length right for what really leaves after `edits`, be it right or
    not: a part's length that was edited is counted as it was edited."""
    return [edit for length in lengths for edit in _recounted(length, edits)]


def _recounted(length: Length, edits: Sequence[Edit]) -> list[Edit]:
    """The edit of a length whose bytes become more or fewer by `edits`, if they do."""
    start, end = length.counts
    growth = sum(
        len(edit.replacement) - (edit.end - edit.start)
        for edit in edits
        if start <= edit.start and edit.end <= end
    )
    text = b"%d" % (end - start + growth)
    return [Edit(*length.digits, text, "content-length", "content-length")] if growth else []


def _parts(
    data: bytes, content_type: bytes, whole: Span
) -> Iterator[tuple[dict[bytes, Span], int, int]]:
    """The headers, beginning and end of each part."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Malformed("a multipart body has no boundary")
    cuts = _delimiters(data, b"--" + (found[1] or found[2]), whole)
    for (_, after), (before, _) in pairwise(cuts):
        headers, start = _part_headers(data, after, before)
        yield headers, min(start, before), before


def _delimiters(data: bytes, delimiter: bytes, whole: Span) -> list[Span]:
    """From the line end before each delimiter line to the end of that line; the line end belongs
    to the delimiter, not to the part before it (RFC 2046 5.1.1)."""
    line = re.compile(
        rb"(?:\r\n|\n|\r|\A)" + re.escape(delimiter) + rb"(--)?[ \t]*+(?:\r\n|\n|\r|\Z)"
    )
    cuts: list[Span] = []
    position = whole[0]
    body = data[whole[0] : whole[1]]
    while found := line.search(body, position - whole[0]):
        cuts.append((found.start() + whole[0], found.end() + whole[0]))
        if found[1] is not None:  # the one with "--" behind it is the last
            return cuts
        if len(cuts) > MOST_PARTS:
            raise Malformed(f"there are more than {MOST_PARTS} parts in the body")
        position = _before_line_end(data, cuts[-1][1], whole[0])
    raise Malformed("a multipart body has no end")


def _before_line_end(data: bytes, position: int, start: int) -> int:
    """Back over one line end: where a part is empty, the line end behind one delimiter is the one
    that belongs to the next."""
    if data[position - 2 : position] == b"\r\n":
        position -= 2
    elif data[position - 1 : position] in (b"\r", b"\n"):
        position -= 1
    return max(position, start)


def _part_headers(data: bytes, start: int, end: int) -> tuple[dict[bytes, Span], int]:
    """The headers of a part, and where its content begins. A part may have none at all: then it
    begins with the empty line."""
    headers: dict[bytes, Span] = {}
    while found := grammar.HEADER.match(data, start, end):
        name = found[1].lower()
        headers.setdefault(FULL_NAMES.get(name, name), found.span(2))
        start = found.end()
    empty = grammar.EMPTY_LINE.match(data, start, end)
    return headers, empty.end() if empty else end


def _part_length(data: bytes, headers: dict[bytes, Span], content: Span) -> Length | None:
    """A part need not say how long it is. If it does, and wrongly, then two readers may see two
    bodies (rule one-reading)."""
    span = headers.get(b"content-length")
    if span is None:
        return None
    if grammar.number(data[span[0] : span[1]]) != content[1] - content[0]:
        raise Malformed("the Content-Length of a part of the body is wrong")
    return Length(_digits(data, span), content)


def _is_description(data: bytes, headers: dict[bytes, Span]) -> bool:
    def value(name: bytes) -> bytes:
        start, end = headers.get(name, (0, 0))
        return data[start:end]

    return (
        value(b"content-type").partition(b";")[0].strip().lower() == _SDP
        and _is_plain(value(b"content-encoding"))
        and _is_plain(value(b"content-transfer-encoding"))
    )


def _is_plain(encoding: bytes | None) -> bool:
    """Can the bytes be read as they stand? An edit in compressed or base64 text would break it."""
    return (encoding or b"").strip().lower() in _PLAIN_ENCODINGS


def _digits(data: bytes, span: Span) -> Span:
    """Where the number in a header stands, without the white space around it, which stays."""
    found = grammar.NUMBER.match(data, *span)
    return found.span(1) if found else (span[0], span[0])
