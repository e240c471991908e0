"""The second line shows how all others are written."""

from __future__ import annotations

import pytest

from appliance.forensics.messages.lines import lines_of
from appliance.forensics.messages.prefixes import unwrapped


@pytest.mark.parametrize(
    ("rows", "start", "texts", "done"),
    [
        (["X", "a: b", "", "c"], 0, ["X", "a: b", "", "c"], ()),
        (["  X", "  a: b", "", "  c"], 2, ["X", "a: b", "", "c"], ("indentation",)),
        (["  X", "a: b", "", "c"], 2, ["X", "a: b", "", "c"], ("indentation",)),
        (["> X", "> a: b", ">", "> c", "d"], 2, ["X", "a: b", "", "c"], ("quoting",)),
        (["1: X", "2: a: b", "10:", "11: c", "d"], 3, ["X", "a: b", "", "c"], ("log prefixes",)),
        (["1: X", "   a: b", "", "   c"], 3, ["X", "a: b", "", "c"], ("log prefixes",)),
        (["1: X", "a: b", "", "c", "2: d"], 3, ["X", "a: b", "", "c"], ("log prefixes",)),
        (["> X", "> a: b", ">  c"], 2, ["X", "a: b", " c"], ("quoting",)),
    ],
)
def test_what_stands_before_each_line_is_taken_away(
    rows: list[str], start: int, texts: list[str], done: tuple[str, ...]
) -> None:
    found = unwrapped(lines_of("\n".join(rows).encode()), start)
    assert found is not None
    assert [line.text.decode() for line in found.lines] == texts
    assert found.done == done


@pytest.mark.parametrize(
    ("rows", "start"),
    [(["X"], 0), (["X", "no header"], 0), (["see X", "hello"], 4), (["aX", "b: c"], 1)],
)
def test_without_a_header_behind_it_a_line_begins_no_message(rows: list[str], start: int) -> None:
    assert unwrapped(lines_of("\n".join(rows).encode()), start) is None
