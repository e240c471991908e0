"""Each event is written once; a new run starts a new page."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tests.tui.stories import ended, invite, message, started
from tests.tui.test_model import told
from tui.widgets.event_log import EventLog


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield EventLog()


async def test_each_event_is_written_once() -> None:
    async with Page().run_test(size=(100, 20)) as pilot:
        log = pilot.app.query_one(EventLog)
        model = told(started())
        log.show(model)
        log.show(model)
        model.fold(ended())
        log.show(model)
        assert [line.text.strip() for line in log.lines] == [
            "0.000  one-way-audio started (simulation)",
            "14.000  one-way audio: bob hears alice (498 of 498), alice hears bob (0 of 496)",
        ]


async def test_another_run_starts_a_new_page() -> None:
    async with Page().run_test(size=(100, 20)) as pilot:
        log = pilot.app.query_one(EventLog)
        log.show(told(started(), ended()))
        log.show(told(started(), ended(), ended()))
        assert sum("started" in line.text for line in log.lines) == 1


async def test_hostile_text_is_not_read() -> None:
    async with Page().run_test(size=(100, 20)) as pilot:
        log = pilot.app.query_one(EventLog)
        log.show(told(message("x", "\x1b[2J[bold]INVITE[/bold]", "out")))
        text = "".join(line.text for line in log.lines)
        assert "␛[2J[bold]INVITE[/bold]" in text


async def test_long_sentences_are_wrapped_and_not_cut() -> None:
    async with Page().run_test(size=(60, 30)) as pilot:
        log = pilot.app.query_one(EventLog)
        log.show(told(ended()))
        assert [line.text.rstrip() for line in log.lines] == [
            "   14.000  one-way audio: bob hears alice (498 of 498),",
            "           alice hears bob (0 of 496)",
        ]


async def test_another_width_wraps_them_anew() -> None:
    """Once it has come to rest: somebody who drags a window's edge passes many widths."""
    async with Page().run_test(size=(60, 30)) as pilot:
        log = pilot.app.query_one(EventLog)
        model = told(ended())
        log.show(model)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        log.show(model)
        assert len(log.lines) == 2
        log.show(model)
        assert len(log.lines) == 1


async def test_a_change_of_a_message_hangs_below_its_message() -> None:
    async with Page().run_test(size=(60, 30)) as pilot:
        log = pilot.app.query_one(EventLog)
        log.show(told(invite()))
        indents = {len(line.text) - len(line.text.lstrip()) for line in log.lines[1:]}
        assert indents == {11, 13}
