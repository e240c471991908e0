"""A scenario.toml becomes a Scenario, or a list of everything that is wrong with it.

Nothing of a story with a mistake is started. Each mistake has its key, what is wrong, and the
nearest right word.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec

from alg.registry import SpecError, application_of, load
from alg.spec import is_foreign
from appliance.parties.kinds import KINDS, kind_of
from appliance.parties.party import Order
from appliance.parties.traits import choices_of, is_duration
from appliance.settings import files as configuration
from appliance.settings.checks import Problem
from appliance.settings.duration import parse_duration
from appliance.settings.hints import nearest, one_of, shown, wrong_type
from appliance.settings.table import SettingError, Settings, find
from appliance.sim import knobs
from appliance.sim.outcome import WORDS
from appliance.sim.scenario import (
    Act,
    Expectation,
    Links,
    Scenario,
    ScenarioError,
    Step,
    Turns,
)
from nat.endpoint import Network

FROM_THE_FOLDER = ("name", "guide")
"""Fields of a Scenario that its TOML does not have."""
LARGEST = 1 << 20  # bytes
LONGEST = 7 * 86400.0  # seconds: a few minutes of playing


def read(text: str, name: str, file: str = "") -> Scenario:
    """A scenario from its TOML, which stands in `file`. Raises ScenarioError with all mistakes."""
    where = file or f"scenario {name}"
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(where, [Problem("", f"is not valid TOML: {error}")]) from None
    reader = _Reader()
    scenario = reader.scenario(table, name)
    unread = reader.unread
    meant = (each for each in mistakes(scenario, unread) if not _is_within(each.key, unread))
    problems = [*reader.problems, *meant]
    if problems:
        raise _broken(where, problems)
    return scenario


def _broken(where: str, problems: list[Problem]) -> ScenarioError:
    return ScenarioError(configuration.ConfigError(where, problems).report())


def _right_word(word: str, at: str, known: Sequence[str]) -> str:
    """What to write instead of a word that is not known in the table `at`, or where it belongs: in
    TOML a word behind a table's heading is that table's."""
    if at and word in [field.name for field in _words_of(Scenario)]:
        return "; it is a word of the story: write it above the first table"
    return nearest(word, known)


def _is_within(key: str, places: Set[str]) -> bool:
    """Is it one of these places, or in one of their tables?"""
    words = key.split(".")
    return any(".".join(words[:count]) in places for count in range(1, len(words) + 1))


# --- words and types -------------------------------------------------------------------------


@cache
def _words_of(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """What a table of this kind may have: reckoned once, because it takes longer than reading."""
    return msgspec.structs.fields(kind)


BLANKS: Mapping[Any, Any] = {str: "", float: math.inf, list[str]: []}
"""What stands for a word that must be there and cannot be read, by its type."""


class _Reader:
    """Converts table by table, and goes on after a mistake. `unread` are the keys of what could not
    be read: nothing else is to be said of those."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.unread: set[str] = set()

    def scenario(self, table: dict[str, Any], name: str) -> Scenario:
        """All of it that can be read: a party with a mistake is left out, and elsewhere a word with
        a mistake has its default."""
        parts = dict(table)
        parties = self._tables(parts.pop("parties", {}), "parties")
        script = self._list(parts.pop("script", []), "script", Act)
        steps = self._list(parts.pop("steps", []), "steps", Step)
        expect = self._tables(parts.pop("expect", {}), "expect")
        links = self._struct(parts.pop("links", {}), "links", Links)
        made = {
            "parties": {
                key: party
                for key, each in parties.items()
                if (party := self._party(each, f"parties.{key}")) is not None
            },
            "script": script,
            "steps": steps,
            "links": links,
            "expect": {
                key: self._struct({"alg": key, **each}, f"expect.{key}", Expectation)
                for key, each in expect.items()
            },
        }
        plain = self._fields(parts, "", Scenario, [*made, *FROM_THE_FOLDER])
        return Scenario(**plain, **made, name=name)

    def _party(self, table: dict[str, Any], at: str) -> Any:
        """None when there is a mistake in it: half a party would be blamed for what is missing."""
        before = len(self.problems)
        words = dict(table)
        kind = KINDS.get(str(words.pop("kind", "")))
        if kind is None:
            self._add(f"{at}.kind", one_of(table.get("kind", ""), [*KINDS]))
            party = None
        else:
            party = self._struct(words, at, kind.traits)
        if len(self.problems) == before:
            return party
        self.unread.add(at)
        return None

    def _struct(self, table: Any, at: str, kind: type[msgspec.Struct]) -> Any:
        if not isinstance(table, dict):
            self._add(at, f"must be a table, not {shown(table)}")
            fields = {each.name: BLANKS.get(each.type) for each in _words_of(kind) if each.required}
            return kind(**fields)
        return kind(**self._fields(table, f"{at}.", kind, []))

    def _fields(
        self, table: Mapping[str, Any], at: str, kind: type[msgspec.Struct], others: list[str]
    ) -> dict[str, Any]:
        """The values of a table by field, but for `others`, which are read elsewhere."""
        known = {field.name: field for field in _words_of(kind) if field.name not in others}
        for word in table:
            if word not in known:
                self._add(f"{at}{word}", f"is no word here{_right_word(word, at, [*known])}")
        values = {each.name: BLANKS.get(each.type) for each in known.values() if each.required}
        for field in known.values():
            if field.required and field.name not in table:
                self._add(f"{at}{field.name}", "is missing")
        for word, value in table.items():
            if word in known:
                try:
                    values[word] = _converted(value, known[word].type)
                except msgspec.ValidationError as error:
                    self._refuse(value, f"{at}{word}", known[word].type, error)
                except ValueError as error:
                    self.unread.add(f"{at}{word}")
                    self._add(f"{at}{word}", str(error))
        return values

    def _refuse(self, value: Any, at: str, kind: Any, error: msgspec.ValidationError) -> None:
        """A value that is not of its kind."""
        sentence, _, place = str(error).partition(" - at `$")
        choices = choices_of(kind)
        wrong = one_of(value, choices) if choices else wrong_type(sentence, value)
        self.unread.add(at)
        self._add(at + place.rstrip("`"), wrong)

    def _tables(self, tables: Any, at: str) -> dict[str, dict[str, Any]]:
        """A table of tables; what is not one is named and left out."""
        if not isinstance(tables, dict):
            self._add(at, f"must be a table, not {shown(tables)}")
            return {}
        for key, each in tables.items():
            if not isinstance(each, dict):
                self._add(f"{at}.{key}", f"must be a table, not {shown(each)}")
        return {key: each for key, each in tables.items() if isinstance(each, dict)}

    def _list(self, entries: Any, at: str, kind: type[msgspec.Struct]) -> list[Any]:
        if not isinstance(entries, list):
            self._add(at, f"must be a list of tables ([[{at}]]), not {shown(entries)}")
            return []
        return [
            self._struct(each, f"{at}[{number}]", kind) for number, each in enumerate(entries, 1)
        ]

    def _add(self, key: str, sentence: str) -> None:
        self.unread.add(key)
        self.problems.append(Problem(key, sentence))


