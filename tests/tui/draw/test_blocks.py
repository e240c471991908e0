"""A message in blocks of rows: which rows belong together, which are folded, and what a silent edit
looks like."""

from __future__ import annotations

import random

import pytest

from appliance.journal.events import Change, MessagePassed
from appliance.journal.rows import ByteRows, TextLines
from tests.tui.stories import dns_answer, invite, message
from tui.draw.blocks import LINES_SHOWN, Block, Folded, blocks, cut_for, is_explained
from tui.draw.lines import plain


def all_of(event: MessagePassed, unchanged: bool = True) -> list[Block | Folded]:
    return list(blocks(event, cut_for(event, 16), is_explained(event), unchanged))


def only_blocks(event: MessagePassed) -> list[Block]:
    return [item for item in all_of(event) if isinstance(item, Block)]


def folded(event: MessagePassed) -> list[str]:
    return [item.said for item in all_of(event, False) if isinstance(item, Folded)]


def edit(start: int, end: int, before: str, after: str) -> Change:
    return Change("via", (start, end), before, after, None, "ok", "via", "why", "")


def test_sip_is_cut_into_lines_and_dns_into_bytes() -> None:
    assert isinstance(cut_for(invite(), 16), TextLines)
    assert isinstance(cut_for(dns_answer(), 16), ByteRows)
    assert isinstance(cut_for(dns_answer(transport="tcp"), 16), ByteRows)


def test_text_that_became_binary_is_cut_into_bytes_on_both_sides() -> None:
    event = message("INVITE", "", "out")
    event.after = "\0\1\2"
    assert isinstance(cut_for(event, 16), ByteRows)


def test_an_edit_that_makes_two_lines_of_one_stays_beside_its_line() -> None:
    text_before = "INVITE x\r\nVia: a\r\nTo: b\r\n"
    change = edit(10, 16, "Via: a", "Via: n\r\nVia: a")
    event = message(text_before, "INVITE", "out", changes=[change])
    block = next(block for block in only_blocks(event) if block.changes)
    assert plain(block.after) == ["«Via: n", "Via: a»"]


def test_an_edit_across_lines_keeps_them_together() -> None:
    text_before = "INVITE x\r\nVia: a\r\nTo: b\r\nl: 0"
    change = edit(10, 23, "Via: a\r\nTo: b", "To: c")
    event = message(text_before, "INVITE", "out", changes=[change])
    assert is_explained(event)
    assert plain(only_blocks(event)[1].before) == ["«Via: a", "To: b»"]
    assert plain(only_blocks(event)[2].before) == ["l: 0"]


@pytest.mark.parametrize("text", ["", "230 in\r\n", "230 in", "\0" * 16])
def test_what_is_put_in_at_the_very_end_is_shown(text: str) -> None:
    event = message(text, "", "in", changes=[edit(len(text), len(text), "", "END")])
    assert is_explained(event)
    last = only_blocks(event)[-1]
    assert last.changes
    assert plain(last.after)[-1].endswith("END") or "«END»" in plain(last.after)[-1]


def test_a_change_in_two_rows_of_bytes_keeps_them_together() -> None:
    block = only_blocks(dns_answer())[-1]
    assert plain(block.before) == [
        "0020 01 c0 0c 00 01 00 01 00 00 0e 10 00 04«c6 33 64»··············3d",
        "0030«07»c0 0c 00 01 00 01 00 00 0e 10 00 04«c6 33 64»··············3d",
        "0040«08»                                             ·",
    ]


def test_rows_behind_a_longer_value_have_another_offset_after() -> None:
    event = message("\0" * 64, "", "in", changes=[edit(4, 4, "", "\1\2")])
    last = only_blocks(event)[-1]
    assert (last.before[0].plain[:4], last.after[0].plain[:4]) == ("0030", "0032")
    assert not last.differs


def test_the_rest_is_folded_and_counted() -> None:
    assert folded(invite()) == ["5 unchanged lines", "4 unchanged lines"]
    far = message("\0" * 60_000, "", "in", changes=[edit(40_000, 40_004, "\0" * 4, "\1" * 4)])
    assert folded(far) == ["39984 unchanged bytes", "19984 unchanged bytes"]


