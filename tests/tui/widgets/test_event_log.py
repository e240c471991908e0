"""Each event is written once; a new run starts a new page."""

from __future__ import annotations

from textual.app import App, ComposeResult

from tests.tui.stories import ended, message, started
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
