"""The kinds of values a setting can have, and what to say when a value is not one.

A value has two forms. As *plain* JSON-able data people write and read it: `"address-dependent"`,
`"192.0.2.1:5060"`, `300.0`. In the *program's form* the NAT works with it: a `Dependence`, an
`Endpoint`, seconds. A kind turns what a person wrote (a TOML value, a JSON value, or the text after
`--set KEY=`) into the program's form, once, or raises ValueError with a sentence that says what is
wrong and names the nearest valid value. `plain` is the way back.

Here are the general kinds; those of the network are in `network_kinds.py`, those that name ALG
modules in `module_kinds.py`.
"""

from __future__ import annotations

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.settings.duration import duration_text, parse_duration
from appliance.settings.hints import nearest, one_of, shown

Schema = dict[str, Any]

LONGEST_DURATION = 30 * 86400.0
"""Seconds. Five days is the longest timer in any known device; a month is surely a mistake."""
SHORTEST_DURATION = 0.001


class Kind(ABC):
    """What every kind can do."""

    __slots__ = ()

    @abstractmethod
    def parse(self, value: object) -> Any:
        """The value in the program's form. Raises ValueError with a sentence."""

    def plain(self, form: Any) -> Any:
        """The program's form as JSON-able data, which `parse` reads back. Most kinds need no form
        of their own."""
        return form

    def addresses(self, form: Any) -> Iterator[int]:
        """The addresses in a value, in the program's form. Most kinds have none."""
        return iter(())

    @abstractmethod
    def schema(self) -> Schema:
        """The JSON Schema of what may be written."""


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """true or false."""

    def parse(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        raise ValueError(f"{shown(value)} is neither true nor false")

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number from `low` to `high`."""

    low: int
    high: int

    def parse(self, value: object) -> int:
        if isinstance(value, str) and _is_digits(value.removeprefix("-")):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{shown(value)} is not a whole number from {self.low} to {self.high}")
        if not self.low <= value <= self.high:
            limit = self.low if value < self.low else self.high
            number = value if abs(value) < 10**20 else "the number"
            raise ValueError(
                f"{number} is not from {self.low} to {self.high}; "
                f"the nearest valid value is {limit}"
            )
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Seconds(Kind):
    """A duration; `words` are accepted besides (`"auto"`)."""

    low: float = SHORTEST_DURATION
    high: float = LONGEST_DURATION
    words: tuple[str, ...] = ()

    def parse(self, value: object) -> float | str:
        if isinstance(value, str) and value in self.words:
            return value
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            word = value if isinstance(value, str) else ""
            choices = f' or "{self.words[0]}"' if self.words else ""
            raise ValueError(f"{error}{choices}{nearest(word, self.words)}") from None
        if not self.low <= seconds <= self.high:
            limit = self.low if seconds < self.low else self.high
            raise ValueError(
                f"{shown(value)} is not from {duration_text(self.low)} to "
                f'{duration_text(self.high)}; the nearest valid value is "{duration_text(limit)}"'
            )
        return seconds

    def schema(self) -> Schema:
        return {
            "anyOf": [
                {"type": "number", "minimum": self.low, "maximum": self.high},
                {"type": "string", "pattern": "^([0-9.]+(d|h|m|s|ms)?)+$"},
                *({"const": word} for word in self.words),
            ]
        }


@dataclass(frozen=True, slots=True)
class Word(Kind):
    """One of a few words."""

    choices: tuple[str, ...]

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError(one_of(value, self.choices))
        return value

    def schema(self) -> Schema:
        return {"enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a few words, each of which stands for something that the program works with."""

    meanings: Mapping[str, Any]

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(self.meanings)

    def parse(self, value: object) -> Any:
        if not isinstance(value, str) or value not in self.meanings:
            raise ValueError(one_of(value, self.choices))
        return self.meanings[value]

    def plain(self, form: Any) -> str:
        return next(word for word, meaning in self.meanings.items() if meaning == form)

    def schema(self) -> Schema:
        return {"enum": list(self.meanings)}


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """Printable text of a limited length, without the characters in `forbidden`."""

    what: str
    longest: int
    forbidden: str = ""
    empty: bool = True

    def parse(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not a text; write {self.what}")
        if not value and not self.empty:
            raise ValueError(f"must not be empty; write {self.what}")
        if len(value.encode("utf-8", "replace")) > self.longest:
            raise ValueError(f"{shown(value)} is longer than {self.longest} bytes")
        if not value.isprintable() or any(character in value for character in self.forbidden):
            raise ValueError(f"{shown(value)} has a character that is not allowed in {self.what}")
        return value

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": self.longest}


@dataclass(frozen=True, slots=True)
class Name(Kind):
    """A name that is also part of file and namespace names: letters, digits, `-` and `_`."""

    longest: int = 32

    def parse(self, value: object) -> str:
        fine = isinstance(value, str) and value.isascii() and 0 < len(value) <= self.longest
        if fine and isinstance(value, str):
            plain = value.replace("-", "").replace("_", "")
            if plain.isalnum() and value[0].isalnum():
                return value
        raise ValueError(
            f"{shown(value)} is not a name; letters, digits, - and _, at most {self.longest}, "
            "beginning with a letter or digit"
        )

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^[A-Za-z0-9][A-Za-z0-9_-]{{0,{self.longest - 1}}}$"}


def _from_text(text: str) -> object:
    """A list or table written on a command line: as in TOML, or bare items between commas."""
    if text.startswith(("[", "{")):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            raise ValueError(f"{shown(text)} is not valid TOML") from None
    return [item.strip() for item in text.split(",")] if text else []


@dataclass(frozen=True, slots=True)
class ListOf(Kind):
    """A list without duplicates, at least `low` and at most `high` long; a tuple in the program."""

    item: Kind
    low: int = 0
    high: int = 64

    def parse(self, value: object) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = _from_text(value)
        if not isinstance(value, list):
            raise ValueError(f"{shown(value)} is not a list; write [{shown(value)}]")
        if not self.low <= len(value) <= self.high:
            raise ValueError(f"has {len(value)} entries; {self.low} to {self.high} are allowed")
        items = tuple(self.item.parse(entry) for entry in value)
        for position, entry in enumerate(items):
            if entry in items[:position]:
                raise ValueError(f"{shown(self.item.plain(entry))} stands there twice")
        return items

    def plain(self, form: Any) -> list[Any]:
        return [self.item.plain(entry) for entry in form]

    def addresses(self, form: Any) -> Iterator[int]:
        return (address for entry in form for address in self.item.addresses(entry))

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": self.item.schema(),
            "minItems": self.low,
            "maxItems": self.high,
            "uniqueItems": True,
        }


@dataclass(frozen=True, slots=True)
class PortRange(Kind):
    """Two ports, the lower first: `[1024, 65535]`, `1024-65535` or `1024,65535`."""

    def parse(self, value: object) -> tuple[int, int]:
        if isinstance(value, str):
            value = value.split("-") if "-" in value else _from_text(value)
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError(f"{shown(value)} is not a range of ports such as [1024, 65535]")
        low, high = (Whole(1, 65535).parse(port) for port in value)
        if low > high:
            raise ValueError(f"the range is reversed; did you mean [{high}, {low}]?")
        return low, high

    def plain(self, form: Any) -> list[int]:
        return list(form)

    def schema(self) -> Schema:
        port = Whole(1, 65535).schema()
        return {"type": "array", "items": port, "minItems": 2, "maxItems": 2}


@dataclass(frozen=True, slots=True)
class SecondsByPort(Kind):
    """A table from port to duration: `{53 = "30s"}`."""

    def parse(self, value: object) -> dict[int, float]:
        if isinstance(value, str):
            value = _from_text(value)
        if value == []:
            return {}
        if not isinstance(value, Mapping):
            raise ValueError(f'{shown(value)} is not a table such as {{53 = "30s"}}')
        times: dict[int, float] = {}
        for port, time in value.items():
            try:
                seconds = Seconds().parse(time)
            except ValueError as error:
                raise ValueError(f"port {shown(port)}: {error}") from None
            times[Whole(1, 65535).parse(port)] = float(seconds)
        return times

    def plain(self, form: Any) -> dict[int, float]:
        return dict(form)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "patternProperties": {"^[0-9]{1,5}$": Seconds().schema()},
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Records(Kind):
    """A list of tables that all have the same keys: `[[nat.forward]]`. Of each table `record`
    makes what the program works with; its attributes are called as the keys are."""

    record: Callable[..., Any]
    fields: Mapping[str, Kind]
    high: int = 1024

    def parse(self, value: object) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = _from_text(value)
        if isinstance(value, Mapping):
            raise ValueError("is a list of tables; write [[...]] with two brackets")
        if not isinstance(value, list) or len(value) > self.high:
            raise ValueError(f"is not a list of at most {self.high} tables")
        return tuple(self._record(number, entry) for number, entry in enumerate(value, 1))

    def _record(self, number: int, entry: object) -> Any:
        if not isinstance(entry, Mapping):
            raise ValueError(f"entry {number}: {shown(entry)} is not a table")
        complaints = [
            f"{shown(key)} is not a key here{nearest(str(key), list(self.fields))}"
            for key in entry
            if key not in self.fields
        ]
        forms: dict[str, Any] = {}
        for key, kind in self.fields.items():
            if key not in entry:
                complaints.append(f"{key} is missing")
                continue
            try:
                forms[key] = kind.parse(entry[key])
            except ValueError as error:
                complaints.append(f"{key}: {error}")
        if complaints:
            raise ValueError(f"entry {number}: " + "; ".join(complaints))
        return self.record(**forms)

    def plain(self, form: Any) -> list[dict[str, Any]]:
        return [
            {key: kind.plain(getattr(record, key)) for key, kind in self.fields.items()}
            for record in form
        ]

    def addresses(self, form: Any) -> Iterator[int]:
        return (
            address
            for record in form
            for key, kind in self.fields.items()
            for address in kind.addresses(getattr(record, key))
        )

    def schema(self) -> Schema:
        properties = {key: kind.schema() for key, kind in self.fields.items()}
        record = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        return {"type": "array", "items": record}
