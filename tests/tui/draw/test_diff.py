"""A message before and after: what changed, what should have, and why."""

from __future__ import annotations

import random

import pytest

from appliance.journal.events import Change, MessagePassed
from tests.tui.stories import INVITE, binary_answer, changes, dns_answer, invite, message
from tui.draw.blocks import LINES_SHOWN, is_explained
from tui.draw.diff import (
    MANY,
    ROWS_SHOWN,
    Options,
    Stress,
    counts,
    heading,
    heads,
    rows,
    sheet,
    title,
)
from tui.draw.lines import Style, plain

WIDE = 116
NARROW = 80


def text(*lines: str) -> list[str]:
    return [line.rstrip() for line in lines]


def test_80_columns_hold_two_panes_of_38_with_the_reasons_beneath() -> None:
    split = Options(unified=False)
    drawn = plain(heading(invite("sip"), NARROW, split) + rows(invite("sip"), NARROW, split))
    assert drawn[:6] == text(
        "  BEFORE inside from 192.168.20.100:5060│ AFTER outside from 203.0.113.1:5060",
        "= INVITE sip:bob@203.0.113.9 SIP/2.0    │ INVITE sip:bob@203.0.113.9 SIP/2.0",
        "~ Via: SIP/2.0/UDP «192.168.20.100:5060»│ Via: SIP/2.0/UDP «203.0.113.1:5060»;br",
        "  ;branch=z9hG4bK77ef                   │ anch=z9hG4bK77ef",
        "  └─ OK via.sent-by  Answers must come back.                     RFC 3261 18.2.2",
        "  … 5 unchanged lines",
    )
    assert max(map(len, drawn)) <= NARROW


def test_a_line_that_should_have_changed_says_what_to() -> None:
    drawn = plain(rows(invite("off"), WIDE))
    at = drawn.index("! c=IN IP4 192.168.20.100".ljust(58) + "│ c=IN IP4 192.168.20.100")
    assert drawn[at + 1].startswith(
        "  └─ MISSED sdp.c  should be 203.0.113.1. The peer will send audio to an address"
    )


def test_the_expected_line_stands_beneath_what_left() -> None:
    drawn = plain(rows(invite("off"), WIDE, Options(expected=True)))
    assert "? a correct ALG writes here:".ljust(58) + "│ c=IN IP4 «203.0.113.1»" in drawn


def test_unified_shows_before_and_after_one_below_the_other() -> None:
    drawn = plain(rows(invite("sip"), NARROW))
    at = drawn.index("- c=IN IP4 «192.168.20.100»")
    assert drawn[at + 1] == "+ c=IN IP4 «203.0.113.1»"
    assert "! c=IN IP4 192.168.20.100" in plain(rows(invite("off"), NARROW))


def test_the_form_follows_the_width_unless_one_is_asked_for() -> None:
    for width, unified, split in ((80, None, False), (118, None, True), (80, False, True)):
        drawn = plain(rows(invite("sip"), width, Options(unified=unified)))
        assert any("│" in row for row in drawn) is split, (width, unified)


def test_the_rule_stands_at_the_right_margin_and_takes_a_row_only_where_it_must() -> None:
    drawn = plain(rows(invite("sip"), 120))
    (row,) = [row for row in drawn if "contact.host" in row]
    assert (len(row), row.endswith("  RFC 3261 8.1.1.8")) == (120, True)
    narrow = plain(rows(invite("off"), 75))
    at = next(at for at, row in enumerate(narrow) if "sdp.o" in row)
    assert narrow[at + 1].strip() == "RFC 8866 5.2"


