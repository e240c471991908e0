"""The one table of settings: every key with its kind, default, meaning and source.

All else is derived from it: what a file may hold (`files.py`), the commented sample,
the JSON Schema, `show settings`, and what may change while packets flow. A setting that is not in
this table does not exist; a setting that is in it must act. The rows are in `sections/`, a file for
each section of a configuration.

Below it the class `Settings`: what one appliance is set to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import Any

from appliance.settings.checks import Problem, contradictions, derive
from appliance.settings.hints import LIKE_ENOUGH
from appliance.settings.kinds import Name, SecondsByPort, Text
from appliance.settings.sections.alg import ALGS
from appliance.settings.sections.memory import CAPTURE, MEMORY, PROCESS, RECORD
from appliance.settings.sections.nat import NAT
from appliance.settings.sections.nat_bounds import LIMITS, TIMEOUTS
from appliance.settings.sections.wires import WIRES
from appliance.settings.setting import Setting
from nat.endpoint import family_of

_TABLE = (
    Setting("name", Name(), "glassnat", "names this appliance for `attach`, `show` and `down`"),
    Setting(
        "profile",
        Text("a profile", 4096),
        "",
        "a product's or teacher's settings, or those of a FILE.toml, applied before this file",
        sample="rfc4787",
    ),
    *WIRES,
    *NAT,
    *TIMEOUTS,
    *LIMITS,
    *ALGS,
    *MEMORY,
    *CAPTURE,
    *RECORD,
    PROCESS,
)

SETTINGS: dict[str, Setting] = {setting.key: setting for setting in _TABLE}
_DEFAULTS = {key: setting.kind.parse(setting.default) for key, setting in SETTINGS.items()}

KEY_ENOUGH = 0.5
"""How much like a key another must be, word by word, to be named as what may have been meant."""
LONGEST_KEY = 80


class SettingError(ValueError):
    """A value that a setting cannot have, or a key that does not exist. The text is a sentence."""


def find(key: str) -> Setting:
    """The setting behind a key. Raises SettingError that names the nearest key."""
    setting = SETTINGS.get(key)
    if setting is None:
        raise SettingError(f"unknown key{nearest_key(key)}")
    return setting


def nearest_key(key: str) -> str:
    """A hint for a wrong key: the setting whose words are most like its words, in any order, so
    that `nat.udp_timeout` finds `nat.timeouts.udp`."""
    likeness, nearest = max((_likeness(key[:LONGEST_KEY].lower(), name), name) for name in SETTINGS)
    return f'; did you mean "{nearest}"?' if likeness >= KEY_ENOUGH else ""


def _likeness(one: str, other: str) -> float:
    """From 0 to 1: how well each word of either key is found again in the other; 0 where a word
    of `one` is not, so that `nat.` alone makes no likeness."""
    left, right = ([*filter(None, key.replace(".", "_").split("_"))] for key in (one, other))
    found = [max(_ratio(word, each) for each in right) for word in left]
    if min(found, default=0.0) < LIKE_ENOUGH:
        return 0.0
    found += [max(_ratio(each, word) for word in left) for each in right]
    return sum(found) / len(found)


def _ratio(word: str, other: str) -> float:
    return SequenceMatcher(None, word, other).ratio()


@dataclass(slots=True)
class Settings:
    """What one appliance is set to, flat, and where each value came from.

    `settings["nat.mapping"]` is a value in the program's form, parsed when it was stored and never
    again; `settings.written("nat.mapping")` is the same as a file has it. Made by
    `appliance.settings.files.load` (checked) or by calling it (all defaults, for tests).
    """

    forms: dict[str, Any] = field(default_factory=lambda: dict(_DEFAULTS))
    origins: dict[str, str] = field(default_factory=lambda: dict.fromkeys(SETTINGS, "default"))

    def __getitem__(self, key: str) -> Any:
        return self.forms[key]

    def written(self, key: str) -> Any:
        """A value as a file has it: JSON-able, addresses as text. It may be kept and changed."""
        return SETTINGS[key].kind.plain(self.forms[key])

    @property
    def values(self) -> Mapping[str, Any]:
        """All values as a file has them. To change one there is `assign`, and `change`."""
        return MappingProxyType({key: self.written(key) for key in self.forms})

    def section(self, name: str) -> Mapping[str, Any]:
        """The values below `name` as a file has them: `section("alg.sip")["module"]`."""
        prefix = f"{name}."
        return {
            key[len(prefix) :]: self.written(key) for key in self.forms if key.startswith(prefix)
        }

    def copy(self) -> Settings:
        """The same settings, to be changed without changing these."""
        return Settings(dict(self.forms), dict(self.origins))

    @staticmethod
    def name_of(key: str) -> str:
        """The setting that a key names, or that it names an entry of: `nat.timeouts.udp_by_port`
        for `nat.timeouts.udp_by_port.53`. Raises SettingError."""
        table = key.rpartition(".")[0]
        if table in SETTINGS and isinstance(SETTINGS[table].kind, SecondsByPort):
            return table
        return find(key).key

    @staticmethod
    def parse(key: str, value: object) -> Any:
        """One value (text, TOML or JSON) in the program's form. Raises SettingError."""
        kind = find(key).kind
        try:
            form = kind.parse(value)
        except ValueError as error:
            raise SettingError(str(error)) from None
        if any(family_of(address) == 6 for address in kind.addresses(form)):
            raise SettingError("IPv6 is not translated yet")
        return form

    def assign(self, key: str, value: object, origin: str) -> Any:
        """Store a value before the start; answers it as a file has it. Raises SettingError.

        `nat.timeouts.udp_by_port.53` sets one entry of that table.
        """
        name = self.name_of(key)
        if name != key:
            return self.extend(name, {key.removeprefix(f"{name}."): value}, origin)
        return self._store(key, self.parse(key, value), origin)

    def extend(self, key: str, entries: object, origin: str) -> Any:
        """`assign` for a table of ports that keeps the entries it has. Raises SettingError."""
        return self._store(key, {**self.forms[key], **self.parse(key, entries)}, origin)

    def change(self, key: str, value: object, origin: str = "set") -> Any:
        """`assign` for an appliance that runs: only what can act at once, and only when the whole
        still makes sense. The value that is there already changes nothing, its origin neither.
        Raises SettingError and leaves everything as it was."""
        changed = self.copy()
        stored = changed.assign(key, value, origin)
        name = self.name_of(key)
        if not SETTINGS[name].live:
            raise SettingError("cannot change while the appliance runs; set it in the file")
        if changed.forms[name] == self.forms[name]:
            return stored
        if problems := contradictions(changed.forms):
            before = contradictions(self.forms)
            for problem in problems:
                if problem not in before:
                    raise SettingError(f"{problem.key}: {problem.sentence}")
        self.forms, self.origins = changed.forms, changed.origins
        return stored

    def complete(self) -> list[Problem]:
        """Fill in what follows from other keys, then list everything that contradicts itself."""
        self.forms.update(derive(self.forms))
        return contradictions(self.forms)

    def _store(self, key: str, form: Any, origin: str) -> Any:
        self.forms[key] = form
        self.origins[key] = origin
        return self.written(key)