# --- meaning ---------------------------------------------------------------------------------


def _converted(value: Any, kind: Any) -> Any:
    """A value of a file as one of this type; seconds may have units. Raises ValueError."""
    if isinstance(value, str) and is_duration(kind):
        return msgspec.convert(parse_duration(value), kind, strict=False)
    return msgspec.convert(value, kind)


def mistakes(scenario: Scenario, unread: Set[str]) -> Iterator[Problem]:
    """What types cannot say, of what could be read of a story. `unread` are the keys of the
    rest."""
    if "duration" not in unread and not 0 < scenario.duration <= LONGEST:
        yield Problem("duration", f"must be more than 0 and at most {LONGEST:.0f} seconds")
    yield from _in_parties(scenario)
    yield from _in_script(scenario, unread)
    yield from _in_settings(scenario)
    for key in scenario.knobs:
        yield from _in_knob(scenario, key, f"knobs: {key}", unread)
    for label, expectation in scenario.expect.items():
        yield from _in_outcome(label, expectation)
        yield from _in_turns(scenario, expectation, f"expect.{label}", unread)
    for number, step in enumerate(scenario.steps, 1):
        yield from _in_turns(scenario, step, f"steps[{number}]", unread)


def _in_settings(scenario: Scenario) -> Iterator[Problem]:
    try:
        settings = configuration.for_scenario("", scenario.settings)
    except configuration.ConfigError as error:
        yield from (Problem(f"settings.{key}", sentence) for key, sentence in error.problems)
    else:
        yield from _in_places(scenario, settings["inside.networks"])


