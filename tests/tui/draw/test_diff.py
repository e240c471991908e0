"""A message before and after: what changed, what should have, and why."""

from __future__ import annotations

from appliance.journal.events import Change
from tests.tui.stories import INVITE, changes, invite, message
from tui.draw.blocks import LINES_SHOWN, is_explained
from tui.draw.diff import Options, counts, heading, heads, rows
from tui.draw.lines import plain

WIDE = 116
NARROW = 80


def text(*lines: str) -> list[str]:
    return [line.rstrip() for line in lines]


def test_80_columns_hold_two_panes_of_38_with_the_reasons_beneath() -> None:
    drawn = plain(heading(invite("sip"), NARROW) + rows(invite("sip"), NARROW))
    assert drawn[:6] == text(
        "  BEFORE inside from 192.168.20.100:5060│ AFTER outside from 203.0.113.1:5060",
        "= INVITE sip:bob@203.0.113.9 SIP/2.0    │ INVITE sip:bob@203.0.113.9 SIP/2.0",
        "~ Via: SIP/2.0/UDP «192.168.20.100:5060»│ Via: SIP/2.0/UDP «203.0.113.1:5060»;br",
        "  ;branch=z9hG4bK77ef                   │ anch=z9hG4bK77ef",
        "  └─ OK via.sent-by  Answers must come back. RFC 3261 18.2.2",
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
    drawn = plain(rows(invite("sip"), NARROW, Options(unified=True)))
    at = drawn.index("- c=IN IP4 «192.168.20.100»")
    assert drawn[at + 1] == "+ c=IN IP4 «203.0.113.1»"
    assert "! c=IN IP4 192.168.20.100" in plain(rows(invite("off"), NARROW, Options(unified=True)))


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
