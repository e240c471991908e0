"""What the first screen offers: stories to play, and running appliances to look at.

A story is shown with what people would say of it, a sketch, and how it ends under which module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from appliance.sim.scenario import Scenario
from appliance.sim.titles import Titled
from tui.draw.lines import Line, Style, wrap_words
from tui.draw.opening import sketch
from tui.draw.outcome import in_short

STORY, APPLIANCE = "story", "appliance"
_NAME = 24
_OUTCOME = 13
"""Characters of the columns of names and outcomes."""


class Picked(NamedTuple):
    """`kind` is STORY, with a name or path, or APPLIANCE, with its name."""

    kind: str
    name: str


Teller = Callable[[str], Scenario]
"""Reads the story of this name, whole."""


class Entry(NamedTuple):
    """A row of the list. `story`: what it says of itself, if it is one."""

    picked: Picked
    title: str
    story: Titled | None = None

    def is_like(self, typed: str) -> bool:
        """Is what was typed in its name or title, its symptom or its lesson?"""
        words = [self.picked.name, self.title]
        if self.story is not None:
            words += [self.story.symptom, self.story.lesson]
        return typed.lower() in " ".join(words).lower()


@dataclass
class Shelf:
    """The list with its cursor. `tell` reads the story under it; `typed`: what somebody looks
    for."""

    entries: Sequence[Entry]
    tell: Teller
    at: int = 0
    typed: str = ""

    def shown(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.is_like(self.typed)]

    @property
    def chosen(self) -> Entry | None:
        """The entry under the cursor."""
        shown = self.shown()
        return shown[min(self.at, len(shown) - 1)] if shown else None

    def move(self, step: int) -> None:
        self.at = min(max(self.at + step, 0), max(len(self.shown()) - 1, 0))

    def look_for(self, typed: str) -> None:
        self.typed, self.at = typed, 0

    def rows(self, width: int) -> list[Line]:
        """A line for each; appliances are marked."""
        lines = []
        for entry in self.shown():
            line = Line("▸" if entry is self.chosen else " ", Style.CURSOR)
            line.add(f"{entry.picked.name:<{_NAME}} ", Style.STRONG)
            lines.append(line.add(entry.title).cut(width))
        return lines or [Line("Nothing is like that.", Style.FAINT)]

    def about(self, width: int, whole: bool = True) -> list[Line]:
        """What is to be known of the chosen entry; not `whole`: what it says of itself, for which
        it need not be read."""
        entry = self.chosen
        if entry is None:
            return []
        if entry.story is None:
            return [Line("Enter opens its screen; the appliance runs on when you leave it.")]
        lines = list(_head(entry.story, width))
        return [*lines, *_rest(self.tell(entry.story.name), width)] if whole else lines


def shelf_of(stories: Sequence[Titled], appliances: Sequence[str], tell: Teller) -> Shelf:
    """Running appliances first: who has one looks for it."""
    return Shelf(
        [
            *(Entry(Picked(APPLIANCE, name), "a running appliance") for name in appliances),
            *(Entry(Picked(STORY, each.name), each.title, each) for each in stories),
        ],
        tell,
    )


def _head(story: Titled, width: int) -> Iterator[Line]:
    yield Line(story.title, Style.STRONG)
    if story.symptom:
        yield from (Line(row) for row in wrap_words(f"“{story.symptom}”", width))
    yield Line()
    yield from (Line(row) for row in wrap_words(story.lesson, width))


def _rest(story: Scenario, width: int) -> Iterator[Line]:
    """A sketch, how it ends, and what there is to do."""
    if drawing := sketch(story, width):
        yield Line()
        yield from drawing
    yield Line()
    for label, expected in story.expect.items():
        text, style = in_short(expected.outcome)
        yield Line(f"{text:<{_OUTCOME}} ", style).add(label, Style.FAINT).cut(width)
    if story.steps:
        yield Line()
        yield Line(f"{len(story.steps)} steps with predictions: g", Style.FAINT)