def _in_places(scenario: Scenario, networks: Sequence[Network]) -> Iterator[Problem]:
    """From outside its networks nothing is translated, so that such a party reaches nobody."""
    for name, party in scenario.parties.items():
        with suppress(ValueError):  # no address, and told already
            if party.side == "inside" and not any(party.own_address in each for each in networks):
                where = ", ".join(map(str, networks))
                yield Problem(
                    f"parties.{name}.address",
                    f"{party.address} is not in inside.networks ({where}), where side is inside",
                )


def _in_outcome(label: str, expectation: Expectation) -> Iterator[Problem]:
    if expectation.outcome not in WORDS:
        yield Problem(f"expect.{label}.outcome", one_of(expectation.outcome, [*WORDS]))


def _in_parties(scenario: Scenario) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name, party in scenario.parties.items():
        try:
            party.check()
        except ValueError as error:
            trait, _, sentence = str(error).partition(": ")
            yield Problem(f"parties.{name}.{trait}", sentence)
        for address in party.addresses:
            owner = owners.setdefault(address, name)
            if owner != name:
                yield Problem(f"parties.{name}.address", f"is {owner}'s already: {address}")


def _in_script(scenario: Scenario, unread: Set[str]) -> Iterator[Problem]:
    people = _people(scenario, unread)
    for number, act in enumerate(scenario.script, 1):
        at = f"script[{number}]"
        if not 0 <= act.at <= scenario.duration:
            yield Problem(
                f"{at}.at", f"{act.at} s is not within the {scenario.duration} s it lasts"
            )
        for key, value in act.set.items():
            yield from _in_setting(key, value, f"{at}.set.{key}")
        if act.set and (act.party or act.do):
            yield Problem(at, "either a party does something, or settings change (set)")
        elif not act.set and f"{at}.set" not in unread:
            yield from _in_order(scenario, act, at, unread, people)


def _in_order(
    scenario: Scenario, act: Act, at: str, unread: Set[str], people: Sequence[str] | None
) -> Iterator[Problem]:
    party = scenario.parties.get(act.party)
    if party is not None:
        orders = KINDS[kind_of(party)].orders
    else:
        orders = {word: order for kind in KINDS.values() for word, order in kind.orders.items()}
        if not _is_within(f"parties.{act.party}", unread):
            hint = nearest(act.party, [*scenario.parties])
            yield Problem(f"{at}.party", f"{shown(act.party)} is no party{hint}")
    order = orders.get(act.do)
    if order is None:
        yield Problem(f"{at}.do", one_of(act.do, [*orders]))
    else:
        yield from _in_whom(act, order, people, f"{at}.whom")


def _people(scenario: Scenario, unread: Set[str]) -> list[str] | None:
    """Everybody who can be called; None when some of them are in what could not be read."""
    if any(key.startswith("parties") for key in unread):
        return None
    return sorted({who for name, party in scenario.parties.items() for who in party.people(name)})


def _in_whom(act: Act, order: Order, people: Sequence[str] | None, at: str) -> Iterator[Problem]:
    if order.needs and not act.whom:
        yield Problem(at, f"is missing: {act.do} needs to know {order.needs}")
    elif not order.needs and act.whom:
        yield Problem(at, f"is not needed to {act.do}")
    elif order.needs == "whom" and people is not None and act.whom not in people:
        yield Problem(at, one_of(act.whom, people))


def _in_turns(scenario: Scenario, turns: Turns, at: str, unread: Set[str]) -> Iterator[Problem]:
    if turns.alg and not is_foreign(turns.alg):
        try:
            load(turns.alg, application=application_of(turns.alg).name)
        except SpecError as error:
            yield Problem(f"{at}.alg", str(error))
    if turns.profile:
        try:
            configuration.profile_text(turns.profile)
        except LookupError as error:
            yield Problem(f"{at}.profile", str(error))
    for key, value in turns.set.items():
        if key.startswith(knobs.PREFIX):
            yield from _in_knob(scenario, key, f"{at}.set.{key}", unread)
        else:
            yield from _in_setting(key, value, f"{at}.set.{key}")


def _in_setting(key: str, value: Any, at: str) -> Iterator[Problem]:
    try:
        Settings.parse(Settings.name_of(key), value)
    except SettingError as error:
        yield Problem(at, str(error))


def _in_knob(scenario: Scenario, key: str, at: str, unread: Set[str]) -> Iterator[Problem]:
    if _is_within(".".join(key.split(".")[:2]), unread):
        return  # of a party that could not be read
    try:
        if key.startswith(knobs.PREFIX):
            knobs.find(scenario, key)
        else:
            find(key)
    except (knobs.KnobError, SettingError) as error:
        yield Problem(at, str(error))
