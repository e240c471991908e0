"""The golden pairs of `golden.toml` through the correct ALG: every change, and no other."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from alg.compare import changes
from alg.edits import apply
from alg.ftp.application import FTP
from alg.ftp.correct import Ftp
from alg.ftp.lint import findings
from tests.alg.ftp.situations import answer, met, opened
from tests.golden.pairs import MARK

Pair = dict[str, Any]
PAIRS: list[Pair] = tomllib.loads(Path(__file__).with_name("golden.toml").read_text())["pair"]
REWRITTEN = [pair for pair in PAIRS if "field" in pair]
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=[pair["name"] for pair in PAIRS])
each_rewritten = pytest.mark.parametrize("pair", REWRITTEN, ids=[p["name"] for p in REWRITTEN])


def text(pair: Pair, side: str) -> bytes:
    """The message with what stands on one side of its marks."""
    message: str = MARK.sub(side, pair["message"])
    return message.replace("\n", "\r\n").encode("latin-1") + b"\r\n"


def before(pair: Pair) -> bytes:
    return text(pair, r"\1")


def ends(pair: Pair) -> list[str]:
    return [pair.get("inside", "client"), pair.get("direction", "out"), *pair.get("set", ())]


@each_pair
def test_a_message_becomes_what_it_should(pair: Pair) -> None:
    context = met(*ends(pair))
    said = answer(context, before(pair))
    assert apply(before(pair), said.edits) == text(pair, r"\2")
    assert [edit.field for edit in said.edits] == ([pair["field"]] if "field" in pair else [])
    assert said.reading.value == pair.get("reading", "message")
    assert said.note == pair.get("note", "")
    assert opened(context) == pair.get("open", [])


@each_rewritten
def test_every_change_is_explained_and_mends_the_message(pair: Pair) -> None:
    said = answer(met(*ends(pair)), before(pair))
    (row,) = changes(before(pair), Ftp(), said.edits, Ftp(), None, FTP)
    assert row.verdict == "ok"
    assert row.reason.endswith(".")
    assert row.rfc.startswith("RFC ")
    assert findings(text(pair, r"\2")) == []


@each_rewritten
def test_a_second_nat_finds_nothing_to_change(pair: Pair) -> None:
    """What has left one NAT names a host that is foreign to the next (229 names none)."""
    if pair["field"] != "229.port":
        assert answer(met(*ends(pair)), text(pair, r"\2")).edits == ()


def test_a_pair_says_what_it_shows() -> None:
    for pair in PAIRS:
        assert pair["says"].endswith("."), pair["says"]
        assert len(pair["says"]) < 120, pair["says"]
