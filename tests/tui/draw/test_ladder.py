"""The call as a ladder, as text."""

from __future__ import annotations

from appliance.journal.events import Change, MessageDiscarded, SettingChanged
from tests.tui.rows import refused
from tests.tui.stories import (
    VERSION_6,
    event_in_version_6,
    invite,
    media,
    message,
    one_way_audio,
    started,
)
from tests.tui.test_model import told
from tui.draw.ladder import SHOWN, entries, heading, place_of, rows, rungs
from tui.draw.lines import plain


def test_the_ladder_of_one_way_audio() -> None:
    story = told(*one_way_audio())
    assert plain([heading(story, 78, 1), *rows(story, 78, 1)]) == [
        "        alice                     NAT                      bob",
        "▸   1.000 │──INVITE (SDP)─────────►◇───────────────────────►│  5 missed",
        "    1.021 │◄──100 Trying (INVITE)──◇────────────────────────│",
        "    1.310 │◄──180 Ringing (INVITE)─◇────────────────────────│",
        "    3.480 │◄──200 OK (INVITE)──────◇────────────────────────│",
        "    3.501 │──ACK──────────────────►◇───────────────────────►│",
        "   12.000 │═ RTP 498/498 ═════════►║═══════════════════════►│  heard",
        "   12.000 │ LOST                   │✗◄ RTP 0/496 ┄┄┄┄┄┄┄┄┄┄┄│",
        "                                                 ✗ no route to 192.168.20.100",
    ]


def test_a_narrow_pane_keeps_the_verdicts_and_spares_the_way_beyond_the_nat() -> None:
    drawn = plain(rows(told(*one_way_audio()), 52, selected=1))
    assert drawn[0] == "▸   1.000 │──INVITE (SDP)───────►◇──────►│  5 missed"
    assert drawn[3] == "    3.480 │◄──200 OK (INVITE)────◇───────│"


def test_a_very_narrow_pane_spares_the_notes() -> None:
    drawn = plain(rows(told(*one_way_audio()), 40, selected=1))
    assert drawn[0] == "▸   1.000 │──INVITE────►◇─────────────►│"
    assert {len(row) for row in drawn[:5]} == {40}


def test_what_became_of_a_message_ends_its_row_or_stands_whole_in_the_next() -> None:
    """Whoever reads the ladder alone must not take what was thrown away for what arrived."""
    story = told(
        invite(),
        MessageDiscarded(party="pbx", summary="INVITE", reason="400 bad m=", cause=5),
        message("x", "200 OK (INVITE)", "in", number=8),
        MessageDiscarded(
            party="alice", summary="200 OK (INVITE)", reason="not her Call-ID", cause=8
        ),
    )
    drawn = [row.split("│")[-1].strip() for row in plain(rows(story, 110, None))]
    assert drawn == ["✗ refused by pbx: 400 bad m=", "", "✗ discarded by alice: not her Call-ID"]
    short = plain(rows(story, 60, None))
    assert [row.strip() for row in short if row.strip().startswith("✗")] == [
        "✗ refused by pbx: 400 bad m=",
        "✗ discarded by alice: not her Call-ID",
    ]
    assert [rung.place for rung in rungs(story, 60, None)] == [0, 0, 1, 1]


def test_a_wide_pane_has_room_for_every_verdict() -> None:
    verdicts = ("ok", "wrong", "missed", "broken")
    changes = [Change("f", (0, 1), "a", "b", "c", each, "f", "r", "") for each in verdicts]
    drawn = plain(rows(told(message("x", "INVITE", "out", changes=changes)), 100, None))
    assert drawn[0].endswith("│  1 ok 1 wrong 1 missed 1 broken")


def test_the_mark_counts_rewritten_fields() -> None:
    drawn = plain(rows(told(invite("sip")), 78, None))
    assert "►◆5─" in drawn[0]
    assert drawn[0].endswith("5 ok")


def test_a_dropped_message_stops_at_the_nat() -> None:
    drawn = plain(
        rows(
            told(
                message("x", "BYE", "out", verdict="dropped"),
                message("x", "BYE", "in", verdict="dropped"),
            ),
            40,
            None,
        )
    )
    assert drawn[0].endswith("│──BYE───────►✗              │")
    assert drawn[1].endswith("│             ✗◄─────────────│")


