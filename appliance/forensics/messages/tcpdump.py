"""What `tcpdump -A` prints: a line about each packet, then its bytes as text, headers included.

    10:00:00.123456 IP 192.0.2.1.5060 > 192.0.2.2.5060: SIP: OPTIONS sip:a@192.0.2.2 SIP/2.0
    E..`....@.gv...d..q^I.....L..OPTIONS sip:a@192.0.2.2 SIP/2.0
    └── IPv4 and UDP: 28 ──────┘└── the message, with LF for CRLF

The headers have no line of their own: where the message begins is known from the line about the
packet, or from the length of the headers, any byte of which may be a line feed and is printed as
one. What is neither text nor white space was printed as a dot, and stays one: those bytes are lost.

`tcpdump -v` prints the message indented, and marks one whose last line does not end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from appliance.forensics.messages.lines import Line
from appliance.forensics.messages.tools import Section

_TIME = rb"(?:[0-9]{4}-[0-9]{2}-[0-9]{2} )?(?:[0-9:]+\.[0-9]+ )?(?:[^ ]+ +(?:In|Out|M|B) +)?"
_PACKET = re.compile(_TIME + rb"(?:IP6? |[0-9a-f:]{17} > [0-9a-f:]{17}, ethertype IPv).*")
_FLOW = re.compile(rb"[^ ]+ > [^ ]+: ")
_FIRST_LINE = re.compile(rb".*?: [A-Z]+: (.+)")
_WITHOUT_END = re.compile(rb" \[\|[a-z]+\]\Z")
UDP_HEADERS = 28
"""Bytes of IPv4 without options and UDP."""
TCP_HEADERS = 40
TIMESTAMPS = (b"[nop,nop,TS ", 12)
"""The options that segments of a connection usually have, and their bytes (RFC 7323 A)."""
MOST_PIECES = 8
"""Lines that the headers may be broken into, by line feeds in them."""


def sections(lines: Sequence[Line]) -> list[Section]:
    """One for each packet; none if this is not tcpdump's text."""
    heads = [at for at in range(len(lines)) if _is_head(lines, at)]
    return [
        Section(_without_mark(_without_headers(lines[at], lines[at + 1 : end])), ("tcpdump",))
        for at, end in pairwise((*heads, len(lines)))
    ]


def _is_head(lines: Sequence[Line], at: int) -> bool:
    """With -v the endpoints stand on a line of their own."""
    following = lines[at + 1].text if at + 1 < len(lines) else b""
    here = lines[at].text
    return bool(_PACKET.fullmatch(here)) and any(map(_FLOW.search, (here, following)))


def _without_headers(head: Line, lines: Sequence[Line]) -> Sequence[Line]:
    told = _FIRST_LINE.fullmatch(head.text)
    for at, line in enumerate(lines[:MOST_PIECES]):
        if told and line.text.endswith(told[1]):
            return [line._replace(text=told[1]), *lines[at + 1 :]]
    if lines and lines[0].text.startswith(b"E"):
        return _behind(_header_length(head.text), lines)
    return lines


def _header_length(about: bytes) -> int:
    if b": Flags [" not in about:
        return UDP_HEADERS
    options, size = TIMESTAMPS
    return TCP_HEADERS + (size if options in about else 0)


def _behind(size: int, lines: Sequence[Line]) -> Sequence[Line]:
    """The lines without so many bytes at their beginning, each line feed being one."""
    for at, line in enumerate(lines):
        if size <= len(line.text):
            return [line._replace(text=line.text[size:]), *lines[at + 1 :]]
        size -= len(line.text) + 1
    return []


def _without_mark(lines: Sequence[Line]) -> Sequence[Line]:
    if not lines:
        return lines
    *others, last = lines
    return [*others, last._replace(text=_WITHOUT_END.sub(b"", last.text))]
