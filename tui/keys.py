"""The one table of keys: bindings, footer, help and the printed handout are all made from it.

Small letters look or take a small step; nothing here needs a function key or a control key that
terminals, tmux or screen take for themselves. What belongs to one view stands in that view's file.
No Textual here, so that `glassnat keys` is cheap.
"""

from __future__ import annotations

from tui.key import Key
from tui.views.table import VIEWS

TIME = (
    Key("p", "pause", "time", "pause or go on; live: freeze the display", "Run/pause"),
    Key("n", "next_message", "time", "on to the next message", "Next"),
    Key("b", "last_message", "time", "back to the message before", "Back"),
    Key("}", "next_message", "time", "as n"),
    Key("{", "last_message", "time", "as b"),
    Key("]", "next_event", "time", "one event forward", modes="sim"),
    Key("[", "last_event", "time", "one event back", modes="sim"),
    Key(">", "next_expiry", "time", "on to the next timer that runs out", modes="sim"),
    Key("r", "run_again", "time", "run again from T+0, same seed, knobs kept", "Re-run", "sim"),
    Key("R", "run_as_at_first", "time", "run again with nothing turned", "", "sim", False),
    Key("+", "faster(2)", "time", "twice as fast", "Speed", "sim"),
    Key("-", "faster(0.5)", "time", "half as fast", modes="sim"),
    Key("=", "faster(0)", "time", "speed x1", modes="sim"),
)
LESSON = (
    Key("h", "hide", "lesson", "predict: hide or show what tells how it went", "Hide"),
    Key("g", "forward", "lesson", "the guide: predict, see, next step", "Guide", "sim", False),
    Key("G", "backward", "lesson", "the guide: the step before", "", "sim", False),
)
KNOBS = (
    Key(
        "a", "alg", "knobs", "ALG menu: o off, c correct, p poor with faults", "ALG", if_fixed=False
    ),
    Key("t", "timeout", "knobs", "UDP timeouts", "Timeout", if_fixed=False),
    Key("m", "more", "knobs", "more knobs: of the story, its parties, the NAT", if_fixed=False),
    Key("x", "remedy", "knobs", "do what TRY says and run again", "", "sim", False),
    Key("f", "flush", "knobs", "forget all flows", if_fixed=False),
)
SAVING = (Key("S", "save", "everywhere", "save this picture (SVG) and the run (Markdown)"),)
RUNS = (
    Key("c", "beside", "runs", "compare: two runs side by side where they part", "", "sim", False),
    Key(
        "v",
        "columns",
        "runs",
        "it under off, correct ALG and the story's faults",
        modes="sim",
        if_fixed=False,
    ),
)
EVERYWHERE = (
    Key("escape", "follow", "messages", "back to the message that matters"),
    Key("w", "why", "messages", "why and outcome: all, or as much as fits"),
    Key("?", "help", "everywhere", "these keys", "Help"),
    Key("q", "quit", "everywhere", "quit", "Quit"),
    Key(":", "command_palette", "everywhere", "commands, themes", "Cmds"),
    *(
        Key(str(number), f"view('{view.name}')", "views", view.does)
        for number, view in enumerate(VIEWS, 1)
    ),
    Key("/", "find", "views", "find calls, events: words, !word; Esc shows all"),
    Key("z", "zoom", "views", "zoom: this view alone, or all as before"),
    Key("tab", "next_pane", "views", "next pane"),
)
KEYS: tuple[Key, ...] = (
    *TIME,
    *KNOBS,
    *LESSON,
    *RUNS,
    *SAVING,
    *EVERYWHERE,
    *(key for view in VIEWS for key in view.keys),
)
_FOOTER = ("p", "n", "b", "a", "r", "h", "?", "q", ":", "t", "g", "+")
"""The most important keys, the first first."""


def for_mode(live: bool, is_fixed: bool = False) -> list[Key]:
    """The keys that do something here. `is_fixed`: where nothing can be turned."""
    return [key for key in KEYS if key.works(live, is_fixed)]


def hints(live: bool, is_fixed: bool = False) -> list[tuple[str, str]]:
    """Key and word for the footer, the most important first."""
    known = {key.key: key for key in for_mode(live, is_fixed) if key.hint}
    return [(key, known[key].hint) for key in _FOOTER if key in known]
