"""What the RFCs ask of a NAT, and what of it the current settings fulfil: `glassnat show rfc`.

The requirements stand in `rfc.toml`. Whether one is met follows from the settings that it needs
(and from the faults of a poor ALG, some of which make the whole NAT worse); the tests it names show
that the NAT does what those settings say.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from math import inf
from typing import Any

from appliance.settings.sections.nat import DEPENDENCE
from appliance.settings.table import Settings

WELL_KNOWN_END = 1024
ABSOLUTE = ("MUST", "MUST NOT")
FOLLOWS = {
    "nat.tcp_filtering": ("as-udp", "nat.filtering"),
    "nat.timeouts.tcp_closing": ("auto", "nat.timeouts.tcp_transitory"),
}
"""Settings that may say "as another one", with the word for it."""
IDLE = {"alg.sip.timeout": ("alg.sip.module", "off")}
"""Settings that do not act while another one has a certain value."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of `rfc.toml`, which explains the fields."""

    id: str
    level: str
    title: str
    needs: Mapping[str, Any] = field(default_factory=dict)
    spoiled_by: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    why: str = ""
    missing: str = ""
    tests: tuple[str, ...] = ()

    def unmet(self, settings: Settings) -> list[str]:
        """Why it is not met: a sentence for each setting in the way; empty when it is met."""
        if self.missing:
            return [self.missing]
        broken = [
            f"{key} is {_shown(settings.written(key))}, and must {_wanted(need)}"
            for key, need in self._needs_of(settings).items()
            if not _fits(settings.written(key), need)
        ]
        faults = faults_of(settings)
        broken += [
            f"{faults[name]} has the fault {name}" for name in self.spoiled_by if name in faults
        ]
        return broken + [
            f"{other.id} is not met"
            for other in requirements()
            if other.id.startswith(self.rests_on)
            and other.level in ABSOLUTE
            and other.unmet(settings)
        ]

    def _needs_of(self, settings: Settings) -> dict[str, Any]:
        """What it takes of each setting that decides: where one says "as another", of the other."""
        acting = {
            key: need
            for key, need in self.needs.items()
            if key not in IDLE or settings.written(IDLE[key][0]) != IDLE[key][1]
        }
        return {_decisive(settings, key): _of(settings, need) for key, need in acting.items()}

    def reason(self, settings: Settings) -> str:
        """Why it is met."""
        given = [f"{key} is {_shown(settings.written(key))}" for key in self._needs_of(settings)]
        if self.rests_on:
            given.append(f"Every MUST of {', '.join(self.rests_on)} is met.")
        return "; ".join([*given, self.why] if self.why else given)

    def node_ids(self) -> list[str]:
        """Its tests in the words of pytest."""
        return [
            f"tests/spec/test_{name}.py::test_{test}"
            for name, _, test in (each.partition("::") for each in self.tests)
        ]


@cache
def requirements() -> tuple[Requirement, ...]:
    """All rows, in the order of the file."""
    table = tomllib.loads(
        files("appliance.settings").joinpath("rfc.toml").read_text(encoding="utf-8")
    )
    return tuple(_requirement(row) for row in table["requirement"])


def _requirement(row: Mapping[str, Any]) -> Requirement:
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return Requirement(**fields)


def report(settings: Settings) -> list[dict[str, object]]:
    """A row for each requirement: is it met by these settings, why, and which tests show it."""
    rows: list[dict[str, object]] = []
    for requirement in requirements():
        unmet = requirement.unmet(settings)
        tests = requirement.node_ids()
        rows.append(
            {
                "id": requirement.id,
                "level": requirement.level,
                "title": requirement.title,
                "met": not unmet,
                "why": "; ".join(unmet) or requirement.reason(settings),
                "test": tests[0] if tests else "",
                "tests": tests,
            }
        )
    return rows


def _decisive(settings: Settings, key: str) -> str:
    """The setting that decides: where one says "as another", the other."""
    word, other = FOLLOWS.get(key, ("", ""))
    return other if word and settings.written(key) == word else key


def _of(settings: Settings, need: Any) -> Any:
    """A need that depends on another setting, as the words that it comes to."""
    if isinstance(need, Mapping) and "as_strict_as" in need:
        words = list(DEPENDENCE)
        return words[words.index(settings.written(need["as_strict_as"])) :]
    return need


def faults_of(settings: Settings) -> dict[str, str]:
    """The faults of poor modules that are switched on, without what they are aimed at, and the
    setting that names the module."""
    from alg import registry  # all the modules: most commands check no requirement

    found: dict[str, str] = {}
    for application in registry.APPLICATIONS:
        section = settings.section(f"alg.{application}")
        module, colon, named = section["module"].partition(":")
        poor = registry.poor(application)
        if poor and module == poor.name:
            texts = named.split(",") if colon else section.get("faults", ())
            names = [text.partition("@")[0].strip() for text in texts]
            found |= dict.fromkeys(names, f"alg.{application}.module")
    return found


def _fits(value: Any, need: object) -> bool:
    if isinstance(need, Mapping):
        if "holds" in need:
            return all(value[0] <= port <= value[1] for port in need["holds"])
        return _weight(value) >= float(need["least"])
    return value in need if isinstance(need, list) else bool(value == need)


def _weight(value: object) -> float:
    """What a bound is compared with."""
    if isinstance(value, Mapping):
        return min((_weight(v) for port, v in value.items() if port >= WELL_KNOWN_END), default=inf)
    return float(value) if isinstance(value, int | float) else inf


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return _listed(f"{port}: {_shown(v)}" for port, v in value.items())
    if isinstance(value, list):
        return _listed(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value) or "empty"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "empty"


def _wanted(need: object) -> str:
    if isinstance(need, Mapping):
        if "holds" in need:
            return f"hold {' and '.join(map(str, need['holds']))}"
        return f"be at least {need['least']}"
    return f"be {' or '.join(map(_shown, need)) if isinstance(need, list) else _shown(need)}"
