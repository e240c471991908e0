"""The productions of RFC 3261 25 that a SIP ALG needs, under their names.

Strategy: every repetition of a character is possessive (`*+`, `++`), and where a group repeats, its
alternatives begin with different characters, so a match never goes back over what it has read and
64 KiB of hostile text cost 64 KiB of time (invariant I-A9). Groups themselves are not possessive:
Python before 3.11.5 gets those wrong. Patterns find *where* something stands; they accept a little
more than the RFC does (an ALG must carry what phones really send) and never less.
"""

from __future__ import annotations

import re
from functools import lru_cache

from nat.endpoint import parse_address

LONGEST_ADDRESS = len("255.255.255.255")
DIGITS_AT_MOST = 10
"""Numbers in text are ASCII and short: an overflow is how ALGs break (CVE-2026-23457)."""

# token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")
TOKEN = rb"[A-Za-z0-9.!%*_+`'~-]++"

# LWS = [*WSP CRLF] 1*WSP; a message's lines are unfolded by `HEADER`, so that inside a value a
# line end can only be a fold, and white space is simply this:
WS = rb"[ \t\r\n]*+"

# quoted-string = SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE
QUOTED = rb'"(?:[^"\\]++|\\.)*"'

# host = hostname / IPv4address / IPv6reference
HOST = rb"(?:\[[0-9A-Fa-f:.]*+\]|[A-Za-z0-9._-]++)"

LINE_END = rb"(?:\r\n|\n|\r)"

# Request-Line = Method SP Request-URI SP SIP-Version CRLF
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([^ \t\r\n]++) (?i:SIP)/2\.0" + LINE_END)

# Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF
STATUS_LINE = re.compile(rb"(?i:SIP)/2\.0 ([1-6][0-9][0-9])(?: [^\r\n]*+)?" + LINE_END)

# What somebody meant as a start line of SIP, whatever became of it.
ALMOST_SIP = re.compile(rb"(?i:SIP/[0-9])|[^\r\n]{0,8000}?[ \t](?i:SIP)/[0-9.]+[ \t]*(?:[\r\n]|\Z)")

# message-header = header-name HCOLON header-value CRLF, where a line that begins with white space
# continues the value.
HEADER = re.compile(
    rb"(" + TOKEN + rb")[ \t]*+:((?:[^\r\n]++|" + LINE_END + rb"(?=[ \t]))*)" + LINE_END
)
EMPTY_LINE = re.compile(LINE_END)

# CSeq = "CSeq" HCOLON 1*DIGIT LWS Method
CSEQ = re.compile(WS + rb"([0-9]{1,10}+)[ \t\r\n]++(" + TOKEN + rb")" + WS + rb"\Z")

NUMBER = re.compile(WS + rb"([0-9]{1,10}+)" + WS + rb"\Z")

# One element of a comma-separated list: commas inside "…" and <…> do not separate.
LIST_ELEMENT = re.compile(rb'(?:[^",<]++|' + QUOTED + rb"|<[^>]*+>)*")
# The same for Via, where RFC 2543 allowed comments: commas inside (…) do not separate either.
VIA_ELEMENT = re.compile(rb'(?:[^",<(]++|' + QUOTED + rb"|<[^>]*+>|\((?:[^()\\]++|\\.)*\))*")

# sent-protocol LWS sent-by, with white space around every separator (RFC 4475 3.1.1.1)
VIA = re.compile(
    WS + rb"(?i:SIP)" + WS + rb"/" + WS + rb"2\.0" + WS + rb"/" + WS
    + rb"(" + TOKEN + rb")[ \t\r\n]++(" + HOST + rb")(?:" + WS + rb":" + WS + rb"([0-9]++))?"
    + WS + rb"(?=[;(]|\Z)"
)  # fmt: skip

# generic-param = token [ EQUAL gen-value ]
PARAMETER = re.compile(
    WS + rb";" + WS + rb"(" + TOKEN + rb")" + WS
    + rb"(?:=" + WS + rb"(" + QUOTED + rb'|[^;,"?<>() \t\r\n]*+))?'
)  # fmt: skip

# name-addr = [ display-name ] LAQUOT addr-spec RAQUOT, up to and with the angle bracket
DISPLAY_NAME = re.compile(rb"(?:" + WS + QUOTED + WS + rb'|[^"<;:@]*+)<')

# SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ], up to the host and port
_HOST_AND_PORT = rb"(" + HOST + rb")(?::([0-9]++))?"
URI = re.compile(
    rb'(?i:(sips?)):(?:[^@<>" \t\r\n]*+@|(?![^@<>" \t\r\n]*+@))' + _HOST_AND_PORT + rb"(?=[;?]|\Z)"
)
# Without angle brackets what follows ; belongs to the header (RFC 3261 20.10).
BARE_URI = re.compile(
    WS + rb'(?i:(sips?)):(?:[^@<>;?," \t\r\n]*+@|(?![^@<>;?," \t\r\n]*+@))'
    + _HOST_AND_PORT + WS + rb"(?=;|\Z)"
)  # fmt: skip


def number(text: bytes) -> int | None:
    """A short number in ASCII digits with white space around it, or None."""
    match = NUMBER.match(text)
    return int(match[1]) if match else None


def port(text: bytes) -> int | None:
    """A port from 1 to 65535 as one would write it (no leading zero), or None."""
    if len(text) > 5 or not text.isdigit() or text[0] == ord("0"):
        return None
    value = int(text)
    return value if value <= 65535 else None


def address(text: bytes) -> int | None:
    """An IPv4 address in dotted decimal, or None for names and everything else (IPv6 among it:
    there is no NAT for it here that could have changed one)."""
    return _short_address(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(maxsize=4096)
def _short_address(text: bytes) -> int | None:
    """Only short texts are remembered, so that nobody fills the memory with long ones."""
    if b":" in text:
        return None
    try:
        return parse_address(text.decode("ascii"))
    except ValueError:
        return None