def test_one_field_is_selected_one_decides_and_the_others_are_faint() -> None:
    drawn = sheet(invite("off"), WIDE, stress=Stress(0, "sdp.c", True))
    via = next(line for line in drawn.lines if "via.sent-by" in line.plain)
    cause = next(line for line in drawn.lines if "sdp.c" in line.plain)
    assert via.plain.startswith("▸ └─ MISSED via.sent-by")
    assert cause.plain.startswith("  └─ MISSED CAUSE sdp.c")
    assert via.spans[1].style is Style.FAINT
    assert cause.spans[1].style is Style.BAD
    first, last = drawn.span_of(0) or (0, 0)
    assert (drawn.lines[first].plain[:5], drawn.lines[last]) == ("! Via", via)


def test_in_few_words_only_the_selected_field_and_the_deciding_one_have_reasons() -> None:
    drawn = plain(rows(invite("off"), WIDE, Options(terse=True), Stress(0, "sdp.c", True)))
    assert [row.split()[2:4] for row in drawn if "└─" in row] == [
        ["MISSED", "via.sent-by"],
        ["CAUSE", "sdp.c"],
    ]


def test_a_sheet_begins_with_no_second_half_of_a_sentence() -> None:
    drawn = sheet(invite("off"), 60)
    starts = {drawn.lines[row].plain[:4].strip() for row in drawn.starts()}
    assert "" not in starts


def test_unchanged_lines_are_folded_unless_asked_for() -> None:
    folded, whole = (plain(rows(invite(), WIDE, Options(unchanged=on))) for on in (False, True))
    assert "  … 5 unchanged lines" in folded
    assert not any("unchanged lines" in row for row in whole)
    assert sum("Max-Forwards: 70" in row for row in whole) == 1


def test_a_message_that_needs_no_change_is_shown_whole_and_says_so() -> None:
    ringing = "SIP/2.0 180 Ringing\r\nContent-Length: 0\r\n\r\n"
    drawn = plain(rows(message(ringing, "180 Ringing", "in"), WIDE))
    assert any("Content-Length: 0" in row for row in drawn)
    assert "no field of this message" in drawn[-1]


def test_before_and_after_say_which_wire_and_whose_address() -> None:
    assert heads(invite()) == (
        "BEFORE inside from 192.168.20.100:5060",
        "AFTER outside from 203.0.113.1:5060",
    )
    assert heads(message("x", "", "in")) == (
        "BEFORE outside to 203.0.113.1:5060",
        "AFTER inside to 192.168.20.100:5060",
    )
    assert heads(message("x", "", "in", verdict="dropped"))[1] == "DROPPED"


def test_counts_tell_what_was_done_and_what_was_left_undone() -> None:
    assert counts(invite("sip")) == "5 rewritten"
    assert counts(invite("off")) == "5 missed"
    assert counts(message("x", "", "in")) == "unchanged"


def test_a_silent_edit_is_drawn_as_one() -> None:
    """Promise 2: no silent edit. A module that breaks it is shown breaking it."""
    event = invite("sip")
    event.after = event.after.replace("Max-Forwards: 70", "Max-Forwards: 69")
    assert not is_explained(event)
    drawn = plain(rows(event, WIDE))
    assert any("Max-Forwards: 70" in row and "Max-Forwards: 69" in row for row in drawn)
    assert drawn[-1].startswith("! SILENT EDIT")


def test_a_message_of_32000_lines_costs_one_screenful() -> None:
    event = message("\n" * 32_000, "", "in")
    drawn = rows(event, WIDE)
    assert len(drawn) < LINES_SHOWN + 10
    assert any("more lines" in line.plain for line in drawn)


def test_hostile_bytes_stay_pictures() -> None:
    event = message("INVITE \x1b]52;c;eA==\x07 [@click=app.quit]z[/]\r\n", "\x1b[2J", "out")
    drawn = "".join(plain(rows(event, WIDE)))
    assert "\x1b" not in drawn
    assert "\x07" not in drawn
    assert "[@click=app.quit]z[/]" in drawn


def test_the_story_s_changes_fit_its_message() -> None:
    for change in changes("sip"):
        assert INVITE[slice(*change.span)] == change.before


# --- messages that are no text ----------------------------------------------------------------


