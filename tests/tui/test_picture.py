"""The picture in the README is what the program draws."""

from __future__ import annotations

from xml.etree import ElementTree

from tui.picture import one_way_audio, picture


def test_the_picture_is_a_workbench_that_calls_nobody() -> None:
    drawn = picture(one_way_audio)
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    for text in ("INVITE", "ONE-WAY", "MISSED", "192.168.20.100"):
        assert text in drawn
    assert "@font-face" not in drawn
