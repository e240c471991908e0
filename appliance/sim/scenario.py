"""A scenario: a story with parties, a script and an expected outcome, as data.

`reading.py` makes one of a `scenario.toml`, `stories.py` knows where they are. A party's table has
the words of its kind's traits (`appliance/parties/`); `[settings]` is written like a configuration
file.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import msgspec

from appliance.parties.traits import Traits


class ScenarioError(ValueError):
    """A scenario that does not exist or cannot be used. The text is a sentence, or a heading with a
    line for each mistake."""


class Turns(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is turned for one run: an ALG SPEC, a profile (empty texts: what the story has), and
    knobs by key, settings as well as traits of parties."""

    alg: str = ""
    profile: str = ""
    set: dict[str, Any] = {}

    def options(self) -> str:
        """What to write behind `glassnat sim NAME`."""
        return shlex.join(self._words())

    def sets(self) -> list[str]:
        """`KEY=VALUE`, as `--set` takes it."""
        return [f"{key}={_as_text(value)}" for key, value in self.set.items()]

    def _words(self) -> Iterator[str]:
        if self.profile:
            yield from ("--profile", self.profile)
        if self.alg:
            yield from ("--alg", self.alg)
        for each in self.sets():
            yield from ("--set", each)


class Act(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """At `at` seconds a person tells a `party` to `do` something, perhaps to or with `whom`; or
    somebody changes settings of the running NAT (`set`, by key)."""

    at: float
    party: str = ""
    do: str = ""
    whom: str = ""
    set: dict[str, Any] = {}


class Links(msgspec.Struct, forbid_unknown_fields=True):
    """One-way delays between the hosts and the NAT, in seconds."""

    inside: float = 0.001
    outside: float = 0.010


class Expectation(Turns, kw_only=True):
    """What must come of such a run; `evidence` names counts that must be equal. Of a run that
    reality cannot have, `only_simulated` says why, in words that follow a colon."""

    outcome: str
    evidence: dict[str, int] = {}
    only_simulated: str = ""


class Step(Turns, kw_only=True):
    """A step of the guide: a run, or a look at the last one. `predict` is asked before, `see` told
    after it; what `shows` lists stands in what `glassnat sim NAME --plain` prints of this run.
    `key` is what to press on the screen."""

    title: str
    predict: str
    see: str
    shows: list[str]
    key: str = ""


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A whole story. `duration` is in seconds.

    `symptom` is what people would say of it, `sources` are the reports that it is told after, and
    `knobs` the keys that are worth turning. Expectations are by what they are about: an ALG SPEC,
    or any words.
    """

    title: str
    lesson: str
    duration: float
    parties: dict[str, Traits]
    script: list[Act]
    name: str = ""
    guide: str = ""
    symptom: str = ""
    sources: list[str] = []
    knobs: list[str] = []
    seed: int = 1
    settings: dict[str, Any] = {}
    links: Links = msgspec.field(default_factory=Links)
    steps: list[Step] = []
    expect: dict[str, Expectation] = {}


def _as_text(value: Any) -> str:
    """A value of a TOML file as `--set` takes it."""
    return value if isinstance(value, str) else _as_toml(value)


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}={_as_toml(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_as_toml, value))}]"
    return msgspec.json.encode(value).decode()
