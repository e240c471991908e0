"""Bytes as people read them: rows of a hex dump, and single values spelled out.

What comes out is plain ASCII and the few signs below, so it is safe to draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address

from appliance.journal.rows import (
    ByteRows,
    ChangeOf,
    Mark,
    Run,
    Stretch,
    after_of,
    before_of,
    passages,
    runs,
)

_WIDTH = 16
_NOTHING = "¦"
_SIGNS = {Mark.SAME: (" ", " "), Mark.CHANGED: ("«", "»"), Mark.LEFT: ("!", "!")}
_PICTURES = bytes(code if 0x20 <= code < 0x7F else 0xB7 for code in range(256))
_SPELLED = 48
"""Bytes of a value that are spelled out at most."""


def dumped(some: Iterable[Run], offset: int, width: int) -> Iterator[list[Run]]:
    """Rows of a hex dump, each in pieces whose mark tells how to draw them.

        0030 00 04«cb 00 71 07»00 00 29 10 00 00 00 00 00 00 ····q···)·······

    Signs stand in the gaps between the bytes, so that columns stay where they are: « and » around
    changed bytes, ! and ! around those that were left and should not be, ¦ where something was put
    in, or taken away.
    """
    for row in _in_rows(some, width):
        yield _dumped_row(row, offset, width)
        offset += sum(len(run.text) for run in row)


def dump(
    message: str, changes: Iterable[ChangeOf]
) -> Iterator[tuple[list[str], list[str], list[ChangeOf]]]:
    """A binary message as plain text: neighbouring rows before and after, and their changes. Rows
    in which nothing became another are the same before and after."""
    for part in passages(message, changes, ByteRows(_WIDTH)):
        if isinstance(part, Stretch):
            rows = _written([Run(message[part.start : part.end])], part.start)
            yield rows, rows, []
            continue
        made = [placed.change for placed in part.changes]
        before = after = _written(runs(message, part, before_of), part.start)
        if any(change.before != change.after for change in made):
            after = _written(runs(message, part, after_of), part.start + part.shift)
        yield before, after, made


def _written(some: Iterable[Run], offset: int) -> list[str]:
    return ["".join(run.text for run in row) for row in dumped(some, offset, _WIDTH)]


def _in_rows(some: Iterable[Run], width: int) -> Iterator[list[Run]]:
    """Runs cut at the ends of rows. A run without bytes stays: it says that some are missing."""
    row: list[Run] = []
    room = width
    for run in some:
        if len(run.text) <= room:
            row.append(run)
            room -= len(run.text)
            continue
        at = 0
        while at < len(run.text):
            if not room:
                yield row
                row, room = [], width
            piece = run.text[at : at + room]
            row.append(Run(piece, run.mark, run.is_bad))
            room -= len(piece)
            at += len(piece)
        if not run.text:
            row.append(run)
    if row:
        yield row


def _dumped_row(row: Sequence[Run], offset: int, width: int) -> list[Run]:
    """One row: offset, bytes in hexadecimal, and what can be read of them. A changed run stands
    between signs, and keeps its mark in both halves; what lies between runs is plain."""
    pieces: list[Run] = []
    pictures: list[Run] = []
    plain, picture, before_gap, length = f"{offset:04x}", "", " ", 0
    for text, mark, is_bad in row:
        opens, closes = _SIGNS[mark]
        if not text:
            before_gap = _NOTHING
            continue
        data = _bytes(text)
        seen = data.translate(_PICTURES).decode("latin-1")
        if mark is Mark.SAME:
            plain += before_gap + data.hex(" ")
            picture += seen
        else:
            gap = opens if before_gap != _NOTHING else _NOTHING
            pieces += (Run(plain + gap), Run(data.hex(" "), mark, is_bad))
            pictures += (Run(picture), Run(seen, mark, is_bad))
            plain = picture = ""
        before_gap, length = closes, length + len(text)
    plain += before_gap + "   " * (width - length)
    if not pictures:
        return [*pieces, Run(plain + picture)]
    first, *others = pictures
    return [*pieces, Run(plain + first.text), *others, Run(picture)]


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def spelled(field: str, value: str) -> str:
    """A value of a binary message as people write it: `203.0.113.7`, a name, or its bytes."""
    data = _bytes(value)
    is_address = field.endswith("address")
    if is_address and len(data) == 4:
        return ".".join(map(str, data))
    if len(data) > 4 and value.isascii() and value.isprintable():
        return value
    if is_address and len(data) == 16:
        return str(ip_address(data))
    if field.endswith(".ttl") and len(data) == 4:
        return str(int.from_bytes(data))
    if field.endswith((".name", ".data")) and (name := _labels(data)):
        return name
    cut = " …" if len(data) > _SPELLED else ""
    return (data[:_SPELLED].hex(" ") or "nothing") + cut


def _labels(data: bytes) -> str:
    """Labels with their lengths before them, as a name (RFC 1035 3.1); empty if they are none."""
    found, at = [], 0
    while at < len(data) and data[at]:
        found.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    text = b".".join(found).decode("latin-1")
    return (
        text if at in (len(data), len(data) - 1) and text.isascii() and text.isprintable() else ""
    )
