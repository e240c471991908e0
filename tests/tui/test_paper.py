"""A run on paper."""

from __future__ import annotations

from tests.tui.stories import one_way_audio, started
from tui.paper import ladder_of, without_fonts


def test_the_ladder_has_names_above_and_every_message_with_what_became_of_it() -> None:
    rows = ladder_of(one_way_audio())
    assert rows[0].split() == ["alice", "NAT", "bob"]
    assert rows[1].endswith("5 missed")
    assert rows[-1].endswith("no route to 192.168.20.100")
    assert ladder_of([started()]) == []


def test_a_picture_calls_nobody() -> None:
    assert without_fonts('<style>@font-face { src: url("https://x/y") } a {}</style>') == (
        "<style> a {}</style>"
    )
