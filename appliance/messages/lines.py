r"""A text as lines, however their ends are written.

Editors end a line with LF, Windows with CRLF, a file that was converted twice with CR CR LF.
rsyslog writes what would break its own lines as `#015#012`, JSON as `\r\n`; `cat -v` and `less`
show a CR as `^M`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "a byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_WRITTEN_END = re.compile(rb"(?:#015)?#012|(?:\\r)?\\n")
_SHOWN_CR = re.compile(rb"(?:\^M)+\Z")

LINE_ENDS = "line ends"


class Line(NamedTuple):
    """`number` counts from 1, as an editor does; `mended` says what was done to its end, if
    anything."""

    text: bytes
    number: int
    mended: str = ""


def decoded(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A text without its byte order mark, in UTF-8, and what was done for it. (PowerShell's `>`
    writes UTF-16.)"""
    for mark, encoding, name in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            text = data[len(mark) :]
            if encoding != "utf-8":
                text = text.decode(encoding, "replace").encode()
            return text, (name,)
    return data, ()


def lines_of(data: bytes) -> list[Line]:
    """All lines, without their ends."""
    whole = data.split(b"\n")
    if not whole[-1]:
        whole.pop()
    return [part for number, row in enumerate(whole, 1) for part in _parts(row, number)]


def _parts(row: bytes, number: int) -> Iterator[Line]:
    """One line, or those that were written into it."""
    text = row.rstrip(b"\r")
    mended = "" if row == text + b"\r" else LINE_ENDS
    if len(pieces := _WRITTEN_END.split(text)) > _FEW:
        for piece in pieces:
            yield Line(piece, number, "line ends written as text")
        return
    shown = _SHOWN_CR.sub(b"", text)
    yield Line(shown, number, mended if shown == text else "line ends shown as ^M")


_FEW = 3
"""So many ends in one line might still be somebody's text."""
