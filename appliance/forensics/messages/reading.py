"""All messages in a file, whichever form it has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice, takewhile
from typing import NamedTuple

from alg.base import Application
from alg.edits import LARGEST_MESSAGE
from appliance.forensics.messages import capture, mending, packets, tcpdump, tools
from appliance.forensics.messages.excerpt import Excerpt
from appliance.forensics.messages.lines import Line, decoded, lines_of
from appliance.forensics.messages.prefixes import HEADER, unwrapped

LARGEST_FILE = 64 << 20
"""Bytes of a capture."""
LARGEST_TEXT = 8 << 20
"""Bytes of a text."""
USUAL_LINES, MOST_LINES = 64, 1000
"""Of a message. One that is longer is cut."""

_BARE = re.compile(rb"[^\r\n]+\r\n" + HEADER.pattern)


class Found(NamedTuple):
    """The messages of a file in their order. `note` says what could not be read in a capture."""

    excerpts: Sequence[Excerpt]
    note: str = ""


def read(
    data: bytes, applications: Iterable[Application], ports: Mapping[str, Sequence[int]]
) -> Found:
    """The messages of the first of these applications that has any; of one that is no text, the
    file as a whole. `ports` are those on which an application is looked for in a capture. None
    found: empty."""
    if capture.is_capture(data):
        return Found(*packets.messages(data, applications, ports))
    applications = tuple(applications)
    for application in applications:
        if application.lines is not None and application.soundness(data):
            return Found([Excerpt(data, application, "the whole file")])
    text, done = decoded(data[:LARGEST_TEXT])
    lines = lines_of(text)
    note = f"only the first {LARGEST_TEXT} bytes were read" if len(data) > LARGEST_TEXT else ""
    for application in applications:
        if application.first_line is None:
            found = _conversation(lines, application)
        elif not done and _is_bare(text, application):
            found = _as_they_are(text, application)
        else:
            found = [*_in_text(lines, application)] or _damaged(lines, application)
        if found:
            return Found([each._replace(done=(*done, *each.done)) for each in found], note)
    return Found((), note)


def _is_bare(text: bytes, application: Application) -> bool:
    """Is it a message and nothing else, with a message's own line ends, be it right or wrong? Then
    no byte of it is touched."""
    if not _BARE.match(text):
        return False
    return mending.begins(text, 0, application) or bool(application.findings(text))


def _as_they_are(text: bytes, application: Application) -> list[Excerpt]:
    found, line, before = [], 1, 0
    for at, data in mending.whole(text, application):
        line += text.count(mending.LF, before, at)
        found.append(Excerpt(data, application, f"line {line}"))
        before = at
    return found


def _conversation(lines: Sequence[Line], application: Application) -> list[Excerpt]:
    """A text that consists of this protocol's messages alone, one behind the other."""
    whole, done = _joined(lines)
    found, at, number = [], 0, 1
    while length := mending.length_of(whole[at : at + LARGEST_MESSAGE], application):
        data = whole[at : at + length]
        found.append(Excerpt(data, application, f"line {number}", done))
        at += length
        number += data.count(mending.LF)
    return found if at == len(whole) else []


def _damaged(lines: Sequence[Line], application: Application) -> list[Excerpt]:
    """A text whose first line is not one, and which the protocol knows all the same."""
    data, done = _joined(_window(lines, 0, MOST_LINES))
    return [Excerpt(data, application, "line 1", done)] if application.findings(data) else []


def _joined(lines: Sequence[Line]) -> tuple[bytes, tuple[str, ...]]:
    """All lines with a message's line ends, and what was done for that."""
    done = dict.fromkeys(line.mended for line in lines if line.mended)
    return b"".join(line.text + mending.CRLF for line in lines), tuple(done)


def _in_text(lines: Sequence[Line], application: Application) -> Iterator[Excerpt]:
    for section in tcpdump.sections(lines) or tools.sections(lines):
        for found in _in_section(section.lines, application):
            yield found._replace(done=(*section.done, *found.done))


def _in_section(lines: Sequence[Line], application: Application) -> Iterator[Excerpt]:
    """Looks for a first line; reads what follows it; goes on behind that."""
    assert application.first_line is not None
    at = 0
    while at < len(lines):
        behind = at + 1
        if start := application.first_line.search(lines[at].text):
            for excerpt, after in _from(lines, at, start.start(), application):
                yield excerpt
                behind = after
        at = behind


def _from(
    lines: Sequence[Line], at: int, start: int, application: Application
) -> Iterator[tuple[Excerpt, int]]:
    """The messages from a first line on that are written in the same form, each with the index of
    the line behind it. Few lines are looked at first, as most messages are short."""
    for window in (_window(lines, at, each) for each in (USUAL_LINES, MOST_LINES)):
        one = unwrapped(window, start)
        if one is None:
            return
        is_cut = len(one.lines) == len(window) < len(lines) - at
        found = [*mending.messages(one.lines, application, is_cut)]
        if not found and len(window) > USUAL_LINES:
            found = [*islice(mending.messages(one.lines, application), 1)]
        for each in found:
            where = f"line {one.lines[each.line].number}"
            excerpt = Excerpt(each.data, application, where, (*one.done, *each.done))
            yield excerpt, at + each.line + each.lines
        if found:
            return


def _window(lines: Sequence[Line], at: int, most: int) -> Sequence[Line]:
    """So many lines, and no more bytes than a message may have."""
    some = lines[at : at + most]
    sizes = accumulate(len(line.text) + len(mending.CRLF) for line in some)
    return some[: sum(1 for _ in takewhile(lambda size: size <= LARGEST_MESSAGE, sizes))]
