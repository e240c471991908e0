r"""A text as lines, however their ends are written.

Editors end a line with LF, Windows with CRLF, a file that was converted twice with CR CR LF.
rsyslog writes what would break its own lines as `#015#012`, JSON as `\r\n`; `cat -v` and `less`
show a CR as `^M`.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import NamedTuple

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "a byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_WRITTEN_END = re.compile(rb"(?:#015)?#012|(?:\\r)?\\n")
_SEVERAL = 3
"""Fewer written ends in one line may be somebody's text."""
_JSON_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*"')
SHOWN_CR = b"^M"

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
    if text.count(b"#012") + text.count(b"\\n") < _SEVERAL:
        if text.endswith(SHOWN_CR):
            yield Line(text[: -len(SHOWN_CR)], number, "line ends shown as ^M")
        else:
            yield Line(text, number, "" if row == text + b"\r" else LINE_ENDS)
        return
    for written, name in _texts_in(text):
        for piece in written:
            yield Line(piece.removesuffix(b"\r"), number, name)


def _texts_in(row: bytes) -> Iterator[tuple[list[bytes], str]]:
    """The lines of each JSON string that has some, or else those that are written into the row."""
    texts = [text for text in map(_json, _JSON_STRING.findall(row)) if text.count(b"\n") > 1]
    if texts:
        yield from ((text.split(b"\n"), "JSON") for text in texts)
    else:
        yield _WRITTEN_END.split(row), "line ends written as text"


def _json(string: bytes) -> bytes:
    """What a JSON string says; nothing if it is none."""
    try:
        return str(json.loads(string)).encode()
    except ValueError:
        return b""
