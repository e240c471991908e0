"""The table: a row for each flow, its countdown, and what is left when it is gone."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.journal.events import SettingChanged
from tests.tui.rows import HOLE, dropped, expired, opened, shown, table
from tests.tui.stories import (
    AUDIO,
    PBX,
    PHONE,
    flow,
    flow_in_version_6,
    in_version_6,
)
from tui.draw.translations import cells, duration, explain, fitted, layout, line
from tui.endpoint import address_of


def test_a_flow_is_a_row_with_its_three_endpoints_and_what_is_left_of_it() -> None:
    assert shown(table(flow(), AUDIO)) == [
        "udp 192.168.20.100:5060 :5060 203.0.113.9:5060 pkt ▓▓▓▓▓ 288s 6/5",
        "udp 192.168.20.100:4000 :4000 203.0.113.9:10000 pkt ▓▓▓▓▓ 120s 498/0",
    ]


def test_the_bar_shrinks_between_two_snapshots() -> None:
    made = table(flow())
    assert "▓▓▓░░ 188s" in shown(made, 200.0)[0]
    assert "░░░░░ 3s !" in shown(made, 385.0)[0]


def test_a_refused_packet_shows_on_the_row_that_it_was_meant_for() -> None:
    """For three seconds in the place of its time and counts, and for twenty in a sentence."""
    made = table(flow())
    made.fold(dropped("host-unanswered-limit", 100.0))

    def row(now: float) -> str:
        made.take([flow()], [], now)
        rows = made.rows()
        return line(rows[0], now, layout(rows, 100), selected=False).plain.rstrip()

    assert row(101.0).endswith("pkt ✗ host-unanswered-limit")
    assert row(105.0).endswith("6/5")
    said = explain(made.rows()[0], 105.0, str)
    assert said[-1] == "A packet of 198.51.100.7:9 was refused 5s ago: It is not let in."
    assert "refused" not in explain(made.rows()[0], 121.0, str)[-1]


def test_a_changed_timeout_rescales_the_bars() -> None:
    made = table(flow())
    made.fold(SettingChanged(key="nat.timeouts.udp", old=300.0, new=30.0, who="screen"))
    made.take([flow(expires_in=30.0)], [], 101.0)
    assert "▓▓▓▓▓ 30s" in shown(made, 101.0)[0]


def test_a_row_without_a_timer_has_no_end() -> None:
    assert "no end" in shown(table(flow(expires_in=None)))[0]
    assert shown(table(flow(expires_in=None, state="recorded")))[0].split()[-2:] == ["?", "?"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9, "0s"), (59.2, "59s"), (999.0, "999s"), (3600.0, "60m"), (7440.0, "2h4m")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def called(endpoint: str) -> str:
    return {"192.168.20.100": "alice", "203.0.113.9": "pbx"}[address_of(endpoint)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "A packet of alice opened this. 203.0.113.9:5060 sees 192.168.20.100:5060 as"),
        (
            {"state": "unanswered"},
            "so the short timer runs: it ends in 288s",
        ),
        ({"opened_by": "alg"}, "The ALG opened this for a message."),
        ({"opened_by": "static", "expires_in": None}, "A 1:1 rule of the configuration made this."),
        ({"expires_in": None}, "It has no timer."),
        ({"hint": "Nobody reads it"}, "reaches nobody. Nobody reads it."),
        (
            {"expires_in": None, "state": "recorded"},
            "Its timer and its packets are in no recording.",
        ),
    ],
)
def test_a_row_explains_itself(change: dict[str, Any], said: str) -> None:
    assert said in " ".join(explain(table(flow(**change)).rows()[0], 100.0, called))


def test_a_flow_knows_when_it_was_opened() -> None:
    made = table()
    made.fold(opened(7.5))
    made.take([flow()], (), 100.0)
    said = explain(made.rows()[0], 100.0, called)
    assert said[0].startswith("A packet of alice opened this at 7.500 s.")


def test_a_hole_and_a_ghost_explain_themselves() -> None:
    made = table(flow(), holes=(HOLE,))
    made.fold(expired(101.0))
    ghost, hole = made.rows()
    assert explain(ghost, 103.0, called) == [
        "This flow ended 2s ago (expired).",
        "What pbx sends to :5060 now reaches alice no more.",
    ]
    assert "lets 203.0.113.9:* send to :4000" in explain(hole, 103.0, called)[0]


LONG = {"internal": "192.168.200.100:65535", "remote": "198.51.100.100:65535"}


@pytest.mark.parametrize(
    ("room", "change", "missing"),
    [
        (80, {}, set()),
        (120, LONG, set()),
        (80, LONG, {"bars"}),
        (75, {}, {"bars"}),
        (68, {}, {"bars", "proto"}),
        (68, LONG, {"bars", "proto", "by"}),
        (80, LONG | {"packets_out": 99_999, "packets_in": 99_999}, {"bars"}),
    ],
)
def test_what_has_no_room_is_left_out_and_nothing_is_cut(
    room: int, change: dict[str, Any], missing: set[str]
) -> None:
    """An endpoint without its last digit would be another endpoint."""
    rows = table(flow(**change)).rows()
    chosen = layout(rows, room)
    drawn = cells(rows[0], 100.0, chosen.bars)
    shown = {"proto", "internal", "external", "remote", "by", "left", "pkts"} - missing
    assert set(chosen.widths) == shown
    assert chosen.bars is ("bars" not in missing)
    assert sum(chosen.widths.values()) <= room
    assert all(len(drawn[name]) < width for name, width in chosen.widths.items())


def test_where_there_is_no_room_at_all_the_endpoints_are_what_stays() -> None:
    assert list(layout(table(flow()).rows(), 20).widths)[:3] == ["internal", "external", "remote"]


def test_columns_do_not_shrink_while_rows_come_and_go() -> None:
    """Else the table would jump whenever its longest row goes."""
    wide = layout(table(flow(**LONG)).rows(), 120)
    assert layout(table(flow()).rows(), 120, wide) == wide
    assert layout(table(flow()).rows(), 80, wide) == layout(table(flow(**LONG)).rows(), 80)


def test_a_ghost_fits_into_the_column_of_countdowns() -> None:
    made = table(flow())
    made.fold(expired(101.0))
    assert " gone 6/5" in shown(made, 107.0, bars=False)[0]


@pytest.mark.parametrize(
    ("packets", "text"), [(99_999, "99999/5"), (100_000, "100k/5"), (1_418_610, "1418k/5")]
)
def test_many_packets_are_counted_in_thousands(packets: int, text: str) -> None:
    assert shown(table(flow(packets_out=packets)))[0].endswith(text)


def test_two_endpoints_of_version_6_lose_their_middle_where_they_do_not_fit() -> None:
    rows = table(flow_in_version_6(flow()), flow(2)).rows()
    chosen = layout(rows, 80)
    assert sum(chosen.widths.values()) <= 80
    drawn = fitted(rows[0], 100.0, chosen)
    for name in ("internal", "remote"):
        assert len(drawn[name]) < chosen.widths[name]
        assert drawn[name].plain.startswith("[2001:")
        assert drawn[name].plain.endswith("]:5060")
    assert drawn["external"].plain == ":5060"
    assert fitted(rows[1], 100.0, chosen)["internal"].plain == PHONE
    assert fitted(rows[0], 100.0, layout(rows, 200))["remote"].plain == in_version_6(PBX)
