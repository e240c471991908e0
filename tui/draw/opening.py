"""A story before anything has happened: who is there, what is said of it, and what people will do.

Nothing here tells how it ends, so that a class can predict it: not the lesson, and of the guide
only its sketch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.settings.hints import counted
from appliance.sim.scenario import Scenario
from tui.draw.lines import Line, Style, wrap_words
from tui.draw.markup import drawn

_HIGHEST = 8
"""Rows of a sketch."""


def sketch(story: Scenario, width: int) -> Sequence[Line]:
    """The drawing in the guide of who is where; empty if there is none."""
    lines = [line for line in drawn(story.guide, width) if line.plain.startswith("    ")]
    return lines[:_HIGHEST]


def ends(story: Scenario) -> tuple[str, str]:
    """Who stands to the left and to the right of the NAT: the first of the parties on each side."""
    first: dict[str, str] = {}
    for name, table in story.parties.items():
        first.setdefault(table.side, name)
    return first.get("inside", "inside"), first.get("outside", "outside")


def premise(story: Scenario, width: int) -> Iterator[Line]:
    """Its title, what people say, and the sketch."""
    yield Line(story.title, Style.STRONG).cut(width)
    if story.symptom:
        yield from (Line(row) for row in wrap_words(f"“{story.symptom}”", width))
    if drawing := sketch(story, width):
        yield Line()
        yield from drawing
    if story.steps:
        yield Line()
        yield Line("g", Style.KEY, "g").add(
            f" leads through {counted(len(story.steps), 'step')}: predict first, then look.",
            Style.FAINT,
        )


def plan(story: Scenario, width: int, most: int) -> Iterator[Line]:
    """What people will do, and when, in at most so many rows; they stand in the place of those
    that come of it. What will be done to the NAT is for the story to tell."""
    acts = [act for act in story.script if act.party]
    shown = acts if len(acts) <= most else acts[: most - 1]
    for act in shown:
        line = Line(f" {act.at:8.3f} ┊ ", Style.FAINT)
        yield line.add(f"{act.party}: {act.do.replace('-', ' ')} {act.whom}".rstrip()).cut(width)
    if left := len(acts) - len(shown):
        yield Line(f"          ┊ … and {left} more", Style.FAINT)
