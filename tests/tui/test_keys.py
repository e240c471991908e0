"""One table of keys."""

from __future__ import annotations

from tui.app import GlassnatApp
from tui.keys import EVERYWHERE, KEYS, for_mode
from tui.knobs import Knobs
from tui.lesson import Lesson
from tui.runs import Runs
from tui.saving import Saving
from tui.timing import Timing
from tui.views.table import VIEWS

TAKEN = {"ctrl+a", "ctrl+b", "ctrl+n", "ctrl+s", "ctrl+t", "ctrl+w"}


def test_every_key_is_there_once_and_calls_something() -> None:
    keys = [key.key for key in KEYS]
    assert len(set(keys)) == len(keys)
    for key in KEYS:
        name = key.action.partition("(")[0]
        handed = [Timing, Knobs, Lesson, Runs, Saving, *VIEWS]
        owners = handed if key not in EVERYWHERE else [GlassnatApp]
        wanted = name if key not in EVERYWHERE else f"action_{name}"
        assert any(key in getattr(each, "keys", [key]) and hasattr(each, wanted) for each in owners)


def test_no_key_belongs_to_a_terminal_or_multiplexer() -> None:
    assert not TAKEN & {key.key for key in KEYS}
    assert not any(key.key.startswith("f1") for key in KEYS)


def test_a_live_nat_offers_no_key_that_holds_packets() -> None:
    assert {"step", "run_again"} & {key.action for key in for_mode(live=True)} == set()
    assert "p" in {key.key for key in for_mode(live=True)}
