"""Line ends, and where a message ends.

A message counts its own bytes (SIP's Content-Length), and that tells what a text has lost:

    with CRLF at every line    it ends exactly where a line does: this is the message
    the body with LF           it ends there only if the body's lines ended in LF: they did
    neither                    the message says something wrong of itself, and that is to be seen:
                               it goes on to the next one, or to an empty line behind its body

What the message says is never changed to fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alg.base import Application
from alg.edits import LARGEST_MESSAGE
from appliance.forensics.messages.lines import Line
from appliance.forensics.messages.prefixes import HEADER

CRLF, LF = b"\r\n", b"\n"
EMPTY_LINE = CRLF + CRLF
LONGEST_BEGINNING = 8192
"""Bytes of a first line and the name of the header behind it."""
_LINE_ENDS = re.compile(rb"[\r\n]*")
_AFTER_THE_FIRST = re.compile(CRLF + b"(?:" + HEADER.pattern + b"|" + CRLF + b")")
_BODY_GOES_ON = re.compile(rb"[a-z]=|--")


class Mended(NamedTuple):
    """A message; it begins in the line with the index `line`, and has `lines` of them."""

    data: bytes
    line: int
    lines: int
    done: tuple[str, ...]


def messages(
    lines: Sequence[Line], application: Application, is_cut: bool = False
) -> Iterator[Mended]:
    """The messages that follow each other from the first line on. Whatever else comes behind them
    is left. If the lines are `is_cut`, out of a longer text, a message that may go on behind them
    is left as well."""
    text = b"".join(line.text + CRLF for line in lines)
    at = line = 0
    while begins(text, at, application):
        end, data, done = _first(text[at:], application)
        if is_cut and max(end, length_of(text[at:], application)) >= len(text) - at:
            return
        last = line + text.count(CRLF, at, at + end)
        ends = dict.fromkeys(each.mended for each in lines[line:last] if each.mended)
        yield Mended(data, line, max(1, last - line), (*ends, *done))
        behind = _behind_line_ends(text, at + end)
        line = last + text.count(CRLF, at + end, behind)
        at = behind


def whole(data: bytes, application: Application) -> Iterator[tuple[int, bytes]]:
    """The messages in bytes that need no mending, each with its place: cut only where one ends by
    its own count and another begins. Keep-alives between them are left out (RFC 5626 3.5.1); all
    that stays belongs to the last."""
    at = 0
    while length := length_of(data[at : at + LARGEST_MESSAGE], application):
        behind = _behind_line_ends(data, at + length)
        if not begins(data, behind, application):
            break
        yield at, data[at : at + length]
        at = behind
    yield at, data[at:]


def begins(text: bytes, at: int, application: Application) -> bool:
    """Does a message begin here: its first line, and then a header or an empty line? What stands
    before it does not matter, be it the last word of another one."""
    here = text[at : at + LONGEST_BEGINNING]
    found = application.first_line.match(here) if application.first_line else None
    return found is not None and _AFTER_THE_FIRST.match(here, found.end()) is not None


def length_of(data: bytes, application: Application) -> int:
    """How long the first message says that it is; 0 if it does not."""
    try:
        return application.frame(data)
    except application.not_a_message:
        return 0


def _behind_line_ends(text: bytes, at: int) -> int:
    found = _LINE_ENDS.match(text, at)
    return found.end() if found else at


def _first(text: bytes, application: Application) -> tuple[int, bytes, tuple[str, ...]]:
    """Where the first message ends in `text`, the message itself, and what was done beside its line
    ends."""
    length = length_of(text, application)
    if _is_end(text, length, CRLF, application):
        return length, text[:length], ()
    head, empty, body = text.partition(EMPTY_LINE)
    with_lf = head + empty + body.replace(CRLF, LF)
    if _is_end(with_lf, length, LF, application):
        in_body = with_lf.count(LF, len(head + empty), length)
        return length + in_body, with_lf[:length], ("LF left in the body, as it is counted",)
    return _uncounted(text, application)


def _is_end(text: bytes, length: int, line_end: bytes, application: Application) -> bool:
    """Is it plausible that the first message has this length? Then a line ends there, perhaps
    without its line end, and no line of the body follows."""
    if not 0 < length <= len(text):
        return False
    if text.startswith(line_end, length) and not text.endswith(b"\r", 0, length):
        return not _BODY_GOES_ON.match(text, length + len(line_end))
    if text.endswith(line_end, 0, length):
        return not _BODY_GOES_ON.match(text, length)
    return begins(text, length, application)


def _uncounted(text: bytes, application: Application) -> tuple[int, bytes, tuple[str, ...]]:
    """The first message in `text` by what it looks like."""
    head, empty, body = text.partition(EMPTY_LINE)
    if not empty:
        last_line = text[text.rfind(CRLF, 0, -2) + 2 :]
        if HEADER.match(last_line):
            return len(text), text + CRLF, ("the empty line at the end",)
        return len(text), text, ()
    start = len(head) + len(empty)
    end = _end_of_body(text, start, application)
    body = text[start:end].rstrip(CRLF)
    return end, text[:start] + (body + CRLF if body else b""), ()


def _end_of_body(text: bytes, start: int, application: Application) -> int:
    """Where the next message begins; behind a description, an empty line if that comes earlier."""
    assert application.first_line is not None
    firsts = (found.start() for found in application.first_line.finditer(text, start))
    following = (
        at for at in firsts if text.endswith(CRLF, 0, at) and begins(text, at, application)
    )
    end = next(following, len(text))
    if _BODY_GOES_ON.match(text, start):
        empty = text.find(EMPTY_LINE, start, end)
        return end if empty < 0 else empty + len(CRLF)
    return end
