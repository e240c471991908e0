"""What `tcpdump -A` prints: a line about each packet, then its bytes as text, headers included.

    10:00:00.123456 IP 192.0.2.1.5060 > 192.0.2.2.5060: SIP: OPTIONS sip:a@192.0.2.2 SIP/2.0
    E..`....@.gv...d..q^I.....L..OPTIONS sip:a@192.0.2.2 SIP/2.0
    └── IPv4 and UDP: 28 ──────┘└── the message, with LF for CRLF

The headers have no line of their own: where the message begins is known from the line about the
packet, or from the length of the two headers. What is neither text nor white space was printed as a
dot, and stays one: those bytes are lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from appliance.messages.lines import Line
from appliance.messages.tools import Section

_TIME = rb"(?:[0-9]{4}-[0-9]{2}-[0-9]{2} )?(?:[0-9:]+\.[0-9]+ )?(?:[^ ]+ +(?:In|Out|M|B) +)?"
_PACKET = re.compile(_TIME + rb"IP6? .*")
_FLOW = re.compile(rb"[^ ]+ > [^ ]+: ")
_FIRST_LINE = re.compile(rb".*?: [A-Z]+: (.+)")
HEADERS = 28
"""Bytes of IPv4 without options and UDP."""
MOST_PIECES = 4
"""Lines that the headers may be broken into, by bytes in them that happen to be line feeds."""


def sections(lines: Sequence[Line]) -> list[Section]:
    """One for each packet; none if this is not tcpdump's text."""
    heads = [at for at in range(len(lines)) if _is_head(lines, at)]
    return [
        Section(_without_headers(lines[at], lines[at + 1 : end]), ("tcpdump",))
        for at, end in pairwise((*heads, len(lines)))
    ]


def _is_head(lines: Sequence[Line], at: int) -> bool:
    """With -v the endpoints stand on a line of their own."""
    following = lines[at + 1].text if at + 1 < len(lines) else b""
    here = lines[at].text
    return bool(_PACKET.fullmatch(here)) and any(map(_FLOW.search, (here, following)))


def _without_headers(head: Line, lines: Sequence[Line]) -> list[Line]:
    if not lines:
        return []
    told = _FIRST_LINE.fullmatch(head.text)
    for at, line in enumerate(lines[:MOST_PIECES]):
        if told and line.text.endswith(told[1]):
            return [line._replace(text=told[1]), *lines[at + 1 :]]
    first, *rest = lines
    if first.text.startswith(b"E"):
        return [first._replace(text=first.text[HEADERS:]), *rest]
    return [first, *rest]
