"""Which stories come with the program, and what they say of themselves: for those who offer them.

Title, symptom and lesson stand above the first table of a `scenario.toml`. Only that is read here:
to read all stories whole (`stories.py`) takes as long as to open a screen.
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

STORY = "scenario.toml"
GUIDE = "guide.md"
_FIRST_TABLE = re.compile(r"^\s*\[", re.MULTILINE)


class Titled(NamedTuple):
    """A story as it is offered. `symptom` is what people would say of it, empty if nothing."""

    name: str
    title: str
    lesson: str
    symptom: str = ""


def own_shelf() -> Traversable:
    """The folder of the stories that come with the program."""
    return files("appliance").joinpath("scenarios")


def scenario_names() -> list[str]:
    """Of those that come with the program."""
    return sorted(entry.name for entry in own_shelf().iterdir() if entry.joinpath(STORY).is_file())


def titles() -> list[Titled]:
    """Of those that come with the program, by name."""
    return [_titled(name) for name in scenario_names()]


def _titled(name: str) -> Titled:
    text = own_shelf().joinpath(name, STORY).read_text("utf-8")
    head = tomllib.loads(_FIRST_TABLE.split(text, maxsplit=1)[0])
    return Titled(name, head["title"], head["lesson"], head.get("symptom", ""))
