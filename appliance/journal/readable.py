"""Text of a message as people read it: SIP is UTF-8 (RFC 3261 25.1), and so is SDP (RFC 8866 5).

A message is kept as Latin-1, one character a byte, so that offsets and spans count bytes, in events
and in JSON too. Only where a piece of it is drawn, told or written for a person do its bytes become
the characters that they mean; the piece is cut out first. Bytes that are no UTF-8 (a fault, or one
of the older alphabets) stay a character each.
"""

from __future__ import annotations

from unicodedata import bidirectional, category

_UNFIT = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
"""What Python makes of bytes that are no UTF-8, and their characters in Latin-1."""
_ZERO_WIDTH = ("Mn", "Me")
_TURNING = ("R", "AL", "AN")
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols without any ink."""


def readable(text: str) -> str:
    """A piece of a message with the characters that its bytes mean. What takes no column of its own
    or would turn the row round is a picture, `␦`. A text that is not of bytes stays as it is."""
    if text.isascii():
        return text
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        return text
    meant = data.decode("utf-8", "surrogateescape").translate(_UNFIT)
    return "".join(each if each < "\u0100" or _is_ink(each) else "␦" for each in meant)


def _is_ink(character: str) -> bool:
    return (
        category(character) not in _ZERO_WIDTH
        and bidirectional(character) not in _TURNING
        and character not in _BLANK
    )
