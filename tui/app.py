"""The window on the NAT: what is translated, who said what to whom, and what the ALG made of it.

Strategy: news comes in frames (`tui/feed.py`), is folded into one model (`tui/model.py`), and each
view that is in sight (`tui/views/table.py`) draws a page of lines from that model. A view never
asks the engine anything, so a simulation and a running appliance look alike, and a test can read a
screen.

From 110 columns on the first views are together on the workbench; below that there is one view at a
time. This file knows where panes stand and whom a key is for, and nothing about what they show.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual import work
from textual.actions import parse
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from appliance.journal.events import Event
from tui.coming import Coming
from tui.draw import strip, timeline, told
from tui.draw.lines import Line
from tui.feed import Clockwork, Feed, Wanted
from tui.key import INTERRUPTED, Key
from tui.keys import EVERYWHERE, KEYS, for_mode, hints
from tui.look import Look
from tui.messages import Moved, PointedAt
from tui.model import EVENTS_KEPT, Frame
from tui.own import Watch
from tui.themes import Looks
from tui.views.table import VIEWS, number
from tui.views.view import View
from tui.widgets.alg_menu import Choices
from tui.widgets.drawn import Drawn
from tui.widgets.filter_prompt import FilterPrompt
from tui.widgets.help_screen import HelpScreen
from tui.widgets.pane import Pane
from tui.widgets.timebar import Timebar

if TYPE_CHECKING:  # loaded once there is something to look at
    from tui.hands import Handed, Hands

REFRESH = 0.25
"""Seconds between two frames: what countdowns need, and what ssh and a projector can bear."""
MIDDLE, WIDE = 96, 110
"""Columns from which on two views, and from which on the workbench can be seen together."""
_WORKBENCH = ("nat", "call", "diff")
_FIRST = "call"
"""The view that is open at the beginning: a newcomer sees a call before a table."""
_FIRST_LIVE = "calls"
"""The same of a running appliance that has more than one."""
_THEME = "Theme"
_POINTS = "points"
"""The view for which packets are looked at."""
_TO_FIND_IN = "calls"
"""Where something is looked for when the open view has nothing to be looked for."""
_TOLD = {False: 5, True: 12}
"""Rows of WHY and TRY at most, where they stand beneath a view; True: when they are to be read."""

_LEAST, _LEAST_TOLD = 5, 6
"""Rows of the table's pane at least, and of what is told beneath it."""
_LONGEST_EMPTY = 0.5
"""Seconds after which a screen is drawn on which no pane has found a place."""


