"""The window on the NAT: what is translated, who said what to whom, and what the ALG made of it.

Strategy: news comes in frames (`tui/feed.py`), is folded into one model (`tui/model.py`), and each
pane that is in sight draws lines made from that model by pure functions. A pane never asks the
engine anything, so a simulation and a running appliance look alike, and a test can read a screen.

From 110 columns on all panes are together on the workbench; below that there is one view at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from textual import work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from alg import registry
from alg.base import Application
from appliance.journal.events import Event, ExpectationClosed, FlowExpired, MappingExpired
from appliance.settings.hints import counted
from appliance.sim.simulation import Simulation
from tui.draw import diff, ladder, outcome, strip, timeline, why
from tui.draw.lines import Line, Style
from tui.draw.translations import explain
from tui.feed import FASTEST, SLOWEST, Feed, FeedError, SimulationFeed, SocketFeed
from tui.keys import INTERRUPTED, KEYS, for_mode, hints
from tui.model import EVENTS_KEPT, Frame, Message, Model
from tui.widgets.alg_menu import AlgMenu, Choices
from tui.widgets.drawn import Drawn, entitle
from tui.widgets.event_log import EventLog
from tui.widgets.help_screen import HelpScreen
from tui.widgets.pane import LadderPane, LinesPane
from tui.widgets.timeout_form import ANSWERED, UNANSWERED, TimeoutForm
from tui.widgets.translation_table import TranslationTable

REFRESH = 0.25
"""Seconds between two frames: what countdowns need, and what ssh and a projector can bear."""
WIDE = 110
"""Columns from which on all panes are shown together."""

_PANES = {1: "#nat", 2: "#ladder", 3: "#message", 4: "#events"}


class GlassnatApp(App[None]):
    """The screen. `refresh`: seconds between frames; None: only `advance` moves it (tests)."""

    CSS_PATH = "app.tcss"
    TITLE = "glassnat"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - as Textual wants it
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-short"), (22, "-tall")]  # noqa: RUF012
    BINDINGS = [  # noqa: RUF012
        *(
            Binding(key.key, key.action, key.does, id=key.action, priority=key.key == "tab")
            for key in KEYS
        ),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]

    def __init__(
        self,
        feed: Feed,
        choices: Sequence[Choices],
        refresh: float | None = REFRESH,
    ) -> None:
        """`choices`: what may stand in the slot of each application, for the menu."""
        super().__init__()
        self._choices = choices
        self.feed = feed
        self.model = Model()
        self.view = 1
        self.paused = False
        self.options = diff.Options()
        self._refresh = refresh
        self._chosen: int | None = None
        self._said: Line | None = None
        self._pictured: tuple[Message, int, diff.Options] | None = None
        self._held: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.failure: Exception | None = None
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        yield Drawn(id="strip")
        yield Drawn(id="tabs")
        with Horizontal(id="top"):
            yield TranslationTable(id="nat")
            with Vertical(id="call"):
                yield Drawn(id="names")
                yield LadderPane(id="ladder")
                yield Drawn(id="outcome")
        with Vertical(id="diff"):
            yield Drawn(id="heading")
            yield LinesPane(id="message")
        yield EventLog(id="events")
        yield Drawn(id="why")
        yield Drawn(id="timeline")
        yield Drawn(id="keys")

    def on_mount(self) -> None:
        self.action_view(3 if self.is_wide else 1)
        if self._refresh is not None:
            self._follow_feed(self._refresh)

    def on_placed(self) -> None:
        self.draw()

    @property
    def is_wide(self) -> bool:
        return self.size.width >= WIDE

    # --- news ------------------------------------------------------------------------------------

    @work(exclusive=True)
    async def _follow_feed(self, refresh: float) -> None:
        """Ask for a frame again and again; the next one only when this one is drawn."""
        before = time.monotonic()
        while self.failure is None:
            now = time.monotonic()
            try:
                await self.advance(now - before)
            except Exception as failure:  # to be told as a sentence, on a screen that is tidy again
                self.failure = failure
                self.exit()
            before = now
            await asyncio.sleep(max(refresh - (time.monotonic() - now), refresh / 5))

    async def advance(self, elapsed: float) -> None:
        """Take the news of `elapsed` seconds and draw them."""
        self._take(await self.feed.next_frame(elapsed, not self.paused))
        self.draw()

    def _take(self, frame: Frame) -> None:
        """Fold a frame; while a live display is frozen, keep what happens for later."""
        if self.feed.live and self.paused:
            self._held.extend(frame.events)
            return
        if self._held:
            events = [*self._held, *frame.events]
            self._held.clear()
            frame = Frame(frame.now, events, frame.flows, frame.expectations, frame.settings)
        self.model.take(frame)

    # --- drawing ---------------------------------------------------------------------------------

    @property
    def message(self) -> Message | None:
        """The selected message: chosen by hand, or else the one worth showing."""
        for message in self.model.messages:
            if message.number == self._chosen:
                return message
        return self.model.worth_showing()

    def draw(self) -> None:
        """Draw what is in sight."""
        base = self.screen_stack[0]
        width = self.size.width
        base.query_one("#strip", Drawn).show([strip.strip(self.model, self._clock(), width)])
        self._draw_translations(base)
        self._draw_call(base)
        self._draw_diff(base)
        events = base.query_one(EventLog)
        if events.display:
            events.show(self.model)
        base.query_one("#tabs", Drawn).show([strip.tabs(self.model, self.view, width)])
        base.query_one("#why", Drawn).show(self._why(base, width))
        base.query_one("#timeline", Drawn).show([self._timeline(width)])
        base.query_one("#keys", Drawn).show([strip.keys(hints(self.feed.live), width)])

    def _timeline(self, width: int) -> Line:
        model = self.model
        return timeline.row(model.ticks, model.audio_since(), model.now, self.feed.duration, width)

    def _clock(self) -> strip.Clock:
        speed = self.feed.speed if isinstance(self.feed, SimulationFeed) else 1.0
        return strip.Clock(self.feed.live, self.paused, self.feed.ended, speed, self.feed.lost)

    def _draw_translations(self, base: Screen[Any]) -> None:
        table = base.query_one(TranslationTable)
        if not _in_sight(table):
            return
        rows = self.model.translations.rows()
        title = Line("1 Translations ").add(f"{len(rows)}", Style.STRONG)
        external = ", ".join(self.model.settings.get("outside.external", ()))
        title.add(f" · external {external}" if external else "")
        table.show(rows, self.model.now, title)

    def _draw_call(self, base: Screen[Any]) -> None:
        pane = base.query_one("#ladder", LinesPane)
        if not _in_sight(pane):
            return
        selected = self.message.number if self.message else None
        lines = ladder.rows(self.model, pane.columns, selected)
        pane.show(lines)
        names = ladder.heading(self.model, pane.columns, selected)
        base.query_one("#names", Drawn).show([names])
        call = self.model.current_call()
        title = Line("2 Call ")
        if call is not None:
            ends = dict.fromkeys((call.caller, call.callee))  # a phone registers itself
            title.add(f"{' > '.join(ends)} · {call.kind}: {self.model.state_of(call)}")
        entitle(base.query_one("#call"), title)
        base.query_one("#outcome", Drawn).show(outcome.rows(self.model, pane.columns))
        if self._chosen is None:
            pane.look_at(len(lines) - 1)
        else:
            pane.look_at(ladder.row_of(self.model, selected))

    def _draw_diff(self, base: Screen[Any]) -> None:
        pane = base.query_one("#message", LinesPane)
        if not _in_sight(pane):
            return
        message = self.message
        if message is None:
            entitle(base.query_one("#diff"), Line("3 Before / after"))
            pane.show([Line("No message has passed an ALG yet.")])
            return
        picture = (message, pane.columns, self.options)
        if picture != self._pictured:
            self._pictured = picture
            title = Line("3 Before / after · ").extend(diff.title(message.event, message.number))
            entitle(base.query_one("#diff"), title)
            heading = diff.heading(message.event, pane.columns, self.options)
            base.query_one("#heading", Drawn).show(heading)
            lines = diff.rows(message.event, pane.columns, self.options)
            pane.show(lines)
            pane.scroll_home(animate=False)
            matters = diff.row_of(lines, why.place_that_matters(message))
            pane.look_at(min(matters + 1, len(lines) - 1))

    def _why(self, base: Screen[Any], width: int) -> list[Line]:
        table = base.query_one(TranslationTable)
        row = self.model.translations.find(table.selected or "")
        if row is not None and self.view == 1:
            said = explain(row, self.model.now)
        else:
            said = why.because(self.model, self.message)
        room = 1 if self.is_wide else 2
        advice = self._said or why.advice(self.model, self.feed.live)
        return [*why.sentence(said, width, room), advice.cut(width)]

    def say(self, text: str) -> None:
        """One sentence in the place of the advice, until the next key."""
        self._said = Line("▌    ", Style.KEY).add(text)
        self.draw()

    def on_key(self) -> None:
        self._said = None

    # --- keys: looking ---------------------------------------------------------------------------

    def action_view(self, view: int) -> None:
        """Show a view; on the workbench, go to its pane."""
        self.view = view
        base = self.screen_stack[0]
        for number in _PANES:
            base.set_class(number == view, f"view-{number}")
        base.query_one(_PANES[view]).focus()
        self.draw()

    def action_next_pane(self) -> None:
        if len(self.screen_stack) > 1:
            self.screen.focus_next()
            return
        last = 3 if self.is_wide and self.view != 4 else 4
        self.action_view(self.view % last + 1)

    def action_message(self, step: int) -> None:
        """Select a neighbour of the selected message."""
        numbers = [message.number for message in self.model.messages]
        if self.message is not None:
            at = numbers.index(self.message.number) + step
            self._chosen = numbers[min(max(at, 0), len(numbers) - 1)]
        self.draw()

    def action_follow(self) -> None:
        self._chosen = None
        self.draw()

    def action_unchanged(self) -> None:
        self._show(unchanged=not self.options.unchanged)

    def action_expected(self) -> None:
        self._show(expected=not self.options.expected)

    def action_split(self) -> None:
        self._show(unified=not self.options.unified)

    def _show(self, **wanted: bool) -> None:
        self.options = diff.Options(**{**vars(self.options), **wanted})
        self.draw()

    def action_help(self) -> None:
        self.push_screen(HelpScreen(self.feed.live))

    # --- keys: time ------------------------------------------------------------------------------

    def action_pause(self) -> None:
        self.paused = not self.paused
        self.draw()

    def _simulation(self) -> SimulationFeed | None:
        """The simulation's clock, or a sentence on why there is none to turn."""
        if isinstance(self.feed, SimulationFeed):
            return self.feed
        self.say("This NAT is live: its packets cannot be held, stepped or run again.")
        return None

    async def action_step(self) -> None:
        if simulation := self._simulation():
            self.paused = True
            simulation.step()
            await self.advance(0.0)

    async def action_next_expiry(self) -> None:
        if simulation := self._simulation():
            self.paused = True
            simulation.step((FlowExpired, MappingExpired, ExpectationClosed))
            await self.advance(0.0)

    def action_speed(self, factor: float) -> None:
        """Faster or slower; 0: as fast as the wall clock."""
        if simulation := self._simulation():
            speed = simulation.speed * factor if factor else 1.0
            simulation.speed = min(max(speed, SLOWEST), FASTEST)
            self.draw()

    async def action_run_again(self) -> None:
        if simulation := self._simulation():
            simulation.restart()
            self.model = Model()
            self._chosen = None
            self.paused = False
            await self.advance(0.0)

    # --- keys: knobs -----------------------------------------------------------------------------

    def action_alg(self) -> None:
        model, simulation = self.model, not self.feed.live
        menu = AlgMenu(self._choices, model.modules, model.application, simulation)
        self.push_screen(menu, self._alg_chosen)

    async def _alg_chosen(self, chosen: tuple[str, str] | None) -> None:
        if chosen is not None:
            application, spec = chosen
            await self._turn({f"alg.{application}.module": spec})

    def action_timeout(self) -> None:
        settings = self.model.settings
        now = {key: float(settings[key]) for key in (ANSWERED, UNANSWERED) if key in settings}
        self.push_screen(TimeoutForm(now), self._timeouts_chosen)

    async def _timeouts_chosen(self, wanted: dict[str, float] | None) -> None:
        if wanted is not None:
            await self._turn(dict(wanted))

    async def _turn(self, knobs: dict[str, Any]) -> None:
        """Change settings at once; a refusal is shown as it was said."""
        for key, value in knobs.items():
            try:
                await self.feed.set(key, value)
            except FeedError as error:
                self.say(str(error))
                return
        await self.advance(0.0)

    async def action_flush(self) -> None:
        try:
            count = await self.feed.flush()
        except FeedError as error:
            self.say(str(error))
            return
        await self.advance(0.0)
        self.say(f"{counted(count, 'flow')} forgotten.")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that a key does can also be found by name."""
        yield from super().get_system_commands(screen)
        for key in for_mode(self.feed.live):
            if key.action != "command_palette":
                yield SystemCommand(f"{key.does} ({key.key})", key.group, self._action(key.action))

    def _action(self, name: str) -> Callable[[], Any]:
        return lambda: self.run_action(name)

    async def action_quit(self) -> None:
        await self.feed.close()
        self.exit()

    async def action_interrupt(self) -> None:
        """Ctrl-C: as `q`, with the exit code of a program that was interrupted."""
        await self.feed.close()
        self.exit(return_code=INTERRUPTED)


def _in_sight(widget: Any) -> bool:
    """Is the widget laid out on the screen?"""
    return bool(widget.size.width and widget.size.height)


# --- ways in ------------------------------------------------------------------------------------


def run_simulation(factory: Callable[[dict[str, Any]], Simulation], speed: float = 1.0) -> int:
    """Open the screen on a simulation. `factory` makes it from the settings changed by hand, key
    to value, and is called again for every run. Answers the exit code."""
    return _run(GlassnatApp(SimulationFeed(factory, speed), alg_choices()))


def run_attached(socket_path: str, read_only: bool = False) -> int:
    """Open the screen on the running appliance behind a control socket. Answers the exit code."""
    return _run(GlassnatApp(SocketFeed(socket_path, read_only), alg_choices()))


def _run(app: GlassnatApp) -> int:
    app.run()
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0


def run_picker(choices: Sequence[tuple[str, str]]) -> str | None:
    """Let the user choose one of (name, title); None when they leave without choosing.

    Raises KeyboardInterrupt when they leave by Ctrl-C.
    """
    from tui.widgets.picker import Picker

    picker = Picker(choices)
    chosen = picker.run()
    if picker.return_code == INTERRUPTED:
        raise KeyboardInterrupt
    return chosen


def alg_choices() -> list[Choices]:
    """What may stand in the slot of each application."""
    return [_choices_of(each) for each in registry.APPLICATIONS.values()]


def _choices_of(application: Application) -> Choices:
    poor = registry.poor(application.name)
    faults = [(name, fault.does) for name, fault in poor.faults.items()] if poor else []
    return Choices(application.name, application.opens, poor.name if poor else "", faults)
