"""The knobs of a story as a list: what it is about first, then every trait of its parties, the
product that the NAT is, and what decides how it maps and filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from appliance.settings.values import short_value
from appliance.sim.knobs import PREFIX, PROFILE, find, traits_of
from appliance.sim.scenario import Scenario
from tui.draw.lines import Line, Style

OF_THE_NAT = ("nat.mapping", "nat.filtering", "nat.ports", "nat.hairpin", "nat.refresh_inbound")
_KEY = 36
"""Characters of the column of keys."""


class Knob(NamedTuple):
    """A key and its value. `own`: is the story about it?"""

    key: str
    value: Any
    own: bool

    @property
    def is_switch(self) -> bool:
        return isinstance(self.value, bool)


@dataclass
class KnobList:
    """The list with its cursor."""

    knobs: Sequence[Knob]
    at: int = 0

    @property
    def chosen(self) -> Knob | None:
        return self.knobs[self.at] if self.knobs else None

    def move(self, step: int) -> None:
        self.at = min(max(self.at + step, 0), max(len(self.knobs) - 1, 0))

    def rows(self, width: int) -> list[Line]:
        lines = []
        for place, knob in enumerate(self.knobs):
            line = Line("▸" if place == self.at else " ", Style.CURSOR)
            line.add(f"{knob.key:<{_KEY}} ", Style.STRONG if knob.own else Style.PLAIN)
            lines.append(line.add(short_value(knob.value)).cut(width))
        return lines


def knobs_of(
    story: Scenario | None, settings: Mapping[str, Any], turned: Mapping[str, Any]
) -> list[Knob]:
    """What can be turned. `turned`: traits that wait for the next run, with their values."""
    own = [] if story is None else story.knobs
    traits = [
        f"{PREFIX}{name}.{trait}"
        for name, table in ({} if story is None else story.parties).items()
        for trait in traits_of(table)
    ]
    keys = dict.fromkeys([*own, *traits, *([] if story is None else [PROFILE]), *OF_THE_NAT])
    values = {key: _value(key, story, settings, turned) for key in keys}
    return [Knob(key, value, key in own) for key, value in values.items() if value is not None]


def _value(
    key: str, story: Scenario | None, settings: Mapping[str, Any], turned: Mapping[str, Any]
) -> Any:
    """None for what there is not."""
    if key.startswith(PREFIX) and story is not None:
        name, trait = find(story, key)
        return turned.get(key, getattr(story.parties[name], trait))
    if key == PROFILE:
        return turned.get(key) or settings.get(key) or "none"
    return settings.get(key)