def test_many_unchanged_rows_are_shown_up_to_a_bound() -> None:
    found = all_of(message("\0" * 60_000, "", "in", changes=[edit(0, 1, "\0", "\1")]))
    assert len(found) == 1 + LINES_SHOWN + 1
    assert found[-1] == Folded(f"{60_000 - 16 * (LINES_SHOWN + 1)} more bytes")


def test_many_changes_are_shown_up_to_a_bound() -> None:
    changes = [edit(at, at + 1, "\0", "\1") for at in range(0, 60_000, 100)]
    found = all_of(message("\0" * 60_000, "", "in", changes=changes), False)
    assert sum(isinstance(item, Block) and bool(item.changes) for item in found) == LINES_SHOWN
    assert found[-1] == Folded("more changes, and more lines between them")


def test_one_change_of_many_rows_is_cut_and_says_so() -> None:
    for text in ("\0" * 60_000, "a\r\n" * 20_000):
        event = message(text, "", "in", changes=[edit(0, 60_000, text, "b")])
        (block,) = only_blocks(event)
        assert len(block.before) < LINES_SHOWN
        assert block.before[-1].plain == "…"


# --- silent edits -----------------------------------------------------------------------------


def silently(before: str, after: str) -> MessagePassed:
    event = message(before, "", "out")
    event.after = after
    return event


def test_a_silent_edit_of_a_byte_is_found_among_60_000() -> None:
    event = silently("\0" * 60_000, "\0" * 30_000 + "\1" + "\0" * 29_999)
    (block,) = (block for block in only_blocks(event) if block.differs)
    assert plain(block.before) == ["7530!00!" + "00 " * 15 + "·" * 16]
    assert plain(block.after) == ["7530!01!" + "00 " * 15 + "·" * 16]
    assert block.gutter == "!"


def test_a_silent_edit_in_the_last_of_many_lines_is_found() -> None:
    lines = "a: b\r\n" * 5_000
    (block,) = (
        block for block in only_blocks(silently(lines + "l: 0", lines + "l: 9")) if block.differs
    )
    assert (plain(block.before), plain(block.after)) == (["l: 0"], ["l: 9"])


def test_bytes_that_were_taken_away_leave_the_others_alone() -> None:
    before = "".join(map(chr, range(64)))
    event = silently(before, before[:20] + before[24:])
    differing = [block for block in only_blocks(event) if block.differs]
    assert [row[:4] for block in differing for row in plain(block.before)] == ["0010"]
    assert only_blocks(event)[-1].after[0].plain.startswith("002c 30 31")


@pytest.mark.parametrize("seed", range(10))
def test_two_texts_of_any_kind_can_be_compared(seed: int) -> None:
    """Nothing raises, and all that is in the message before stands in the blocks."""
    die = random.Random(seed)
    for _ in range(60):
        alphabet = die.choice(["a\r\n", "\0\xff\n", "ab\n"])
        before, after = (
            "".join(die.choice(alphabet) for _ in range(die.randrange(60))) for _ in range(2)
        )
        event = silently(before, after)
        cut = cut_for(event, 16)
        shown = [line for block in only_blocks(event) for line in block.before]
        assert len(shown) == (cut.count(before, 0, len(before)) if before else 0)


def test_the_bytes_of_a_line_are_read_as_the_characters_that_they_mean() -> None:
    """RFC 3261 25.1. A mark beside half of a character swallows nothing."""
    text = f"From: Jürgen Å{'.' * 80}\r\n".encode().decode("latin-1") + "\xc3\r\n"
    half = len(text) - 3
    change = edit(half, half + 1, "\xc3", "\xe3")
    first, second = only_blocks(message(text, "INVITE", "out", changes=[change]))
    rows = plain([*first.after, *second.before, *second.after])
    assert rows == [f"From: Jürgen Å{'.' * 80}", "«Ã»", "«ã»"]
