"""A key: what is pressed, what it does, and where it does it.

Whatever has keys (a view, the clock, the knobs) lists them in its own file; `tui/keys.py` joins the
lists, and bindings, footer, help and the printed handout are all made from that. No Textual here,
so that `glassnat keys` is cheap.
"""

from __future__ import annotations

from typing import NamedTuple

INTERRUPTED = 130
"""The exit code of a program that was ended by Ctrl-C."""


class Key(NamedTuple):
    """`key` as it is pressed; `action` is a method of whoever lists the key, perhaps with its
    arguments: `message(1)`.

    `hint`: its word in the footer, if it is there; `modes`: `"sim"`, `"live"` or both;
    `if_fixed`: does it do something also where nothing can be turned: in a recording, or at an
    appliance that one may only see?
    """

    key: str
    action: str
    group: str
    does: str
    hint: str = ""
    modes: str = "sim live"
    if_fixed: bool = True

    def works(self, live: bool, is_fixed: bool = False) -> bool:
        """Does it do something on a running appliance (`live`), or in a simulation? `is_fixed`:
        nothing can be turned."""
        return ("live" if live else "sim") in self.modes.split() and (self.if_fixed or not is_fixed)