class GlassnatApp(Looks[None]):
    """The screen. `refresh`: seconds between frames; None: only `advance` moves it (tests)."""

    CSS_PATH = "app.tcss"
    TITLE = "glassnat"
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual wants it
        (0, "-narrow"),
        (MIDDLE, "-middle"),
        (WIDE, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-short"), (22, "-tall")]  # noqa: RUF012
    BINDINGS = [  # noqa: RUF012
        *(
            Binding(
                key.key,
                key.action if key in EVERYWHERE else f"press({key.key!r})",
                key.does,
                id=key.action,
                priority=key.key == "tab",
            )
            for key in KEYS
        ),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]

    def __init__(
        self,
        feed: Feed,
        choices: Sequence[Choices],
        refresh: float | None = REFRESH,
        paused: bool = False,
    ) -> None:
        """`choices`: what may stand in the slot of each application, for the menu; `paused`: the
        clock stands until somebody lets it run."""
        super().__init__()
        self.feed = feed
        self.look = Look()
        self.look.is_live, self.look.has_packets = feed.live, feed.has_packets
        self.look.is_fixed = feed.read_only
        self.paused = paused
        self.views = {view.name: view(self.look) for view in VIEWS}
        self._choices = choices
        self._hands: Hands | None = None
        if isinstance(feed, Coming):
            self.look.story = feed.story
        else:
            self._take_up()
        self._refresh = refresh
        self._curtain, self._is_open = ExitStack(), False
        self._watch = Watch()
        self._has_begun = False
        self._anew = ""
        self._held: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.failure: Exception | None = None
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        panes = {view.name: Pane(view, number(view.name)) for view in self.views.values()}
        for name in panes.keys() - set(_WORKBENCH):
            panes[name].add_class("over")
        yield Drawn(id="strip")
        yield Drawn(id="tabs")
        with Horizontal(id="work"):
            with Vertical(id="left"):
                yield panes.pop("nat")
                yield Drawn(id="told")
            yield panes.pop("call")
        yield from panes.values()
        yield Drawn(id="why")
        yield Timebar(id="timeline")
        yield Drawn(id="keys")

    def on_mount(self) -> None:
        """Nothing is drawn before the panes have their places and something to show."""
        self._curtain.enter_context(self.batch_update())
        self.set_timer(_LONGEST_EMPTY, self._raise_curtain)
        self.action_view(_FIRST)

    def _raise_curtain(self) -> None:
        """Let the first picture be seen, and then go on."""
        if self._is_open:
            return
        self._is_open = True
        self._curtain.close()
        self.screen_stack[0].refresh(layout=True)
        if self._refresh is not None:
            self.call_after_refresh(self._begin, self._refresh)

    def _begin(self, refresh: float) -> None:
        """Go on, now that there is something to look at."""
        if (hands := self._take_up()) is not None:
            self._follow_feed(refresh)
            self.call_after_refresh(hands.prepare)

    def _take_up(self) -> Hands | None:
        """Be ready for keys, and load what plays the story where that has not been done. None: it
        cannot be played, and the screen is left."""
        if self._hands is None:
            try:
                if isinstance(self.feed, Coming):
                    self.feed, self._choices = self.feed.arrive()
                from tui.hands import Hands  # it knows the engine, and a first picture does not

                self._hands = Hands(self, self._choices)
            except Exception as failure:
                self._give_up(failure)
        return self._hands

    def _give_up(self, failure: Exception) -> None:
        """To be told as a sentence, on a screen that is tidy again."""
        self.failure = failure
        self.exit()

    def on_placed(self) -> None:
        self.draw()
        self._raise_curtain()

    async def on_pointed_at(self, event: PointedAt) -> None:
        """The mouse on the timeline."""
        shown = timeline.scale(self.look.model.now, self.feed.duration, self.size.width)
        moment = shown.moment(event.column)
        if moment is not None and (hands := self._take_up()) is not None:
            await hands.timing.go_to(moment)
            self._see_to_the_look()

    def on_moved(self, _: Moved) -> None:
        self._see_to_the_look()

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
            except Exception as failure:
                self._give_up(failure)
            before = now
            await asyncio.sleep(max(refresh - (time.monotonic() - now), refresh / 5))

    async def advance(self, elapsed: float) -> None:
        """Take the news of `elapsed` seconds and draw them."""
        runs = not self.paused and len(self.screen_stack) == 1  # nothing passes behind a dialogue
        self.feed.wanted = Wanted(self.look.call, self.look.view == _POINTS)
        self._take(await self.feed.next_frame(elapsed, runs))
        if self._hands is not None:
            self._hands.follow_outcome(tries_remedies=self._refresh is not None)
        self.draw()
        name = self._watch.saved(self.look.model.modules.values())
        if name and self._hands is not None:
            await self._hands.timing.run_saved(name)

    def do_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this while the screen goes on, instead of what is being done so far."""
        self.run_worker(work, group="beside", exclusive=True)

    def _take(self, frame: Frame) -> None:
        """Fold a frame; while a live display is frozen, keep what happens for later."""
        if frame.anew:
            self._held.clear()
            self._anew = frame.anew
        if self.feed.live and self.paused:
            self._held.extend(frame.events)
            return
        if self._anew:
            self.look.begin_again()
            self.look.said, self._anew = self._anew, ""
        if self._held:
            events = [*self._held, *frame.events]
            self._held.clear()
            frame = replace(frame, events=events)
        self.look.model.take(frame)
        if self.feed.live and not self._has_begun and frame.calls is not None:
            self._has_begun = True
            if sum(each.kind == "call" for each in self.look.model.calls) > 1:
                self.action_view(_FIRST_LIVE)

    # --- drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw what is in sight."""
        base, width, model = self.screen_stack[0], self.size.width, self.look.model
        self.look.is_over = self.feed.ended and not self.feed.live
        is_zoomed = base.has_class("zoom")
        self.look.is_told_apart = self.is_wide and not is_zoomed
        is_shared = width >= MIDDLE and not is_zoomed
        self.look.is_beside = is_shared and self.look.view in _WORKBENCH
        wanted = {pane.view.name: pane.draw() for pane in base.query(Pane)}
        if self.look.is_told_apart:
            self._tell_apart(base, wanted["nat"])
        else:
            base.query_one("#nat").styles.height = "1fr"
        for where, lines in (
            ("#strip", [strip.strip(model, self._clock(), width)]),
            ("#tabs", [self._tabs(width)]),
            ("#why", told.rows(self.look, self.feed.live, width, _TOLD[self.look.in_full])),
            ("#timeline", [self._timeline(width)]),
            ("#keys", [strip.keys(hints(self.feed.live, self.look.is_fixed), width)]),
        ):
            base.query_one(where, Drawn).show(lines)

    def _tabs(self, width: int) -> Line:
        labels = [view.label for view in VIEWS]
        return strip.tabs(self.look, labels, number(self.look.view), width)

    def _timeline(self, width: int) -> Line:
        model = self.look.model
        return timeline.row(model.ticks, model.audio(), model.now, self.feed.duration, width)

    def _clock(self) -> strip.Clock:
        feed = self.feed
        speed = feed.speed if isinstance(feed, Clockwork) else 1.0
        coming = feed.story.name if isinstance(feed, Coming) else ""
        return strip.Clock(
            feed.live, self.paused, feed.ended, speed, feed.lost, feed.read_only, feed.kind, coming
        )

    def _tell_apart(self, base: Screen[Any], wanted: int) -> None:
        """Beside the call: the table as high as its rows, and beneath it what is told."""
        nat, place = base.query_one("#nat"), base.query_one("#told", Drawn)
        height = base.query_one("#left").size.height
        width = place.content_size.width
        if not width:
            return
        least = _LEAST if self.look.view == "nat" else _LEAST_TOLD
        least = _TOLD[True] if self.look.in_full else least
        lines = told.apart(self.look, self.feed.live, width, max(height - wanted, least))
        place.show(lines)
        nat.styles.height = max(min(wanted, height - len(lines)), _LEAST)

    def say(self, text: str) -> None:
        """One sentence in the place of the advice, until the next key."""
        self.look.said = text
        self.draw()

    def on_key(self) -> None:
        self.look.said = ""

    # --- keys ------------------------------------------------------------------------------------

    async def action_press(self, pressed: str) -> None:
        """A key of the clock, of the knobs or of a view."""
        if (hands := self._take_up()) is None:
            return
        owner, key = self._owner(pressed, hands)
        _, name, arguments = parse(key.action)
        done: Awaitable[None] | None = getattr(owner, name)(*arguments)
        if inspect.isawaitable(done):
            await done
        self._see_to_the_look()

    def _owner(self, pressed: str, hands: Hands) -> tuple[Handed | View, Key]:
        """Whom a key is for: of several views the focused one, then one that is in sight."""
        panes = list(self.screen_stack[0].query(Pane))
        panes.sort(key=lambda pane: (not pane.has_focus, not pane.is_in_sight))
        owners: list[Handed | View] = [*hands.all, *(pane.view for pane in panes)]
        for owner in owners:
            for key in owner.keys:
                if key.key == pressed:
                    return owner, key
        raise LookupError(f"nobody has the key {pressed!r}")

    def _see_to_the_look(self) -> None:
        """Go where a key or the mouse has led to."""
        if self.look.fault and self._hands is not None:
            self._hands.knobs.alg()
        self.action_view(self.look.view)

    def picture(self) -> str:
        """What is on the screen, as SVG."""
        return self.export_screenshot(title="glassnat")

    def ask(self, question: Screen[Any], answer: Any) -> None:
        """Open a dialogue, and hand what comes of it to `answer`."""
        self.push_screen(question, answer)

    def action_view(self, name: str) -> None:
        """Show a view; on the workbench, go to its pane."""
        self.look.view = name
        base = self.screen_stack[0]
        for view in self.views:
            base.set_class(view == name, f"view-{view}")
            base.query_one(f"#{view}", Pane).set_class(view == name, "active")
        base.set_class(name not in _WORKBENCH, "view-over")
        base.query_one(f"#{name}", Pane).focus()
        self.draw()

    def action_next_pane(self) -> None:
        if len(self.screen_stack) > 1:
            self.screen.focus_next()
            return
        names = list(self.views)
        if self.is_wide and self.look.view in _WORKBENCH:
            names = list(_WORKBENCH)
        self.action_view(names[(names.index(self.look.view) + 1) % len(names)])

    def action_follow(self) -> None:
        """Look at what matters again, and at all of it."""
        self.look.follow()
        for view in self.views.values():
            if view.filter is not None:
                view.filter = ""
        self.draw()

    def action_find(self) -> None:
        """Look for rows in the view that is open, or else in the list of calls."""
        name = self.look.view if self.views[self.look.view].filter is not None else _TO_FIND_IN
        view = self.views[name]
        self.action_view(name)

        def follow(wanted: str) -> None:
            view.filter = wanted
            self.draw()

        self.push_screen(FilterPrompt(view.filter or "", follow))

    def action_why(self) -> None:
        """All of WHY, or as much as leaves the most room for the view."""
        self.look.in_full = not self.look.in_full
        self.draw()

    def action_zoom(self) -> None:
        """The active pane alone on the screen, or all as before."""
        self.screen_stack[0].toggle_class("zoom")
        self.draw()

    def action_help(self) -> None:
        self.push_screen(HelpScreen(self.feed.live, self.look.is_fixed))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that a key does can also be found by name."""
        theirs = super().get_system_commands(screen)
        yield from (each for each in theirs if each.title == _THEME)  # keys of ours do the others
        for key in for_mode(self.feed.live, self.look.is_fixed):
            if key.action != "command_palette":
                yield SystemCommand(f"{key.does} ({key.key})", key.group, self._pressing(key))

    def _pressing(self, key: Key) -> Callable[[], Any]:
        action = key.action if key in EVERYWHERE else f"press({key.key!r})"
        return lambda: self.run_action(action)

    async def action_quit(self) -> None:
        await self.feed.close()
        self.exit()

    async def action_interrupt(self) -> None:
        """Ctrl-C: as `q`, with the exit code of a program that was interrupted."""
        await self.feed.close()
        self.exit(return_code=INTERRUPTED)
