"""Two runs side by side: where they part, and what each told from there on."""

from __future__ import annotations

from appliance.sim.difference import Difference
from tui.draw import beside
from tui.draw.beside import Compared, Said
from tui.draw.lines import plain
from tui.look import Run


def told(*texts: str) -> list[Said]:
    return [Said(float(at), text) for at, text in enumerate(texts)]


def page(found: Difference | None, one: list[Said], other: list[Said]) -> list[str]:
    runs = (Run("off", "one-way-audio"), Run("sip", "both-ways"))
    both = Compared(runs, found, (one, other))
    return [*plain(beside.head(both, 43)), *plain(beside.body(both, 43))]


def test_it_begins_where_they_part_and_a_gap_stands_for_what_only_one_has() -> None:
    rows = page(None, told("a", "b", "c", "left", "end"), told("a", "b", "c", "end"))
    assert [row.rstrip() for row in rows] == [
        "off ONE-WAY          │ sip BOTH",
        "No packet differs: not one byte, and none comes earlier or later.",
        "",
        "  … 1 sentence alike before",
        "1.000  b             │ 1.000  b",
        "2.000  c             │ 2.000  c",
        "3.000  left          ≠",
        "4.000  end           │ 3.000  end",
    ]


def test_a_packet_that_only_one_has_stands_beside_a_sentence() -> None:
    found = Difference(0.5, "arrived", "inside", "out", "presence", None, None)
    rows = page(found, [], [])
    assert rows[1:3] == [
        "The first packet that differs: 0.500 s, a",
        "packet coming in on the inside (out)",
    ]
