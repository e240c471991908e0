"""Markdown as lines: headings, lists, paragraphs, code. Only what the guides of stories use.

Emphasis is drawn in words of another style, and its asterisks are left out; nothing else of a text
is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tui.draw.lines import Line, Style, folded

_EMPHASIS = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`")
_ITEM = re.compile(r"(\s*)([-*]|\d+\.)\s+")


def drawn(text: str, width: int) -> Iterator[Line]:
    """The text in rows of at most `width` characters."""
    for kind, words in _blocks(text):
        if kind == "code":
            yield from (Line(row, Style.FAINT).cut(width) for row in words.split("\n"))
        elif kind == "gap":
            yield Line()
        elif kind == "head":
            yield from folded(Line(words, Style.STRONG), width)
        else:
            hang = " " * len(found[0]) if (found := _ITEM.match(words)) else ""
            yield from folded(_styled(words), width, hang)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each block with its kind; the lines of a paragraph or of an item joined to one."""
    waiting: list[str] = []
    for row in text.rstrip("\n").split("\n"):
        is_code = row.startswith("    ") and not waiting
        if waiting and (not row.strip() or row.startswith("#") or _ITEM.match(row)):
            yield "words", " ".join(waiting)
            waiting = []
        if not row.strip():
            yield "gap", ""
        elif row.startswith("#"):
            yield "head", row.lstrip("# ")
        elif is_code:
            yield "code", row
        else:
            waiting.append(row.strip() if waiting else row.rstrip())
    if waiting:
        yield "words", " ".join(waiting)


def _styled(words: str) -> Line:
    line, at = Line(), 0
    for found in _EMPHASIS.finditer(words):
        line.add(words[at : found.start()])
        line.add(found[1] or found[2] or found[3], Style.KEY if found[3] else Style.STRONG)
        at = found.end()
    return line.add(words[at:])
