"""The knobs of a story as a list: what it is about first, then the product that the NAT is and what
decides how it maps and filters, then every trait of the story's parties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from appliance.parties.traits import choices_of
from appliance.parties.traits import traits_of as described
from appliance.settings.files import list_profiles
from appliance.settings.kinds import Choice
from appliance.settings.table import SETTINGS
from appliance.settings.values import short_value
from appliance.sim.knobs import PREFIX, PROFILE, find, traits_of
from appliance.sim.scenario import Scenario
from tui.draw.lines import Line, Style
from tui.finding import fits

OF_THE_NAT = ("nat.mapping", "nat.filtering", "nat.ports", "nat.hairpin", "nat.refresh_inbound")
_KEY = 36
"""Characters of the column of keys."""


class Knob(NamedTuple):
    """A key and its value. `own`: is the story about it? `about`: what it does; `choices`: the
    values that it may have, none where any value of its kind will do."""

    key: str
    value: Any
    own: bool
    about: str = ""
    choices: Sequence[str] = ()

    @property
    def is_switch(self) -> bool:
        return isinstance(self.value, bool)


@dataclass
class KnobList:
    """The list with its cursor. `typed`: what somebody looks for; `option`: the place of the choice
    under the cursor, while somebody chooses a value of the knob, or None."""

    knobs: Sequence[Knob]
    at: int = 0
    typed: str = ""
    option: int | None = None

    def shown(self) -> list[Knob]:
        return [knob for knob in self.knobs if fits(f"{knob.key} {knob.about}", self.typed)]

    @property
    def chosen(self) -> Knob | None:
        shown = self.shown()
        return shown[min(self.at, len(shown) - 1)] if shown else None

    @property
    def place(self) -> int:
        """The row of the cursor."""
        return self.at if self.option is None else self.option

    def move(self, step: int) -> None:
        if self.option is None:
            self.at = min(max(self.at + step, 0), max(len(self.shown()) - 1, 0))
        elif self.chosen is not None:
            self.option = min(max(self.option + step, 0), len(self.chosen.choices) - 1)

    def look_for(self, typed: str) -> None:
        self.typed, self.at = typed, 0

    def choose(self) -> None:
        """Go to the choices of the knob, beginning at what it is set to."""
        if self.chosen is not None:
            words = list(self.chosen.choices)
            value = short_value(self.chosen.value)
            self.option = words.index(value) if value in words else 0

    def rows(self, width: int) -> list[Line]:
        """The knobs, or the choices of one."""
        if self.option is not None and self.chosen is not None:
            return [self._row(place, word) for place, word in enumerate(self.chosen.choices)]
        lines = []
        for place, knob in enumerate(self.shown()):
            line = self._row(place, f"{knob.key:<{_KEY}} ", knob.own)
            lines.append(line.add(short_value(knob.value)).cut(width))
        return lines

    def _row(self, place: int, text: str, is_strong: bool = False) -> Line:
        line = Line("▸" if place == self.place else " ", Style.CURSOR)
        return line.add(text, Style.STRONG if is_strong else Style.PLAIN)


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
    keys = dict.fromkeys([*own, *([] if story is None else [PROFILE]), *OF_THE_NAT, *traits])
    values = {key: _value(key, story, settings, turned) for key in keys}
    return [
        Knob(key, value, key in own, *_meaning(key, story))
        for key, value in values.items()
        if value is not None or key in traits
    ]


def _value(
    key: str, story: Scenario | None, settings: Mapping[str, Any], turned: Mapping[str, Any]
) -> Any:
    """None for a setting that there is not, and for a trait that is none."""
    if key.startswith(PREFIX) and story is not None:
        name, trait = find(story, key)
        return turned.get(key, getattr(story.parties[name], trait))
    if key == PROFILE:
        return turned.get(key) or settings.get(key) or "none"
    return settings.get(key)


def _meaning(key: str, story: Scenario | None) -> tuple[str, Sequence[str]]:
    """What it does, and what it may be set to."""
    if key.startswith(PREFIX) and story is not None:
        name, trait = find(story, key)
        kind = type(story.parties[name])
        about = next((each.about for each in described(kind) if each.name == trait), "")
        types = {field.name: field.type for field in msgspec.structs.fields(kind)}
        return about, choices_of(types[trait])
    if key == PROFILE:
        names = [each["name"] for each in list_profiles()]
        return "The product that the NAT is: all of its settings at once.", names
    setting = SETTINGS.get(key)
    if setting is None:
        return "", ()
    about = f"{setting.help[:1].upper()}{setting.help[1:]}"
    about += f" ({setting.source})" * bool(setting.source)
    return f"{about}.", setting.kind.choices if isinstance(setting.kind, Choice) else ()
