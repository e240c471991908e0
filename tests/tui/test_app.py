"""The screen as people use it: what stands on it, and what each key does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from appliance.journal.events import Event, SettingChanged
from tests.support.sweep import sampled
from tests.tui.reading import assert_golden, screen_of
from tests.tui.stories import (
    AUDIO,
    FakeFeed,
    dns_answer,
    ended,
    event_in_version_6,
    flow,
    flow_in_version_6,
    invite,
    message,
    one_way_audio,
    started,
    state,
)
from tests.tui.test_calls import WHY, document, row, silent
from tests.tui.test_points import way
from tui.app import GlassnatApp
from tui.faults import FaultRow
from tui.model import Frame
from tui.widgets.alg_menu import AlgMenu, Choices
from tui.widgets.help_screen import HelpScreen

NARROW, WIDE = (80, 24), (120, 36)
FAULTS = [
    FaultRow("no-sdp", "leaves bodies alone", "Nobody hears."),
    FaultRow("callid-oneway", "rewrites Call-ID one way"),
]
CHOICES = [Choices("sip", "RTP ports", "sip-poor", FAULTS)]


@asynccontextmanager
async def screen(
    size: tuple[int, int] = NARROW,
    events: Sequence[Event] | None = None,
    live: bool = False,
    choices: Sequence[Choices] = CHOICES,
) -> AsyncIterator[tuple[GlassnatApp, Pilot[None], FakeFeed]]:
    """An app on a hand-written story, that moves only when told to."""
    feed = FakeFeed(one_way_audio() if events is None else events, live)
    app = GlassnatApp(feed, choices, refresh=None)
    async with app.run_test(size=size) as pilot:
        await app.advance(0.0)
        await pilot.pause()
        yield app, pilot, feed


SIZES = [NARROW, WIDE, (100, 30), (200, 50)]


@pytest.mark.parametrize("size", sampled(SIZES, 2), ids=["80x24", "120x36", "100x30", "200x50"])
async def test_each_view_at_every_size(size: tuple[int, int]) -> None:
    """The workbench shows views 1 to 3 together; at a middle width the call stands above the
    message, below 100 columns each has the screen."""
    async with screen(size) as (app, pilot, _):
        for view in (4, 3, 2, 1):
            await pilot.press(str(view))
            await pilot.pause()
            assert_golden(f"view-{view}-{size[0]}x{size[1]}", app)


@pytest.mark.slow
async def test_each_dialogue_fits_80_columns() -> None:
    async with screen(NARROW) as (app, pilot, _):
        for key, name in (("a", "alg"), ("t", "timeout"), ("question_mark", "help")):
            await pilot.press(key)
            await pilot.pause()
            assert_golden(f"dialogue-{name}-80x24", app)
            await pilot.press("escape")


@pytest.mark.slow
async def test_the_screen_of_a_call_that_the_correct_alg_repaired() -> None:
    async with screen(NARROW, [started(), invite("sip")]) as (app, pilot, _):
        await pilot.press("3")
        await pilot.pause()
        await pilot.pause()  # the place that matters is looked for after the first drawing
        assert_golden("repaired-80x24", app)


@pytest.mark.slow
@pytest.mark.parametrize("size", sampled([NARROW, WIDE], 2), ids=["80x24", "120x36"])
async def test_the_before_and_after_of_a_binary_message(size: tuple[int, int]) -> None:
    async with screen(size, [started(), dns_answer("poor")]) as (app, pilot, _):
        await pilot.press("3")
        await pilot.pause()
        await pilot.pause()
        assert_golden(f"dns-{size[0]}x{size[1]}", app)


# --- knobs ------------------------------------------------------------------------------------


ALG_KEYS = [
    ("a c", "sip"),
    ("a o", "off"),
    ("a p", "sip-poor:no-sdp"),
    ("a down space p", "sip-poor:no-sdp,callid-oneway"),  # the active fault is ticked already
    ("a space p", "sip-poor:callid-oneway"),
    ("a enter", "sip-poor:callid-oneway"),
]


@pytest.mark.slow
async def test_the_alg_is_two_keys_away() -> None:
    async with screen() as (_, pilot, feed):
        for keys, spec in ALG_KEYS:
            await pilot.press(*keys.split())
            await pilot.pause()
            assert feed.asked.pop() == ("alg.sip.module", spec), keys


@pytest.mark.slow
async def test_opening_the_menu_changes_nothing() -> None:
    async with screen() as (app, pilot, feed):
        await pilot.press("a")
        assert isinstance(app.screen, AlgMenu)
        await pilot.press("escape")
        assert feed.asked == []


@pytest.mark.slow
async def test_the_new_alg_stands_in_the_strip_at_once_and_a_new_run_is_offered() -> None:
    async with screen() as (app, pilot, feed):
        feed.news = [SettingChanged(key="alg.sip.module", old="off", new="sip", who="screen")]
        await pilot.press("a", "c")
        await pilot.pause()
        text = screen_of(app)
        assert "ALG [sip]" in text
        assert "r runs this again from T+0 with ALG sip." in text


TIMEOUT_KEYS = [
    ("t down enter", ("nat.timeouts.udp", 120.0)),
    ("t down down down enter", ("nat.timeouts.udp", 15.0)),
    ("t 4 5 enter", ("nat.timeouts.udp", 45.0)),
    ("t tab down enter", ("nat.timeouts.udp_unanswered", 60.0)),
    ("t enter", None),
    ("t down escape", None),
]


@pytest.mark.slow
async def test_the_udp_timeouts() -> None:
    """Presets by arrow, any number by typing; nothing changes unless a value does."""
    async with screen() as (_, pilot, feed):
        for keys, asked in TIMEOUT_KEYS:
            await pilot.press(*keys.split())
            await pilot.pause()
            assert (feed.asked.pop() if feed.asked else None) == asked, keys


@pytest.mark.slow
async def test_a_refusal_is_shown_as_it_was_said() -> None:
    async with screen() as (app, pilot, feed):
        feed.refuse = "this screen is attached read-only"
        await pilot.press("a", "c")
        await pilot.pause()
        assert "this screen is attached read-only" in screen_of(app)


@pytest.mark.slow
async def test_flush_says_how_many() -> None:
    async with screen() as (app, pilot, feed):
        await pilot.press("f")
        await pilot.pause()
        assert feed.asked == [("flush", None)]
        assert "2 flows forgotten." in screen_of(app)


# --- looking ----------------------------------------------------------------------------------


@pytest.mark.slow
async def test_tab_walks_through_the_panes() -> None:
    async with screen(NARROW) as (app, pilot, _):
        seen = [app.look.view]
        for _step in range(6):
            await pilot.press("tab")
            seen.append(app.look.view)
        assert seen == ["call", "diff", "events", "guide", "calls", "points", "nat"]


@pytest.mark.slow
async def test_in_the_ladder_arrows_choose_a_message_and_enter_looks_into_it() -> None:
    async with screen(NARROW) as (app, pilot, _):
        await pilot.press("2", "down", "down")
        await pilot.pause()
        assert "▸   1.310" in screen_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "message 3 180 Ringing (INVITE)" in screen_of(app)


@pytest.mark.slow
async def test_the_place_that_matters_is_in_sight() -> None:
    """On 24 rows the INVITE is longer than the screen; the line that breaks the call is shown."""
    async with screen(NARROW) as (app, pilot, _):
        await pilot.press("3")
        await pilot.pause()
        assert "MISSED CAUSE sdp.c" in screen_of(app)


@pytest.mark.slow
async def test_the_before_and_after_view_has_switches() -> None:
    switches = {"u": "Max-Forwards: 70", "e": "a correct ALG writes here:", "s": "- BEFORE inside"}
    async with screen((120, 60)) as (app, pilot, _):
        for key, text in switches.items():
            for wanted in (False, True, False):
                assert (text in screen_of(app)) is wanted, key
                await pilot.press(key)
                await pilot.pause()
            await pilot.press(key)
            await pilot.pause()


@pytest.mark.slow
async def test_the_selected_row_explains_itself() -> None:
    async with screen(NARROW) as (app, pilot, _):
        await pilot.press("1", "down")
        await pilot.pause()
        await app.advance(0.0)
        await pilot.pause()
        assert "sees 192.168.20.100:4000 as" in screen_of(app)


@pytest.mark.slow
async def test_z_gives_a_view_the_whole_screen_and_takes_it_back() -> None:
    async with screen(WIDE) as (app, pilot, _):
        before = screen_of(app)
        for key, there, gone in (
            ("3", "Before / after", "Translations"),
            ("1", "opened this", "WHY"),
        ):
            await pilot.press(key, "z")
            await pilot.pause()
            text = screen_of(app)
            assert (there in text, gone in text) == (True, False), key
            assert "ALG [off]" in text
            await pilot.press("z")
        await pilot.press("2")
        assert screen_of(app) == before


@pytest.mark.slow
async def test_help_lists_the_keys_and_closes() -> None:
    async with screen() as (app, pilot, _):
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)


async def test_every_action_is_in_the_command_palette() -> None:
    async with screen() as (app, _, _feed):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert any("run again from T+0" in title for title in titles)
        assert "Theme" in titles
        assert "Maximize" not in titles, "z does that, and one way is enough"


@pytest.mark.slow
async def test_a_click_on_a_key_in_the_footer_is_that_key() -> None:
    async with screen() as (app, pilot, _):
        at = screen_of(app).splitlines()[-1].index("ALG")
        await pilot.click("#keys", offset=(at, 0))
        await pilot.pause()
        assert isinstance(app.screen, AlgMenu)


@pytest.mark.slow
async def test_a_resize_changes_from_the_workbench_to_single_views() -> None:
    async with screen(WIDE) as (app, pilot, _):
        await pilot.resize_terminal(*NARROW)
        await pilot.pause()
        assert "[2 Call]" in screen_of(app)


# --- time -------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_pause_stops_a_simulation_s_clock() -> None:
    async with screen() as (app, pilot, _):
        await pilot.press("p")
        await app.advance(5.0)
        assert app.look.model.now == 12.0
        await pilot.press("p")
        await app.advance(5.0)
        assert app.look.model.now == 17.0


@pytest.mark.slow
async def test_behind_a_dialogue_the_clock_stands() -> None:
    """Whoever reads the menu misses nothing."""
    async with screen() as (app, pilot, _):
        await pilot.press("a")
        await app.advance(5.0)
        assert app.look.model.now == 12.0
        await pilot.press("escape")
        await app.advance(5.0)
        assert app.look.model.now == 17.0


@pytest.mark.slow
async def test_the_next_key_takes_what_was_said_away_and_w_shows_all_of_why() -> None:
    async with screen() as (app, pilot, _):
        await pilot.press("f")
        assert "2 flows forgotten." in screen_of(app)
        await pilot.press("w")
        assert "2 flows forgotten." not in screen_of(app)
        assert app.look.in_full


@pytest.mark.slow
async def test_pause_freezes_the_display_of_a_live_nat_and_says_so() -> None:
    async with screen(live=True) as (app, pilot, feed):
        await pilot.press("1", "p")
        feed.news = [ended()]
        feed.flows = [flow(packets_out=99)]
        await app.advance(1.0)
        await pilot.pause()
        text = screen_of(app)
        assert "DISPLAY FROZEN, traffic goes on" in text
        assert "99/5" not in text
        await pilot.press("p")
        await app.advance(1.0)
        await pilot.pause()
        assert "99/5" in screen_of(app)
        assert app.look.model.outcome is not None


@pytest.mark.slow
async def test_a_live_nat_refuses_to_be_stepped_and_says_why() -> None:
    async with screen(live=True) as (app, pilot, _):
        for key in ("r", "right_square_bracket", "plus", "greater_than_sign"):
            await pilot.press(key)
            await pilot.pause()
            assert "This NAT is live" in screen_of(app)
            await pilot.press("escape")


async def test_quitting_ends_the_connection() -> None:
    async with screen() as (app, pilot, feed):
        await pilot.press("q")
        assert ("close", None) in feed.asked
        assert app.return_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("before", sampled([["t"], [], ["a"], ["question_mark"]], 4))
async def test_ctrl_c_ends_the_screen_wherever_one_is(before: list[str]) -> None:
    """130 is what a shell expects of a program that was interrupted."""
    async with screen() as (app, pilot, feed):
        await pilot.press(*before, "ctrl+c")
        assert ("close", None) in feed.asked
        assert app.return_code == 130


# --- hostile text -----------------------------------------------------------------------------

HOSTILE = (
    "INVITE sip:bob@\x1b]52;c;eA==\x07 SIP/2.0\r\n"
    "Subject: [bold]loud[/bold] [@click=app.quit]press me[/]\r\n"
    "Supported: [timer], [$error]\r\n"
    "X: \x1b[2J\x9b2J\x1b]0;owned\x07\r\n\r\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("size", sampled([NARROW, WIDE], 2), ids=["80x24", "120x36"])
async def test_hostile_text_is_shown_as_text_in_every_view(size: tuple[int, int]) -> None:
    hostile = message(HOSTILE, "\x1b[31m[@click=app.quit]INVITE[/]", "out")
    hostile.note = "[red]\x1b]0;note\x07"
    evil = started()
    evil.parties = {"192.168.20.100": "[@click=app.quit]\x1b[5malice[/]"}
    async with screen(size, [evil, hostile]) as (app, pilot, feed):
        feed.flows = [flow(remote="[fd00::1]\x1b[1m:5060")]
        for view in "1234":
            await pilot.press(view)
            await app.advance(0.25)
            await pilot.pause()
            text = screen_of(app)
            assert not {"\x1b", "\x07", "\x9b"} & set(text)
            if view == "3":
                assert "[bold]loud[/bold]" in text


@pytest.mark.slow
async def test_a_click_on_hostile_text_does_nothing() -> None:
    async with screen(WIDE, [started(), message(HOSTILE, "INVITE", "out")]) as (app, pilot, feed):
        rows = screen_of(app).splitlines()
        row = next(number for number, text in enumerate(rows) if "press me" in text)
        await pilot.click(offset=(rows[row].index("press me") + 2, row))
        await pilot.pause()
        assert app.is_running
        assert feed.asked == []


@pytest.mark.slow
async def test_another_application_s_module_is_set_from_the_same_menu() -> None:
    both = (*CHOICES, Choices("ftp", "one port", "ftp-poor", [FaultRow("split-miss", "cuts")]))
    async with screen(choices=both) as (app, pilot, feed):
        await pilot.press("a")
        await pilot.pause()
        assert "ALG for SIP (now: off)" in screen_of(app)
        assert "n: FTP" in screen_of(app)
        for keys, knob in (
            ("n c", ("alg.ftp.module", "ftp")),
            ("a n p", ("alg.ftp.module", "ftp-poor:split-miss")),
            ("a n o", ("alg.ftp.module", "off")),
            ("a n n c", ("alg.sip.module", "sip")),
        ):
            await pilot.press(*keys.split())
            await pilot.pause()
            assert feed.asked.pop() == knob, keys


@pytest.mark.slow
async def test_the_menu_begins_with_the_application_whose_message_is_on_the_screen() -> None:
    both = (*CHOICES, Choices("ftp", "one port", "ftp-poor"))
    command = invite("off")
    command.alg = "ftp"
    async with screen(events=[started(), command], choices=both) as (app, pilot, _):
        await pilot.press("a")
        await pilot.pause()
        assert "ALG for FTP (now: ?)" in screen_of(app)


async def test_a_mistake_of_ours_ends_the_screen_and_is_told_afterwards() -> None:
    """Never a traceback: the command line makes a sentence of it."""

    class Broken(FakeFeed):
        async def next_frame(self, elapsed: float, running: bool) -> Frame:
            raise LookupError("no such flow")

    app = GlassnatApp(Broken(one_way_audio()), CHOICES, refresh=0.01)
    async with app.run_test() as pilot:
        await pilot.pause(0.1)
    assert isinstance(app.failure, LookupError)


# --- IPv6 -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("size", sampled([NARROW, WIDE], 2), ids=["80x24", "120x36"])
async def test_every_view_carries_endpoints_of_version_6(size: tuple[int, int]) -> None:
    """At 80x24 two of them do not fit side by side; they lose their middle, never their port."""
    story = [event_in_version_6(event) for event in one_way_audio()]
    async with screen(size, story) as (app, pilot, feed):
        feed.flows = [flow_in_version_6(flow()), flow_in_version_6(AUDIO)]
        for view in (1, 2, 3, 4):
            await pilot.press(str(view))
            await app.advance(0.25)
            await pilot.pause()
            await pilot.pause()
            assert_golden(f"ipv6-{view}-{size[0]}x{size[1]}", app)


LIVE_SIZES = [(80, 24), (100, 30), (120, 36), (200, 50)]


@pytest.mark.slow
async def test_a_running_appliance_begins_with_its_calls_at_every_size() -> None:
    """And says of the chosen one what is counted; the first is silent, the second has ended."""
    events = [started("appliance"), state("answered", 3.5, 4), invite(), silent()]
    over = row("second", "ended")
    async with screen(LIVE_SIZES[0], events, live=True) as (app, pilot, feed):
        feed.calls, feed.call = [row(inferred=WHY), over], document()
        await app.advance(0.0)
        await pilot.press("up")
        for size in LIVE_SIZES:
            await pilot.resize_terminal(*size)
            await app.advance(0.0)
            await pilot.pause()
            await pilot.pause()
            assert_golden(f"live-calls-{size[0]}x{size[1]}", app)
        await pilot.press("enter")
        assert app.look.view == "call"
        assert "audio: nothing" in screen_of(app)


@pytest.mark.slow
async def test_the_points_of_a_packet_at_every_size() -> None:
    async with screen(LIVE_SIZES[0], live=True) as (app, pilot, feed):
        feed.points = way(1)
        await pilot.press("7")
        for size in LIVE_SIZES:
            await pilot.resize_terminal(*size)
            await app.advance(0.0)
            await pilot.pause()
            await pilot.pause()
            assert_golden(f"live-points-{size[0]}x{size[1]}", app)


async def test_an_appliance_that_is_started_again_begins_anew_but_not_on_a_frozen_display() -> None:
    async with screen(live=True) as (app, pilot, feed):
        await pilot.press("p")
        feed.news, feed.anew = [started("appliance")], "It was started again."
        await app.advance(0.0)
        assert len(app.look.model.messages) == 5
        await pilot.press("p")
        await app.advance(0.0)
        assert (len(app.look.model.messages), app.look.said) == (0, "It was started again.")
        assert app.look.model.started is not None