def test_80_columns_hold_two_dumps_of_eight_bytes_with_the_values_beneath() -> None:
    event, split = binary_answer(), Options(unified=False)
    assert plain(heading(event, NARROW, split) + rows(event, NARROW, split)) == text(
        "  BEFORE outside to 203.0.113.1:5060    │ AFTER inside to 192.168.20.100:5060",
        "= 0000 12 34 81 80 00 01 00 02 ·4······ │ 0000 12 34 81 80 00 01 00 02 ·4······",
        "  … 32 unchanged bytes",
        "~ 0028 00 0e 10 00 04«c6 33 64»······3d │ 0028 00 0e 10 00 04«cb 00 71»·······q",
        "  0030«07»c0 0c 00 01 00 01 00 ········ │ 0030«07»c0 0c 00 01 00 01 00 ········",
        "  └─ OK answer[0].address  198.51.100.7 -> 203.0.113.7. The client cannot reach",
        "                           the address that the server knows.           RFC 2694",
        "~ 0038 00 0e 10 00 04«c6 33 64»······3d │ 0038 00 0e 10 00 04«cb 00 71»·······q",
        "  0040«08»                     ·        │ 0040«08»                     ·",
        "  └─ OK answer[1].address  198.51.100.8 -> 203.0.113.8. The client cannot reach",
        "                           the address that the server knows.           RFC 2694",
    )


def test_a_wide_column_holds_sixteen_bytes() -> None:
    unified = plain(rows(binary_answer(), NARROW, Options(unified=True)))
    row = "- 0020 01 c0 0c 00 01 00 01 00 00 0e 10 00 04«c6 33 64»··············3d"
    assert row in unified
    assert any(
        line.startswith(f"~{row[1:]}".ljust(80)) for line in plain(rows(binary_answer(), 160))
    )


def test_bytes_that_should_have_changed_stand_between_exclamation_marks() -> None:
    drawn = plain(rows(binary_answer("off"), 120))
    assert any(" 04!c6 33 64!" in row and row.startswith("!") for row in drawn)
    assert any("MISSED answer[0].address  198.51.100.7 should be 203.0.113.7." in r for r in drawn)


def test_a_wrong_value_is_set_beside_the_right_one() -> None:
    drawn = plain(rows(binary_answer("poor"), 120, Options(expected=True)))
    said = "WRONG answer[0].address  198.51.100.7 -> 10.0.0.1, should be 203.0.113.7."
    assert any(said in row for row in drawn)
    assert any("a correct ALG writes here:" in row and "04«cb 00 71»" in row for row in drawn)


def test_over_tcp_the_length_is_part_of_the_dump() -> None:
    first = plain(rows(binary_answer("dns", "tcp"), NARROW))[0]
    assert first.startswith("= 0000 00 41 12 34")


def test_a_message_whose_protocol_has_words_is_drawn_in_them() -> None:
    """A record a line; what was changed stands between signs, as in any text."""
    drawn = plain(rows(dns_answer("poor"), NARROW, Options(unified=True)))
    assert drawn[2:4] == [
        "- www.example.com. 3600 IN A «198.51.100.7»",
        "+ www.example.com. 3600 IN A «10.0.0.1»",
    ]
    assert "WRONG answer[0].address  should be 203.0.113.7." in drawn[4]


def test_a_change_without_a_reason_is_looked_for_in_the_bytes() -> None:
    event = dns_answer()
    event.changes = event.changes[:1]
    drawn = plain(rows(event, NARROW, Options(unified=True)))
    assert "SILENT EDIT" in drawn[-1]
    assert any(row.startswith("- 0020") for row in drawn)


def test_what_is_not_of_its_protocol_is_called_so() -> None:
    event = dns_answer()
    event.summary = ""
    assert title(event, 3).plain == "message 3 (not DNS) · 2 rewritten"


