"""The pictures in README and docs are what the program draws."""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.source import ROOT
from tui.picture import PICTURES, picture

DOCS = ROOT / "docs"
SHOWN = re.compile(r"!\[[^\]]*\]\(([^)]+\.svg)\)")
CHARTS = {"benchmarks/bench.svg"}
"""Pictures that are not of the screen."""


def text_of(drawn: str) -> list[str]:
    """The rows of a picture, without looks and places."""
    rows = re.findall(r"<text[^>]*>(.*?)</text>", drawn, re.DOTALL)
    return [html.unescape(row).replace("\xa0", " ").rstrip() for row in rows]


def shown_in(page: Path) -> set[str]:
    """The pictures of a page, by their places under `docs/`."""
    return {
        str((page.parent / name).resolve().relative_to(DOCS))
        for name in SHOWN.findall(page.read_text(encoding="utf-8"))
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_it_is_current_and_a_changed_byte_and_its_reason_can_be_seen(name: str) -> None:
    drawn = picture(PICTURES[name])
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert text_of(kept) == text_of(drawn), "run: make pictures"
    said = " ".join(text_of(drawn))
    assert "«203.0.113.1" in said
    assert "OK via.host" in said
    assert "MISSED CAUSE sdp.c" in said
    assert "ONE-WAY AUDIO" in said
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "@font-face" not in drawn, "a picture calls nobody"


def test_no_page_shows_a_picture_that_nobody_draws_and_each_is_shown() -> None:
    pages = [ROOT / "README.md", *DOCS.rglob("*.md")]
    assert set().union(*map(shown_in, pages)) == PICTURES.keys() | CHARTS
