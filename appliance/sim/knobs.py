"""What can be turned in a story before it runs: settings of the NAT, and traits of its parties.

nat.timeouts.udp=30s         a setting, as everywhere
parties.pbx.comedia=true     a trait: a word of the party's table in the scenario
parties.pbx.qualify=30s      seconds may have a unit, as those of settings
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from appliance.parties.traits import NOT_TURNED, Traits, choices_of, is_duration, types_of
from appliance.settings.checks import Problem
from appliance.settings.duration import parse_duration
from appliance.settings.hints import nearest, one_of, wrong_type
from appliance.sim.scenario import Scenario, ScenarioError

PREFIX = "parties."
NONE = ("none", "null")
"""How somebody writes that there is no such value."""
PROFILE = "profile"
"""A product's settings, all at once."""


class Remedy(NamedTuple):
    """What to turn so that it goes better: `set`, by key. `outcome` is what it comes to."""

    sentence: str
    set: dict[str, Any]
    outcome: str


class KnobError(ScenarioError):
    """Knobs that are not there, or cannot be turned so far. The text has a line for each."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{key}: {sentence}" for key, sentence in problems))


def split(sets: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """`KEY=VALUE` texts: those for settings, and the traits of parties by key."""
    settings: list[str] = []
    traits: dict[str, str] = {}
    for each in sets:
        key, _, value = each.partition("=")
        if key.startswith(PREFIX):
            traits[key] = value
        else:
            settings.append(each)
    return settings, traits


def find(scenario: Scenario, key: str) -> tuple[str, str]:
    """The party and the trait that `parties.NAME.TRAIT` is about. Raises KnobError with the nearest
    word."""
    name, _, trait = key.removeprefix(PREFIX).partition(".")
    if name not in scenario.parties:
        hint = nearest(name, [*scenario.parties])
        raise KnobError(Problem(key, f"{name!r} is no party{hint}"))
    words = traits_of(scenario.parties[name])
    if trait not in words:
        sentence = f"{name} has no trait {trait!r}{nearest(trait, words)}"
        raise KnobError(Problem(key, sentence))
    return name, trait


def traits_of(table: Traits) -> list[str]:
    """The words of a party's table that can be turned."""
    return [word for word in table.__struct_fields__ if word not in NOT_TURNED]


def turned(scenario: Scenario, traits: Mapping[str, Any]) -> Scenario:
    """The same story with other traits; values may be text. Raises KnobError with all that is
    wrong: the nearest word, or what the value must be."""
    problems: list[Problem] = []
    for key, value in traits.items():
        try:
            scenario = _with(scenario, key, value)
        except KnobError as error:
            problems += error.problems
    if problems:
        raise KnobError(*problems)
    return scenario


def _with(scenario: Scenario, key: str, value: Any) -> Scenario:
    """Raises KnobError."""
    name, trait = find(scenario, key)
    table = scenario.parties[name]
    words = msgspec.to_builtins(table)
    fields = {field.name: field.type for field in msgspec.structs.fields(table)}
    try:
        words[trait] = _read(value, fields[trait])
        other = msgspec.convert(words, type(table), strict=False)
        other.check()
    except msgspec.ValidationError as error:
        choices = choices_of(fields[trait])
        sentence = str(error).partition(" - at ")[0]
        wrong = one_of(value, choices) if choices else wrong_type(sentence, value)
        raise KnobError(Problem(f"{key}={value}", wrong)) from None
    except ValueError as error:
        raise KnobError(Problem(f"{key}={value}", str(error).removeprefix(f"{trait}: "))) from None
    return msgspec.structs.replace(scenario, parties={**scenario.parties, name: other})


def _read(value: Any, kind: Any) -> Any:
    """A text as a value of this type, where it is written as it is shown: `none`, `30s`. Raises
    ValueError for what is no duration."""
    if not isinstance(value, str):
        return value
    types = types_of(kind)
    if "array" in types:
        return _as_list(value)
    if "null" in types and value in NONE:
        return None
    return parse_duration(value) if is_duration(kind) else value


def _as_list(value: str) -> Any:
    """`bob,carol` on a command line, or `[]` and `["bob"]` as in a file."""
    if not value.startswith("["):
        return [each.strip() for each in value.split(",")] if value not in ("", *NONE) else []
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return [value]
