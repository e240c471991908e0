"""What a matrix varies: axes as they are written, and everything that is wrong with them.

    alg=off,sip-poor:FAULT,…        modules, as `--alg` takes them; alg=all: each there is
    profile=linux,symmetric         sets of settings, as `--profile` takes them
    seed=1,2,3                      other seeds than the story's
    nat.timeouts.udp=30s,5m         any setting
    parties.pbx.comedia=true,false  any trait of a party

A *choice* is one value of each axis. Values stay as they were written: so they are in what a matrix
answers, and a script finds its own words again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from alg import registry
from alg.spec import is_foreign
from appliance.settings import files as configuration
from appliance.settings.checks import Problem
from appliance.settings.files import ConfigError
from appliance.settings.hints import nearest, shown
from appliance.settings.table import SETTINGS, SettingError, Settings, nearest_key
from appliance.sim import knobs, staging
from appliance.sim.scenario import Scenario, Turns

ALG, PROFILE, SEED = "alg", "profile", "seed"
ALL = "all"

Axes = Mapping[str, Sequence[str]]
"""The values of each axis, by its key."""
Choice = Mapping[str, str]
"""One value for each key."""


def read(texts: Iterable[str], stories: Sequence[Scenario]) -> dict[str, list[str]]:
    """The axes in `KEY=VALUE,VALUE` texts. An axis that is given twice has the values of both.
    Raises ConfigError with all that is wrong."""
    axes: dict[str, list[str]] = {}
    problems = []
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not values:
            sentence = "an axis is KEY=VALUE,VALUE, e.g. nat.timeouts.udp=30s,5m"
            problems.append(Problem(text, sentence))
            continue
        known = axes.setdefault(key.strip(), [])
        known += [value for value in _values(key.strip(), values) if value not in known]
    problems += found_wrong(axes, stories)
    if problems:
        raise ConfigError("--axis", problems)
    return axes


def found_wrong(axes: Axes, stories: Sequence[Scenario]) -> list[Problem]:
    """What is wrong with keys and values, each taken for itself."""
    return [problem for key, values in axes.items() for problem in _wrong(key, values, stories)]


def staged(story: Scenario, choice: Choice) -> tuple[Scenario, Settings, int]:
    """The story as it is to be run, its settings and its seed. Raises ConfigError when the choice
    contradicts itself, or does not fit this story."""
    own = (ALG, PROFILE, SEED)
    turns = Turns(alg=choice.get(ALG, ""), profile=choice.get(PROFILE, ""))
    knobs_set = [f"{key}={value}" for key, value in choice.items() if key not in own]
    turned, settings = staging.stage(story, turns, knobs_set)
    return turned, settings, int(choice.get(SEED, story.seed))


def every_module() -> list[str]:
    """What `alg=all` stands for: the modules of the first application, and each fault of its poor
    one alone."""
    application = registry.application_of("")
    poor = registry.poor(application.name)
    faults = [f"{poor.name}:{fault}" for fault in poor.faults] if poor else []
    plain = [name for name in registry.names(application.name) if not poor or name != poor.name]
    return [*plain, *faults]


# --- values --------------------------------------------------------------------------------------


def _values(key: str, text: str) -> list[str]:
    """Between commas; those within brackets belong to a value, which is a list."""
    pieces: list[str] = []
    depth = 0
    for piece in text.split(","):
        within = depth > 0 or (key == ALG and _goes_on(pieces, piece))
        if within:
            pieces[-1] += f",{piece}"
        else:
            pieces.append(piece.strip())
        depth += sum(map(piece.count, "[{")) - sum(map(piece.count, "]}"))
    if key == ALG and ALL in pieces:
        at = pieces.index(ALL)
        pieces[at : at + 1] = every_module()
    return list(dict.fromkeys(pieces))


def _goes_on(pieces: Sequence[str], piece: str) -> bool:
    """Is it one more fault of the module before it, and no module itself?"""
    name, colon, _ = piece.partition(":")
    is_module = name.strip() in (*registry.MODULES, ALL) or bool(colon)
    return bool(pieces) and ":" in pieces[-1] and ".py:" not in pieces[-1] and not is_module


# --- what is wrong -------------------------------------------------------------------------------


def _wrong(key: str, values: Sequence[str], stories: Sequence[Scenario]) -> Iterator[Problem]:
    if key.startswith(knobs.PREFIX):
        for story in stories:
            yield from _wrong_traits(key, values, story)
        return
    if key not in (ALG, PROFILE, SEED):
        try:
            Settings.name_of(key)
        except SettingError:
            yield Problem(key, f"is no axis{_nearest_axis(key, stories)}")
            return
    for value in values:
        if sentence := _wrong_value(key, value):
            yield Problem(f"{key}={value}", sentence)


def _wrong_traits(key: str, values: Sequence[str], story: Scenario) -> Iterator[Problem]:
    found: dict[Problem, None] = {}  # in order; a wrong key is wrong with each value, but said once
    for value in values:
        try:
            knobs.turned(story, {key: value})
        except knobs.KnobError as error:
            found.update(dict.fromkeys(error.problems))
    for about, sentence in found:
        yield Problem(about, f"{sentence} (scenario {story.name})")


def _wrong_value(key: str, value: str) -> str:
    """A sentence; empty when nothing is wrong."""
    if key == PROFILE:
        try:
            configuration.profile_table(value)
        except LookupError as error:
            return str(error)
        return ""
    if key == SEED:
        fine = value.removeprefix("-").isdecimal() and value.isascii() and len(value) <= 18
        return "" if fine else f"{shown(value)} is not a whole number"
    try:
        if key == ALG:
            key = f"alg.{registry.application_of(value).name}.module"
        Settings().assign(key, value, "--axis")
    except SettingError as error:
        return str(error)
    return _wrong_file(value) if key.endswith(".module") else ""


def _wrong_file(spec: str) -> str:
    """Somebody's own module is loaded where it runs; whether there is its file is asked here."""
    file = spec.rpartition(":")[0]
    if is_foreign(spec) and not Path(file).is_file():
        return f"there is no file {shown(file)}"
    return ""


def _nearest_axis(key: str, stories: Sequence[Scenario]) -> str:
    known = [ALG, PROFILE, SEED, *SETTINGS, *(key for story in stories for key in traits(story))]
    return nearest(key, known) or nearest_key(key)


def traits(story: Scenario) -> list[str]:
    """The keys of all that can be turned in the parties of a story."""
    return [
        f"{knobs.PREFIX}{name}.{word}"
        for name, table in story.parties.items()
        for word in knobs.traits_of(table)
    ]
