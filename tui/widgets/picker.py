"""What shall we look at? The first screen of `glassnat` alone.

It is on the screen before anything is loaded that plays stories.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import Key

from appliance.sim.titles import Titled
from tui.draw.lines import Line, Style
from tui.key import INTERRUPTED
from tui.messages import RowClicked
from tui.shelf import STORY, Picked, Shelf, Teller, shelf_of
from tui.themes import Looks
from tui.views.view import Page
from tui.widgets.drawn import Drawn
from tui.widgets.rows import Rows


class Picker(Looks[Picked]):
    """Answers what was chosen."""

    CSS = """
    Picker #both { height: 1fr; }
    Picker Rows { width: 42%; height: 100%; }
    Picker #about { width: 1fr; height: 100%; padding: 0 2; }
    Picker #head, Picker #keys { background: $panel; height: 1; }
    .-narrow #both { layout: vertical; }
    .-narrow Rows { width: 100%; height: 1fr; }
    .-narrow #about { width: 100%; height: auto; max-height: 60%; padding: 0 1; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - as Textual wants it
    BINDINGS = [  # noqa: RUF012 - Textual reads a plain list
        Binding("down", "move(1)", "next"),
        Binding("up", "move(-1)", "previous"),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home", "move(-1_000_000)", show=False),
        Binding("end", "move(1_000_000)", show=False),
        Binding("enter", "choose", "open"),
        Binding("slash", "find", "find"),
        Binding("o", "path", "own story by path"),
        Binding("q,escape", "quit", "quit"),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]

    def __init__(self, shelf: Shelf) -> None:
        super().__init__()
        self._shelf = shelf
        self._typing = ""
        self._path = ""
        self._is_in_sight = False

    def compose(self) -> ComposeResult:
        yield Drawn(id="head")
        with Horizontal(id="both"):
            yield Rows()
            yield Drawn(id="about")
        yield Drawn(id="keys")

    def on_mount(self) -> None:
        self._draw()
        self.call_after_refresh(self._tell_all)

    def _tell_all(self) -> None:
        """The rest of the story under the cursor, once there is something to look at."""
        self._is_in_sight = True
        self._draw()

    def on_placed(self) -> None:
        self._draw()

    def _draw(self) -> None:
        head = Line(" glassnat", Style.STRONG).add(" · a NAT you can see through")
        self.query_one("#head", Drawn).show([head])
        rows, about = self.query_one(Rows), self.query_one("#about", Drawn)
        at = min(self._shelf.at, max(len(self._shelf.shown()) - 1, 0))
        rows.show(Page(Line(), self._shelf.rows(rows.columns or 80), span=(at, at)))
        about.show(self._shelf.about(about.content_size.width or 60, self._is_in_sight))
        self.query_one("#keys", Drawn).show([self._keys()])

    def _keys(self) -> Line:
        if self._typing == "path":
            return Line(" path of a story: ", Style.KEY).add(f"{self._path}_")
        if self._typing == "find" or self._shelf.typed:
            typed = self._shelf.typed + "_" * (self._typing == "find")
            return Line(" /", Style.KEY).add(typed)
        line = Line()
        for key, does in (("Enter", "Open"), ("/", "Find"), ("o", "Own story"), ("q", "Quit")):
            line.add(f" {key}", Style.KEY).add(f" {does}  ")
        return line

    # --- keys ------------------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """While somebody types, letters are letters."""
        if not self._typing:
            return
        event.stop()
        event.prevent_default()
        if event.key == "enter" and self._typing == "path" and self._path:
            self.exit(Picked(STORY, self._path))
        elif event.key in ("enter", "escape"):
            if event.key == "escape":
                self._type("")
            self._typing = ""
        elif event.key == "backspace":
            self._type(self._typed[:-1])
        elif event.character and event.character.isprintable():
            self._type(self._typed + event.character)
        self._draw()

    @property
    def _typed(self) -> str:
        return self._path if self._typing == "path" else self._shelf.typed

    def _type(self, text: str) -> None:
        if self._typing == "path":
            self._path = text
        else:
            self._shelf.look_for(text)

    def action_find(self) -> None:
        self._typing = "find"
        self._shelf.look_for("")
        self._draw()

    def action_path(self) -> None:
        self._typing, self._path = "path", "./"
        self._draw()

    def action_move(self, step: int) -> None:
        self._shelf.move(step)
        self._draw()

    def action_page(self, step: int) -> None:
        """As many entries as are in sight, but for one that stays."""
        self.action_move(step * max(self.query_one(Rows).content_size.height - 1, 1))

    def on_row_clicked(self, event: RowClicked) -> None:
        """A click goes to an entry, and opens the one that it is at."""
        step = event.row - self._shelf.at
        if step:
            self.action_move(step)
        else:
            self.action_choose()

    def action_choose(self) -> None:
        if self._shelf.chosen is not None:
            self.exit(self._shelf.chosen.picked)

    def action_interrupt(self) -> None:
        """Ctrl-C: as `q`, with the exit code of a program that was interrupted."""
        self.exit(return_code=INTERRUPTED)


def run_picker(stories: Sequence[Titled], appliances: Sequence[str], tell: Teller) -> Picked | None:
    """Let the user choose a story or a running appliance; None when they leave without choosing.

    Raises KeyboardInterrupt when they leave by Ctrl-C.
    """
    picker = Picker(shelf_of(stories, appliances, tell))
    chosen = picker.run()
    if picker.return_code == INTERRUPTED:
        raise KeyboardInterrupt
    return chosen