def test_what_the_nat_refuses_has_a_row_that_ends_in_the_reason() -> None:
    """One for all that was sent again; on the side on which it came, and hidden from who predicts.
    What a module refused has been told of as a message."""
    story = told(
        refused("INVITE", "c1"),
        refused("INVITE", "c1"),
        refused("INVITE", "c2"),
        refused("200 OK (INVITE)", "c2", "inside"),
        refused("INVITE", "c2", reason="refused-by-alg"),
        refused("", ""),
    )
    assert plain(rows(story, 78, None)) == [
        "    1.000 │                        ✗◄──INVITE ×2────────────│  ✗ no-mapping",
        "    1.000 │                        ✗◄──INVITE───────────────│  ✗ no-mapping",
        "    1.000 │──200 OK (INVITE)──────►✗                        │  ✗ no-mapping",
    ]
    assert len(rungs(story, 78, None, call="c1")) == 1
    assert rungs(story, 78, None, judged=False) == []


def test_what_is_not_sip_is_called_so() -> None:
    told_so = told(
        message("\x00", "", "out", verdict="opaque"), message("x", "", "out", verdict="malformed")
    )
    drawn = plain(rows(told_so, 48, None))
    assert "not SIP" in drawn[0]
    assert "SIP?" in drawn[1]


def test_audio_that_goes_out_and_is_lost_is_dotted_beyond_the_nat() -> None:
    story = told(started(), invite(), media("alice", "bob", 0))
    assert plain(rows(story, 40, None))[1].endswith("►║┄┄┄┄┄┄┄┄┄┄┄┄┄✗│")


def test_what_somebody_outside_says_to_a_user_of_a_pbx_inside_comes_in() -> None:
    """The user has no host of that name; the one outside has."""
    story = told(started(), invite(), media("bob", "carol", 0), media("carol", "bob", 498))
    _, said, _, answered = plain(rows(story, 40, None))
    assert " LOST" in said
    assert answered.endswith("►│")


def test_before_it_is_judged_nothing_tells_how_it_went() -> None:
    story = told(
        *one_way_audio(), MessageDiscarded(party="bob", summary="INVITE", reason="why", cause=5)
    )
    drawn = [rung.line.plain.rstrip() for rung in rungs(story, 78, 1, judged=False)]
    assert len(drawn) == 5
    assert not any(word in row for row in drawn for word in ("missed", "RTP", "✗", "discarded"))


def test_a_turned_knob_stands_between_the_messages() -> None:
    story = told(
        invite(), SettingChanged(t=5.0, key="alg.sip.module", old="off", new="sip", who="screen")
    )
    assert "ALG: off > sip" in plain(rows(story, 48, None))[1]


def test_a_long_story_is_drawn_around_the_selected_message() -> None:
    story = told(*(message("x", f"OPTIONS {n}", "out") for n in range(SHOWN * 3)))
    drawn = plain(rows(story, 78, 10))
    assert len(drawn) == SHOWN
    assert drawn[place_of(entries(story, 10), 10)].startswith("▸")
    assert f"OPTIONS {SHOWN * 3 - 1}" in plain(rows(story, 78, None))[-1]


def test_hosts_without_a_name_are_called_by_their_whole_address() -> None:
    event = event_in_version_6(invite())
    head = heading(told(event), 120, 1).plain
    assert "2001:db8:20:aaaa:bbbb:cccc:dddd:100" in head
    assert "2001:db8:113:1111:2222:3333:4444:9" in head
    assert " NAT " in head


def test_in_a_narrow_pane_a_long_address_loses_its_middle() -> None:
    head = heading(told(event_in_version_6(invite())), 48, 1).plain
    assert head.split()[0].startswith("2001:")
    assert head.split()[0].endswith(":100")
    assert head.split()[1] == "NAT"
    assert head.split()[2].endswith(":9")


def test_audio_of_hosts_with_ipv6_addresses_goes_the_right_way() -> None:
    inside, outside = VERSION_6["192.168.20.100"], VERSION_6["203.0.113.9"]
    story = told(event_in_version_6(invite()), media(inside, outside, 498))
    assert plain(rows(story, 40, None))[1].endswith("►║═════════════►│")
