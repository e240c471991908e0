"""Promise 7, whatever is turned: no sentence contradicts the outcome.

Each knob that a story lists and each trait of its parties, one at a time, each of a few values,
with a correct ALG and with none: a chain ends in a cause that is known, and what works is not
blamed.
`make test` plays each trait and each setting somewhere, GLASSNAT_TRUTH=all every one everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple

import msgspec
import pytest

from appliance.parties.traits import NOT_TURNED, choices_of, types_of
from appliance.settings.files import ConfigError
from appliance.settings.kinds import Choice, Flag, Seconds, Whole, Word
from appliance.settings.table import find
from appliance.sim.knobs import PREFIX
from appliance.sim.scenario import Scenario, Turns
from appliance.sim.staging import stage
from tests.support.stories import shelf
from tests.test_truth import assert_true

ALL = os.environ.get("GLASSNAT_TRUTH") == "all"
SPECS = ("off", "sip")
BOTH = (True, False)
OF_SETTINGS: dict[str, tuple[Any, ...]] = {
    "nat.forward": ([],),
    "nat.static": ([],),
    "nat.port_range": ("40000-40100",),
    "alg.sip.ports": ([5062],),
    "alg.sip.transports": (["udp"], ["tcp"]),
    "alg.dns.module": ("off", "dns"),
    "alg.ftp.module": ("off", "ftp"),
}
"""What settings are turned to whose kind does not say it."""
COUNTS, SECONDS, PORTS = (0, 1, 20), (0.0, 2.0, 30.0), (5070, 4100)
OPEN = {
    "externip": "a wrong one comes back in Via, and hiding what the server saw there is called for",
    "localnet": "so does one that leaves the server's own network out",
    "nat": "so does an answer that the server sends to itself",
    "send_from": "a server that hairpins from another port is taken for somebody outside",
}
"""Traits of which something is still told that is not so, and what."""


class Turn(NamedTuple):
    story: Scenario
    key: str
    value: Any

    @property
    def name(self) -> str:
        """A trait's is the same whoever's it is."""
        return self.key.rpartition(".")[2] if self.key.startswith(PREFIX) else self.key

    def is_possible(self) -> bool:
        try:
            stage(self.story, Turns(set={self.key: self.value}))
        except ConfigError:
            return False
        return True


def of_setting(key: str) -> tuple[Any, ...]:
    """A few values of a setting that a story lists."""
    kind = find(key).kind
    if isinstance(kind, Flag):
        return BOTH
    if isinstance(kind, Choice):
        return tuple(kind.meanings)
    if isinstance(kind, Word):
        return kind.choices
    if isinstance(kind, Seconds):
        return ("1s", "1h")
    return (2,) if isinstance(kind, Whole) else OF_SETTINGS[key]


def values(word: str, kind: Any, now: Any) -> list[Any]:
    """A few that a trait may have, other than it has."""
    types = types_of(kind)
    if choices := choices_of(kind):
        found: list[Any] = [*choices]
    elif "boolean" in types:
        found = [*BOTH]
    elif "integer" in types:
        found = [*(PORTS if word.endswith("port") else COUNTS)]
    elif "number" in types:
        found = [*SECONDS]
    elif "array" in types:
        found = [[]]
    elif "string" not in types:
        found = []
    else:
        found = ["", _misspelt(now)] if now else ["example.com", "203.0.113.77:5060"]
    return [each for each in found if each != now]


def _misspelt(text: str) -> str:
    """With another last character."""
    return text[:-1] + ("6" if text.endswith("7") else "7")


def turns() -> Iterator[Turn]:
    for story in shelf():
        for key in story.knobs:
            for value in of_setting(key) if not key.startswith(PREFIX) else ():
                yield Turn(story, key, value)
        for name, party in story.parties.items():
            for field in msgspec.structs.fields(party):
                word = field.name
                if word not in NOT_TURNED and word not in OPEN:
                    for value in values(word, field.type, getattr(party, word)):
                        yield Turn(story, f"{PREFIX}{name}.{word}", value)


def sample() -> Iterator[tuple[Turn, str]]:
    """Each trait and each setting in one of the stories that have it, with one of its values."""
    by_name: dict[str, list[Turn]] = {}
    for turn in turns():
        by_name.setdefault(turn.name, []).append(turn)
    for number, each in enumerate(by_name.values()):
        begin = number * 37 % len(each)
        found = next((one for one in [*each[begin:], *each[:begin]] if one.is_possible()), None)
        if found is not None:
            yield found, SPECS[number % len(SPECS)]


def everything() -> Iterator[tuple[Turn, str]]:
    return ((turn, spec) for turn in turns() for spec in SPECS if turn.is_possible())


@pytest.mark.sweep
def test_whatever_is_turned_no_sentence_contradicts_the_outcome() -> None:
    for turn, spec in everything() if ALL else sample():
        try:
            assert_true(deepcopy(turn.story), spec, {turn.key: turn.value})
        except AssertionError as error:
            error.add_note(f"{turn.story.name}, {spec}, {turn.key} = {turn.value!r}")
            raise