def test_replies_of_many_lines_are_lines() -> None:
    """RFC 959 4.2: a reply may have several lines; ends of lines are part of no field."""
    reply = "227-Passive\r\n227 Entering Passive Mode (192,168,20,100,16,0)\r\n"
    at = reply.index("192")
    span = at, at + len("192,168,20,100,16,0")
    after = "203,0,113,1,16,0"
    change = Change("227", span, reply[slice(*span)], after, None, "ok", "p", "Why.", "")
    drawn = plain(rows(message(reply, "227", "out", changes=[change]), 116))
    assert any("Mode («192,168,20,100,16,0»)" in row for row in drawn)
    assert drawn[0].startswith("= 227-Passive")


def test_of_many_changes_each_reason_is_said_once() -> None:
    drawn = plain(rows(with_changes("\0" * 60_000, MANY + 10), 160))
    assert sum("Because of it." in row for row in drawn) == 1
    assert sum("(as above)" in row for row in drawn) == MANY + 9
    few = plain(rows(with_changes("\0" * 60_000, MANY), 160))
    assert sum("Because of it." in row for row in few) == MANY


def with_changes(content: str, count: int, length: int = 4) -> MessagePassed:
    step = len(content) // count
    made = [
        Change(
            f"f[{number}]",
            (number * step, number * step + length),
            content[number * step : number * step + length],
            "\1\2\3\4",
            "\1\2\3\5",
            "wrong",
            "f",
            "Because of it.",
            "RFC 1",
        )
        for number in range(count)
    ]
    return message(content, "", "in", changes=made)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["\0" * 60_000, "\n" * 60_000, "x" * 60_000])
@pytest.mark.parametrize("options", [Options(), Options(True, True), Options(True, True, True)])
def test_60_000_bytes_with_200_changes_cost_a_bounded_number_of_rows(
    content: str, options: Options
) -> None:
    drawn = rows(with_changes(content, 200), NARROW, options)
    assert len(drawn) <= 2 * ROWS_SHOWN


def test_100_changes_in_60_000_bytes_are_all_in_sight_and_the_rest_is_folded() -> None:
    drawn = plain(rows(with_changes("\0" * 60_000, 100), NARROW))
    assert sum("WRONG f[" in row for row in drawn) == 100
    assert "  … 592 unchanged bytes" in drawn


def test_what_has_no_room_is_counted() -> None:
    drawn = plain(rows(with_changes("\n" * 60_000, 200), NARROW))
    shown = sum("WRONG f[" in row for row in drawn)
    assert drawn[-1] == f"  … {200 - shown} more changes"


def test_nothing_raises_and_nothing_foreign_passes_whatever_an_event_says() -> None:
    """Events may come from a recording that somebody else wrote."""
    die = random.Random(7)
    alphabet = ["\r", "\n", "\r\n", "\0", "\x1b[2J", "\xff", "\u202e", "\u738b", "a", "[b]"]
    for _ in range(400):
        contents = ["".join(die.choices(alphabet, k=die.randrange(60))) for _ in range(2)]
        event = message(contents[0], "", die.choice(["in", "out"]))
        event.after = die.choice(contents)
        event.verdict = die.choice(["rewritten", "unchanged", "opaque", "malformed", "dropped"])
        event.source = die.choice(["", "[2001:db8::1]:5", ":" * 50, "\x1b"])
        for _change in range(die.randrange(5)):
            values = ("".join(die.choices(alphabet, k=die.randrange(9))) for _ in range(4))
            field, before, after, expected = values
            span = die.randrange(-9, 99), die.randrange(-9, 99)
            verdict = die.choice(["ok", "missed", "wrong", "broken", "info", "\x1b"])
            event.changes.append(
                Change(field, span, before, after, expected, verdict, "", "\x1b \u202e", "\0")
            )
        options = Options(*(die.random() < 0.5 for _ in range(4)))
        width = die.choice([1, 20, 38, 80, 200])
        for line in heading(event, width, options) + rows(event, width, options):
            assert line.plain.isprintable()
