"""The kinds of values a setting can have, and what to say when a value is not one.

A kind turns what a person wrote (a TOML value, a JSON value, or the text after `--set KEY=`) into
the one form that the program uses, or raises ValueError with a sentence that says what is wrong
and names the nearest valid value. Results are plain JSON-able values: addresses, endpoints and
networks stay canonical text, durations are float seconds.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from appliance.settings.duration import duration_text, parse_duration
from nat.endpoint import Endpoint, Network, address_text, parse_address

Schema = dict[str, Any]

LONGEST_DURATION = 30 * 86400.0
"""Seconds. Five days is the longest timer in any known device; a month is surely a mistake."""
SHORTEST_DURATION = 0.001


class Kind(Protocol):
    """What every kind can do."""

    def parse(self, value: object) -> Any:
        """The value in the program's form. Raises ValueError with a sentence."""

    def schema(self) -> Schema:
        """The JSON Schema of what may be written."""


def shown(value: object) -> str:
    """A value in an error message: short, one line, ASCII, whatever it was."""
    try:
        text = json.dumps(value, default=str)
    except (ValueError, RecursionError):  # a number of thousands of digits, a nest of brackets
        return "this"
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(word: str, choices: Sequence[str]) -> str:
    """`"; did you mean "x"?"` for the choice that looks most like `word`, or nothing."""
    close = difflib.get_close_matches(word[:80].lower(), choices, n=1, cutoff=0.5)
    return f'; did you mean "{close[0]}"?' if close else ""


def one_of(word: object, choices: Sequence[str]) -> str:
    """The sentence for what is not among the choices."""
    hint = nearest(word, choices) if isinstance(word, str) else ""
    return f"{shown(word)} is not known; one of: {', '.join(choices)}{hint}"


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


