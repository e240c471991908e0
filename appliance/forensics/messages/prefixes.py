"""What stands before a message's lines: indentation, a mail's quoting, a log's time and process.

The first line shows what it is; the second one, which must be a header, how the others are written:

    > INVITE …          > Via: …          the same on every line: it is taken away
    10:00:01 INVITE …   10:00:02 Via: …   the same but for its numbers: taken away
    10:00:01 INVITE …            Via: …   blanks in its place, as journalctl writes
    10:00:01 INVITE …   Via: …            nothing: only the first line was logged
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from appliance.forensics.messages.lines import Line

HEADER = re.compile(rb"[!-9;-~]++[ \t]*+:")
_QUOTING = re.compile(rb"[>|#*;/ \t]+")
_NUMBER = re.compile(rb" *[0-9]+")
_BLANKS = re.compile(rb"[ \t]*")
_LAST_OF_A_PREFIX = b" \t:]>|)"

Cut = Callable[[bytes], bytes | None]
"""A line without what stands before it; None for a line that is not written in this way."""


class Unwrapped(NamedTuple):
    """The lines of a message and of what follows it in the same form, and what was taken away."""

    lines: Sequence[Line]
    done: tuple[str, ...]


def unwrapped(lines: Sequence[Line], start: int) -> Unwrapped | None:
    """`lines` without what stands before each of them. A message begins in the first of them, at
    `start`; None if it does not seem to be one, because no header follows."""
    first, rest = lines[0], lines[1:]
    prefix = first.text[:start]
    is_log = not _QUOTING.fullmatch(prefix) if prefix else False
    if not rest or (is_log and prefix[-1] not in _LAST_OF_A_PREFIX):
        return None
    for cut in _cuts(prefix, rest[0].text):
        if HEADER.match(cut(rest[0].text) or b""):
            found = [first._replace(text=first.text[start:]), *_while_cut(rest, cut)]
            return Unwrapped(found, _named(prefix, is_log))
    return None


def _cuts(prefix: bytes, second: bytes) -> Iterator[Cut]:
    """The ways in which the lines behind the first one may be written, the most telling first."""
    if prefix:
        yield _repeated(prefix)
        blanks = _BLANKS.match(second)
        if blanks and blanks[0]:
            yield _repeated(blanks[0])
        yield _until_the_next(prefix)
    else:
        yield lambda text: text


def _repeated(prefix: bytes) -> Cut:
    """The same before every line, but for its numbers. An empty line may have lost the blanks at
    its end, and with them the end of the prefix; behind blanks alone it may have lost them all."""
    shape = _shape(prefix)
    is_blank = not prefix.strip()

    def cut(text: bytes) -> bytes | None:
        found = shape.match(text + b" ")
        if found is None:
            return b"" if is_blank and not text.strip() else None
        return text[found.end() :]

    return cut


def _until_the_next(prefix: bytes) -> Cut:
    """Nothing before the lines, until one that begins as the first one did."""
    shape = _shape(prefix)
    is_blank = not prefix.strip()
    return lambda text: None if not is_blank and shape.match(text) else text


def _shape(prefix: bytes) -> re.Pattern[bytes]:
    pieces = [re.escape(piece) for piece in _NUMBER.split(prefix)]
    return re.compile(rb" *[0-9]+".join(pieces))


def _while_cut(lines: Sequence[Line], cut: Cut) -> Iterator[Line]:
    for line in lines:
        text = cut(line.text)
        if text is None:
            return
        yield line._replace(text=text)


def _named(prefix: bytes, is_log: bool) -> tuple[str, ...]:
    if not prefix:
        return ()
    if is_log:
        return ("log prefixes",)
    return ("quoting",) if prefix.strip() else ("indentation",)
