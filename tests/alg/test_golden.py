"""Golden pairs: a message before and after the correct ALG, with the pinholes that it opens.

Each file in `golden/` begins with one sentence and the setting: `direction`, `external`, mappings
that exist (`map INTERNAL EXTERNAL`), settings of the module (`set KEY VALUE`), pinholes that the
message opens (`opens INTERNAL REMOTE`). Then come the message before and after; each line end
there is CRLF on the wire.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alg.base import Edits
from alg.compare import changes
from alg.context import DEFAULT_SETTINGS, MemoryContext
from alg.edits import apply
from alg.sip.correct import Sip
from nat.endpoint import Direction, Endpoint

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))


class Pair(NamedTuple):
    story: str
    context: MemoryContext
    opens: list[str]
    before: bytes
    after: bytes


def read(path: Path) -> Pair:
    """One golden file."""
    setting, _, messages = path.read_text(encoding="utf-8").partition("---- before\n")
    before, _, after = messages.partition("---- after\n")
    story, *lines = setting.splitlines()
    words: dict[str, list[str]] = {"map": [], "set": [], "opens": []}
    for line in lines:
        key, _, value = line.partition(" ")
        words.setdefault(key, []).append(value)
    presets = dict(tuple(map(Endpoint.parse, value.split())) for value in words["map"])
    settings: dict[str, Any] = {**DEFAULT_SETTINGS, **dict(v.split() for v in words["set"])}
    context = MemoryContext(
        Direction(words["direction"][0]),
        Endpoint.parse("192.168.20.100:5060"),
        Endpoint.parse(words["external"][0]),
        Endpoint.parse("203.0.113.9:5060"),
        settings=settings,
        presets=presets,
    )
    return Pair(story.removeprefix("# "), context, words["opens"], _wire(before), _wire(after))


def _wire(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_golden_message_becomes_what_it_should(path: Path) -> None:
    pair = read(path)
    answer = Sip().inspect(pair.before, pair.context)
    assert isinstance(answer, Edits)
    assert apply(pair.before, answer.edits).decode() == pair.after.decode()
    pinholes = [f"{known.internal} {known.remote}" for known in pair.context.expectations]
    assert pinholes == pair.opens
    rows = changes(pair.before, Sip(), answer.edits)
    assert all(row.reason and row.rfc for row in rows)
    assert len(rows) == len(answer.edits)
    assert pair.story.endswith(".")


def test_the_files_say_what_they_mean() -> None:
    """The pairs of the lecture, and some of every kind."""
    assert {"lecture-register", "lecture-invite"} <= {path.stem for path in FILES}
    unchanged = [path.stem for path in FILES if read(path).before == read(path).after]
    assert unchanged == ["public-phone", "wrong-length"]