@dataclass(frozen=True, slots=True)
class Flag:
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
class Whole:
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
class Seconds:
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
class Word:
    """One of a few words."""

    choices: tuple[str, ...]

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError(one_of(value, self.choices))
        return value

    def schema(self) -> Schema:
        return {"enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class Text:
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
class Name:
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


@dataclass(frozen=True, slots=True)
class Device:
    """The name of a network device (Linux: at most 15 bytes, no white space, no `/` or `:`)."""

    def parse(self, value: object) -> str:
        name = Text("a device name such as gn-in", 15, "/: %", empty=False).parse(value)
        if name in (".", ".."):
            raise ValueError(f"{shown(name)} is not a device name")
        return name

    def schema(self) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": 15}


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace: a name under /run/netns or an absolute path; empty: stay here."""

    def parse(self, value: object) -> str:
        name = Text("a namespace such as phones, or a path", 255).parse(value)
        if name in (".", "..") or ("/" in name and not name.startswith("/")):
            raise ValueError(f"{shown(name)} is neither a namespace's name nor an absolute path")
        return name

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": 255}


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 address; `empty` allows none."""

    empty: bool = False

    def parse(self, value: object) -> str:
        if value == "" and self.empty:
            return ""
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not an IPv4 address such as 192.0.2.1")
        try:
            return address_text(parse_address(value))
        except ValueError:
            raise ValueError(f"{shown(value)} is not an IPv4 address such as 192.0.2.1") from None

    def schema(self) -> Schema:
        return {"type": "string", "format": "ipv4"} if not self.empty else {"type": "string"}


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address with the length of its network, `192.168.20.100/24`; empty: none."""

    def parse(self, value: object) -> str:
        if value == "":
            return ""
        sentence = f"{shown(value)} is not an address with a prefix such as 192.168.20.100/24"
        if not isinstance(value, str) or "/" not in value:
            raise ValueError(sentence)
        try:
            network = Network.parse(value)
            return f"{address_text(parse_address(value.partition('/')[0]))}/{network.prefix}"
        except ValueError:
            raise ValueError(sentence) from None

    def schema(self) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Prefix:
    """A network such as `192.168.20.0/24`, without host bits."""

    def parse(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} is not a network such as 192.168.20.0/24")
        try:
            network = Network.parse(value)
            written = parse_address(value.partition("/")[0])
        except ValueError:
            raise ValueError(f"{shown(value)} is not a network such as 192.168.20.0/24") from None
        if written != network.address:
            raise ValueError(f'{shown(value)} has host bits; did you mean "{network}"?')
        return str(network)

    def schema(self) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class EndpointText:
    """An address and a port that is not 0, `203.0.113.1:5060`."""

    def parse(self, value: object) -> str:
        sentence = f"{shown(value)} is not an endpoint such as 192.0.2.1:5060"
        if not isinstance(value, str) or len(value) > 21:
            raise ValueError(sentence)
        try:
            endpoint = Endpoint.parse(value)
        except ValueError:
            raise ValueError(sentence) from None
        if endpoint.port == 0:
            raise ValueError(f"{shown(value)}: port 0 cannot be used")
        return str(endpoint)

    def schema(self) -> Schema:
        return {"type": "string"}


def _from_text(text: str) -> object:
    """A list or table written on a command line: as in TOML, or bare items between commas."""
    if text.startswith(("[", "{")):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            raise ValueError(f"{shown(text)} is not valid TOML") from None
    return [item.strip() for item in text.split(",")] if text else []


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list without duplicates, at least `low` and at most `high` long."""

    item: Kind
    low: int = 0
    high: int = 64

    def parse(self, value: object) -> list[Any]:
        if isinstance(value, str):
            value = _from_text(value)
        if not isinstance(value, list):
            raise ValueError(f"{shown(value)} is not a list; write [{shown(value)}]")
        if not self.low <= len(value) <= self.high:
            raise ValueError(f"has {len(value)} entries; {self.low} to {self.high} are allowed")
        items = [self.item.parse(entry) for entry in value]
        for position, entry in enumerate(items):
            if entry in items[:position]:
                raise ValueError(f"{shown(entry)} stands there twice")
        return items

    def schema(self) -> Schema:
        return {
            "type": "array",
            "items": self.item.schema(),
            "minItems": self.low,
            "maxItems": self.high,
            "uniqueItems": True,
        }


@dataclass(frozen=True, slots=True)
class PortRange:
    """Two ports, the lower first: `[1024, 65535]`, `1024-65535` or `1024,65535`."""

    def parse(self, value: object) -> list[int]:
        if isinstance(value, str):
            value = value.split("-") if "-" in value else _from_text(value)
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError(f"{shown(value)} is not a range of ports such as [1024, 65535]")
        low, high = (Whole(1, 65535).parse(port) for port in value)
        if low > high:
            raise ValueError(f"the range is reversed; did you mean [{high}, {low}]?")
        return [low, high]

    def schema(self) -> Schema:
        port = Whole(1, 65535).schema()
        return {"type": "array", "items": port, "minItems": 2, "maxItems": 2}


@dataclass(frozen=True, slots=True)
class SecondsByPort:
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

    def schema(self) -> Schema:
        return {
            "type": "object",
            "patternProperties": {"^[0-9]{1,5}$": Seconds().schema()},
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class Records:
    """A list of tables that all have the same keys: `[[nat.forward]]`."""

    fields: Mapping[str, Kind]
    high: int = 1024

    def parse(self, value: object) -> list[dict[str, Any]]:
        if isinstance(value, str):
            value = _from_text(value)
        if isinstance(value, Mapping):
            raise ValueError("is a list of tables; write [[...]] with two brackets")
        if not isinstance(value, list) or len(value) > self.high:
            raise ValueError(f"is not a list of at most {self.high} tables")
        return [self._record(number, entry) for number, entry in enumerate(value, 1)]

    def _record(self, number: int, entry: object) -> dict[str, Any]:
        if not isinstance(entry, Mapping):
            raise ValueError(f"entry {number}: {shown(entry)} is not a table")
        complaints = [
            f"{shown(key)} is not a key here{nearest(str(key), list(self.fields))}"
            for key in entry
            if key not in self.fields
        ]
        record: dict[str, Any] = {}
        for key, kind in self.fields.items():
            if key not in entry:
                complaints.append(f"{key} is missing")
                continue
            try:
                record[key] = kind.parse(entry[key])
            except ValueError as error:
                complaints.append(f"{key}: {error}")
        if complaints:
            raise ValueError(f"entry {number}: " + "; ".join(complaints))
        return record

    def schema(self) -> Schema:
        properties = {key: kind.schema() for key, kind in self.fields.items()}
        record = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        return {"type": "array", "items": record}


@dataclass(frozen=True, slots=True)
class Spec:
    """An ALG module: a name, `sip-poor:FAULT,FAULT`, or `path/to/file.py:Class`.

    Of somebody's own module only the form is checked, and nothing is imported: it must not run
    before the program has given up its privileges.
    """

    modules: tuple[str, ...]

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or not value.isprintable() or len(value) > 4096:
            raise ValueError(f"{shown(value)} is not a module; one of: {self._choices}")
        head, colon, tail = value.rpartition(":")
        if colon and head.endswith(".py"):
            if not tail.isidentifier():
                raise ValueError(f"{shown(tail)} is not the name of a class in {shown(head)}")
            return value
        if value.endswith(".py"):
            raise ValueError(f"{shown(value)} lacks its class; write {shown(value + ':MyAlg')}")
        name, colon, faults = value.partition(":")
        if name not in self.modules:
            raise ValueError(one_of(name, (*self.modules, "FILE.py:CLASS")))
        if colon and (not name.endswith("-poor") or not all(faults.split(","))):
            raise ValueError(f"{shown(value)} is not a module; one of: {self._choices}")
        if colon:
            _check_faults(value)
        return value

    @property
    def _choices(self) -> str:
        poor = tuple(f"{name}:FAULT,FAULT" for name in self.modules if name.endswith("-poor"))
        return ", ".join((*self.modules, *poor, "FILE.py:CLASS"))

    def schema(self) -> Schema:
        return {"type": "string", "examples": list(self.modules)}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of `sip-poor`, aimed or not: `no-sdp`, `no-sdp@method=INVITE`."""

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or not value or len(value) > 128 or "," in value:
            raise ValueError(f"{shown(value)} is not a fault of sip-poor (see: glassnat alg list)")
        _check_faults(f"sip-poor:{value}")
        return value

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": 128}


def _check_faults(spec: str) -> None:
    """Raises ValueError when a fault, or its aim, is not known."""
    from alg import registry  # all the modules: most commands have no fault to look up

    try:
        registry.load(spec)
    except registry.SpecError as error:
        raise ValueError(f"{error} (see: glassnat alg list)") from None
