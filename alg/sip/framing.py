r"""Where a SIP message ends in a stream (RFC 3261 18.3).

A stream is SIP from its first byte or it is not SIP (rule first-byte-or-never). This file never
looks for a message in the middle of anything: an ALG that does can be made to read one out of a web
form (NAT slipstreaming, 2020). So the first bytes must be a SIP start line as far as they go, and
every next message must begin exactly where the last one ended.

    what has come                                  frame() says
    "REGI"                                         NEED_MORE: it may become a method
    "REGISTER sip:a SIP/2.0\r\nl: 5\r\n"           NEED_MORE: the headers do not end yet
    "REGISTER sip:a SIP/2.0\r\nl: 5\r\n\r\nhe"     37, although only 34 have come
    "POST / HTTP/1.1\r\n…REGISTER sip:a SIP/2.0"   NotSipStream, for good
"""

from __future__ import annotations

import re

from alg.sip import grammar

LONGEST_METHOD = 20
LONGEST_START_LINE = 8192
"""Bytes."""

NEED_MORE = 0
"""Nothing speaks against SIP yet, but the message is not whole enough to know its length."""


class NotSipStream(Exception):
    """This is not the beginning of a SIP message; the text says why."""


# A start line as far as it has come: a method and the scheme of a URI, or the version of SIP.
_BEGINNING = re.compile(rb"[A-Z][A-Z0-9._-]{0,19}+ [A-Za-z][A-Za-z0-9+.-]{0,30}+:|SIP/2\.0 ")
_TRUNCATED = re.compile(rb"[A-Z][A-Z0-9._-]{0,19}+(?: (?:[A-Za-z][A-Za-z0-9+.-]{0,30}+)?)?\Z")
ENCRYPTED = "it is encrypted (TLS): nothing in it can be read"
ANOTHER = "it does not begin with a SIP start line"
_TLS = b"\x16\x03"  # a handshake's record (RFC 8446 5.1)
_KEEP_ALIVE = re.compile(rb"(?:\r\n)+")
_HEADER_END = re.compile(rb"\r\n\r\n|\n\n")
_LENGTH = re.compile(
    rb"[\r\n](?:content-length|l)[ \t]*+:[ \t]*+([0-9]{1,10}+)[ \t]*+(?=[\r\n])", re.I
)


def frame(data: bytes) -> int:
    """How many bytes the first message of `data` takes (perhaps more than there are), or NEED_MORE.

    Line ends between messages are keep-alives (RFC 5626 3.5.1) and count as a message of their own.
    Raises NotSipStream.
    """
    keep_alive = _KEEP_ALIVE.match(data)
    if keep_alive:
        return keep_alive.end()
    if data == b"\r":
        return NEED_MORE
    if not _BEGINNING.match(data):
        if _TRUNCATED.match(data) or b"SIP/2.0 ".startswith(data):
            return NEED_MORE
        raise NotSipStream(ENCRYPTED if data.startswith(_TLS) else ANOTHER)
    line_end = data.find(b"\n", 0, LONGEST_START_LINE)
    if line_end < 0:
        if len(data) >= LONGEST_START_LINE:
            raise NotSipStream("its first line does not end")
        return NEED_MORE
    line = data[: line_end + 1]
    if not (grammar.REQUEST_LINE.match(line) or grammar.STATUS_LINE.match(line)):
        raise NotSipStream("its first line is not one of SIP/2.0")
    end = _HEADER_END.search(data, line_end - 1)
    if end is None:
        return NEED_MORE
    lengths = {int(found[1]) for found in _LENGTH.finditer(data, 0, end.end())}
    if len(lengths) != 1:
        # RFC 3261 18.3: over a stream, Content-Length is how the end of a message is known.
        raise NotSipStream("a message has no Content-Length, or two different ones")
    return end.end() + lengths.pop()
