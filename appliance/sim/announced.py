"""A story as it is announced: what can be told of it before anything is loaded that plays it.

Who is there, what people will do and what they say, for a first picture. To read a story whole
(`stories.py`) takes all kinds of parties and all protocols, so that its mistakes can be told, and
that takes longer than to draw it.
"""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec

from appliance.parties.traits import Traits
from appliance.sim.scenario import Act, Scenario, Step
from appliance.sim.titles import GUIDE, STORY, own_shelf, scenario_names

_TOLD = ("title", "lesson", "symptom", "duration")


def announced(name: str) -> Scenario | None:
    """A story that comes with the program, without what only decides how it is played: settings,
    traits of parties, expectations. None for any other: one of somebody's own may have mistakes,
    which are to be told first."""
    if name not in scenario_names():
        return None
    folder = own_shelf().joinpath(name)
    table = tomllib.loads(folder.joinpath(STORY).read_text("utf-8"))
    guide = folder.joinpath(GUIDE)
    return Scenario(
        **{word: table[word] for word in _TOLD if word in table},
        name=name,
        guide=guide.read_text("utf-8") if guide.is_file() else "",
        parties={party: _of_no_kind(words) for party, words in table["parties"].items()},
        script=msgspec.convert(table.get("script", []), list[Act]),
        steps=msgspec.convert(table.get("steps", []), list[Step]),
    )


def _of_no_kind(words: dict[str, Any]) -> Traits:
    """Where a party is; what it does is not loaded yet."""
    return Traits(address=words["address"], side=words["side"])
