"""The one table of keys: bindings, footer, help and the printed handout are all made from it.

Small letters look or take a small step; nothing here needs a function key or a control key that
terminals, tmux or screen take for themselves. No Textual here, so that `glassnat keys` is cheap.
"""

from __future__ import annotations

from typing import NamedTuple

INTERRUPTED = 130
"""The exit code of a program that was ended by Ctrl-C."""


class Key(NamedTuple):
    """`key` as it is pressed, the action of the app that it calls, and what it does.

    `hint`: its word in the footer, if it is there; `modes`: `"sim"`, `"live"` or both.
    """

    key: str
    action: str
    group: str
    does: str
    hint: str = ""
    modes: str = "sim live"


KEYS: tuple[Key, ...] = (
    Key("p", "pause", "time", "pause or go on; live: freeze the display", "Pause"),
    Key("a", "alg", "knobs", "ALG menu: o off, c correct, p poor with faults", "ALG"),
    Key("t", "timeout", "knobs", "UDP timeouts", "Timeout"),
    Key("r", "run_again", "time", "run again from T+0, same seed, knobs kept", "Re-run", "sim"),
    Key("]", "step", "time", "one event forward", "Step", "sim"),
    Key(">", "next_expiry", "time", "on to the next timer that runs out", "", "sim"),
    Key("}", "message(1)", "messages", "next message", "Message"),
    Key("{", "message(-1)", "messages", "previous message"),
    Key("escape", "follow", "messages", "back to the message that matters"),
    Key("?", "help", "everywhere", "these keys", "Help"),
    Key("q", "quit", "everywhere", "quit", "Quit"),
    Key(":", "command_palette", "everywhere", "commands, themes", "Cmds"),
    Key("+", "speed(2)", "time", "twice as fast", "Speed", "sim"),
    Key("-", "speed(0.5)", "time", "half as fast", "", "sim"),
    Key("=", "speed(0)", "time", "speed x1", "", "sim"),
    Key("1", "view(1)", "views", "translations"),
    Key("2", "view(2)", "views", "the call's messages"),
    Key("3", "view(3)", "views", "before and after"),
    Key("4", "view(4)", "views", "events"),
    Key("tab", "next_pane", "views", "next pane"),
    Key("u", "unchanged", "before/after", "show or fold unchanged lines"),
    Key("e", "expected", "before/after", "show or hide what a correct ALG writes"),
    Key("s", "split", "before/after", "side by side, or one below the other"),
    Key("f", "flush", "knobs", "forget all flows"),
)


def for_mode(live: bool) -> list[Key]:
    """The keys that do something here."""
    return [key for key in KEYS if ("live" if live else "sim") in key.modes.split()]


def hints(live: bool) -> list[tuple[str, str]]:
    """Key and word for the footer, the most important first."""
    return [(key.key, key.hint) for key in for_mode(live) if key.hint]
