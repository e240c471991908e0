"""The picture in the README is what the program draws."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

import pytest

from tests.source import ROOT
from tui.picture import one_way_audio, picture


def text_of(drawn: str) -> list[str]:
    """The rows of a picture, without looks and places."""
    rows = re.findall(r"<text[^>]*>(.*?)</text>", drawn, re.DOTALL)
    return [html.unescape(row).replace("\xa0", " ").rstrip() for row in rows]


@pytest.fixture(scope="module")
def drawn() -> str:
    return picture(one_way_audio)


def test_a_changed_byte_and_its_reason_can_be_seen(drawn: str) -> None:
    said = " ".join(text_of(drawn))
    assert "«203.0.113.1" in said
    assert "OK via.host" in said
    assert "MISSED CAUSE sdp.c" in said
    assert "ONE-WAY AUDIO" in said


def test_it_is_a_picture_that_calls_nobody(drawn: str) -> None:
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "@font-face" not in drawn


def test_the_picture_of_the_documentation_is_current(drawn: str) -> None:
    kept = (ROOT / "docs" / "screenshot.svg").read_text(encoding="utf-8")
    assert text_of(kept) == text_of(drawn), "run: make pictures"
