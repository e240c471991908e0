"""From files, profiles and `--set` to settings, and back to text.

Layers, each winning over the one before: the defaults of the table, a profile, the file, `--set`.
(A simulation has a scenario's settings in the place of the file, and a profile named on the
command line wins over them.) Reading collects every problem before it complains, so that one look
at the message is enough to mend a file.
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from appliance.settings.checks import Problem
from appliance.settings.duration import duration_text
from appliance.settings.hints import counted, nearest, shown
from appliance.settings.kinds import Schema, Seconds, SecondsByPort
from appliance.settings.setting import Setting
from appliance.settings.table import SETTINGS, SettingError, Settings

LARGEST_FILE = 1 << 20
"""Bytes; a larger file is not a configuration."""

OF_A_FILE = ".toml"
"""How a profile's name ends that is the path of a file."""

MOST_PROBLEMS = 50
"""That are told one by one; nobody mends more of them at once."""

BY_COMMAND = "glassnat up"
"""Where a value is from that a command has decided."""
NOTHING: Mapping[str, Any] = MappingProxyType({})

_SECTIONS = {key[:position] for key in SETTINGS for position, c in enumerate(key) if c == "."}


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it."""

    exit_code = 2

    def __init__(self, file: str, problems: Sequence[Problem], unsaid: int = 0) -> None:
        """`unsaid`: how many there are besides that were not looked at one by one."""
        self.file = file
        self.problems = list(problems)
        self.unsaid = unsaid
        super().__init__(self.report())

    def report(self) -> str:
        """`FILE: 2 problems`, then a line for each key."""
        lines = [f"{self.file}: {counted(len(self.problems) + self.unsaid, 'problem')}"]
        told = self.problems[:MOST_PROBLEMS]
        width = max((len(problem.key) for problem in told), default=0)
        for key, sentence in told:
            lines.append(f"  {key:<{width}}  {sentence}" if key else f"  {sentence}")
        if more := len(self.problems) + self.unsaid - len(told):
            lines.append(f"  and {more} more")
        return "\n".join(lines)


class _Layers:
    """Settings under construction: takes layer after layer and remembers what was wrong."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.problems: list[Problem] = []
        self.unsaid = 0

    def add_table(self, table: Mapping[str, Any], origin: str) -> None:
        """A layer as TOML gives it: tables in tables."""
        for key, value in _flat(table):
            if key in _SECTIONS:
                self.problems.append(Problem(key, f"is a section; write [{key}]"))
            else:
                self.add(key, value, origin)

    def add(self, key: str, value: object, origin: str) -> None:
        if len(self.problems) >= MOST_PROBLEMS and not _is_known(key):
            self.unsaid += 1  # to look for the nearest key takes longer than all the rest
            return
        try:
            if _is_port_table(key) and self.settings.origins[key] != "default":
                self.settings.extend(key, value, origin)
            else:
                self.settings.assign(key, value, origin)
        except SettingError as error:
            self.problems.append(Problem(_plain(key), str(error)))

    def add_profile(self, name: str, blame: str) -> None:
        """As a layer of several: a mistake in a file of the user's is told with the file."""
        before = len(self.problems)
        self.add_profile_alone(name, blame)
        if name.endswith(OF_A_FILE):
            self.problems[before:] = [
                each if each.key == blame else each._replace(key=f"{_plain(name)}: {each.key}")
                for each in self.problems[before:]
            ]

    def add_profile_alone(self, name: str, blame: str) -> None:
        try:
            table = profile_table(name)
        except LookupError as error:
            self.problems.append(Problem(blame, str(error)))
            return
        table = {key: value for key, value in table.items() if key not in ("title", "about")}
        self.add_table(table, f"profile {name}")
        self.add("profile", name, f"profile {name}")

    def add_sets(self, sets: Sequence[str]) -> None:
        """`KEY=VALUE` as on the command line."""
        for text in sets:
            key, equals, value = text.partition("=")
            if not equals:
                self.problems.append(
                    Problem(_plain(text), "--set wants KEY=VALUE, e.g. nat.timeouts.udp=30s")
                )
                continue
            self.add(key.strip(), value.strip(), "--set")

    def finished(self, file: str) -> Settings:
        """The settings, completed and checked. Raises ConfigError."""
        broken = {problem.key for problem in self.problems}
        found = [problem for problem in self.settings.complete() if problem.key not in broken]
        if self.problems or found:
            raise ConfigError(file, [*self.problems, *found], self.unsaid)
        return self.settings


def load(
    path: str | Path | None,
    profile: str | None = None,
    sets: Sequence[str] = (),
    below: Mapping[str, Any] = NOTHING,
    above: Mapping[str, Any] = NOTHING,
) -> Settings:
    """The settings of a file (None: of nothing but defaults, profile and sets).

    `profile` replaces the one that the file names. A command that makes the wires itself has
    defaults `below` all else, and decides what is `above` it. Raises ConfigError.
    """
    layers = _Layers()
    layers.add_table(below, "default")
    table = _read(Path(path)) if path is not None else {}
    name = profile if profile is not None else table.get("profile", "")
    if isinstance(name, str) and name:
        layers.add_profile(name, "--profile" if profile is not None else "profile")
        table = {key: value for key, value in table.items() if key != "profile"}
    layers.add_table(table, str(path))
    layers.add_sets(sets)
    layers.add_table(above, BY_COMMAND)
    return layers.finished(str(path) if path is not None else "settings")


def defaults(profile: str | None = None, sets: Sequence[str] = ()) -> Settings:
    """The settings of the sample, for looking at. Raises ConfigError."""
    layers = _Layers()
    layers.add_table(tomllib.loads(sample()), "default")
    if profile is not None:
        layers.add_profile(profile, "--profile")
    layers.add_sets(sets)
    return layers.finished("settings")


def for_scenario(
    name: str,
    table: Mapping[str, Any],
    profile: str | None = None,
    sets: Sequence[str] = (),
) -> Settings:
    """The settings of a simulation: the scenario's, then the profile named on the command line,
    then `sets`. Raises ConfigError."""
    layers = _Layers()
    own = table.get("profile", "")
    if own:
        layers.add_profile(str(own), "profile")
    layers.add_table(
        {key: value for key, value in table.items() if key != "profile"}, f"scenario {name}"
    )
    if profile is not None:
        layers.add_profile(profile, "--profile")
    layers.add_sets(sets)
    return layers.finished(f"scenario {name}")


def _read(path: Path) -> dict[str, Any]:
    """A TOML file as a table. Raises ConfigError."""
    return _parsed(path, _text_of(path))


def _text_of(path: Path) -> str:
    """Raises ConfigError."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(str(path), [Problem("", f"cannot be read: {reason}")]) from None
    if len(raw) > LARGEST_FILE:
        raise ConfigError(str(path), [Problem("", "is too large for a configuration")])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        sentence = f"is not UTF-8 text (byte {error.start})"
    raise ConfigError(str(path), [Problem("", sentence)])


def _parsed(path: Path, text: str) -> dict[str, Any]:
    """Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        sentence = "is nested too deeply"
    except ValueError as error:
        sentence = f"is not valid TOML: {error}"
    raise ConfigError(str(path), [Problem("", _plain(sentence))])


def _plain(text: str) -> str:
    """A key or sentence with text out of a file in it, fit for a terminal."""
    cut = text if len(text) <= 200 else text[:197] + "..."
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)


def _is_known(key: str) -> bool:
    """Is it a setting, or an entry of one?"""
    return key in SETTINGS or key.rpartition(".")[0] in SETTINGS


def _is_port_table(key: str) -> bool:
    return key in SETTINGS and isinstance(SETTINGS[key].kind, SecondsByPort)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of nested tables as dotted names; stops where the table of settings stops."""
    for key, value in table.items():
        name = f"{prefix}{key}"
        section = name in _SECTIONS or (value and name not in SETTINGS)
        if isinstance(value, Mapping) and section:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


# --- profiles ------------------------------------------------------------------------------------


def list_profiles() -> list[dict[str, str]]:
    """Name, title and a few sentences of every profile, by name."""
    found = []
    for name in _profile_names():
        table = profile_table(name)
        found.append(
            {"name": name, "title": table.get("title", name), "about": table.get("about", "")}
        )
    return found


def profile_text(name: str) -> str:
    """A profile as it is written: a file of the user's when `name` ends with `.toml`, else one of
    ours. Raises LookupError with a sentence."""
    if name.endswith(OF_A_FILE):
        with _as_lookup_error(name):
            return _text_of(Path(name))
    names = _profile_names()
    if name not in names:
        hint = nearest(name, names)
        raise LookupError(f"{shown(name)} is not a profile; one of: {', '.join(names)}{hint}")
    return files("appliance.settings").joinpath("profiles", f"{name}.toml").read_text("utf-8")


def _profile_names() -> list[str]:
    folder = files("appliance.settings").joinpath("profiles")
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def profile_table(name: str) -> dict[str, Any]:
    """A profile as nested tables. Raises LookupError with a sentence."""
    text = profile_text(name)
    with _as_lookup_error(name):
        return _parsed(Path(name), text)


@contextlib.contextmanager
def _as_lookup_error(name: str) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise LookupError(f"{shown(name)} {error.problems[0].sentence}") from None


def lay_profile(settings: Settings, name: str) -> None:
    """What a profile says, over settings that are whole. Raises ConfigError."""
    layers = _Layers()
    layers.settings = settings
    layers.add_profile_alone(name, "profile")
    if layers.problems:
        raise ConfigError(f"profile {name}", layers.problems)


# --- text and schema -----------------------------------------------------------------------------


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(toml_value(entry) for entry in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{key} = {toml_value(entry)}" for key, entry in value.items())
        return f"{{{', '.join(pairs)}}}"
    return str(value)


def setting_text(setting: Setting, value: object) -> str:
    """A plain value of a setting as TOML writes it, durations as `"5m"`."""
    if isinstance(setting.kind, Seconds) and isinstance(value, int | float):
        return toml_value(duration_text(value))
    if isinstance(setting.kind, SecondsByPort) and isinstance(value, Mapping):
        return toml_value({port: duration_text(time) for port, time in value.items()})
    return toml_value(value)


def sample() -> str:
    """A complete configuration with comments, made from the table. It can be used as it is."""
    lines = ["# glassnat: every setting, with its default or an example."]
    lines += ["# To use an optional line, take away the # before its key.", ""]
    section = ""
    for setting in SETTINGS.values():
        head, _, key = setting.key.rpartition(".")
        if head != section:
            section = head
            lines += ["", f"[{head}]"]
        lines += _sample_setting(setting, key)
    return "\n".join(lines) + "\n"


_NEEDED = ("inside.networks", "outside.external")


def _sample_setting(setting: Setting, key: str) -> list[str]:
    source = f" ({setting.source})" if setting.source else ""
    comment = f"# {setting.help}{source}"
    value = setting.default if setting.sample is None else setting.sample
    optional = setting.sample is not None and setting.key not in _NEEDED
    return [comment, f"{'#' if optional else ''}{key} = {setting_text(setting, value)}"]


def effective(settings: Settings) -> str:
    """The settings as a file that would give the same, with where each came from."""
    lines: list[str] = []
    section = ""
    for key, setting in SETTINGS.items():
        head, _, name = key.rpartition(".")
        if head != section:
            section = head
            lines += ["", f"[{head}]"]
        text = f"{name} = {setting_text(setting, settings.written(key))}"
        lines.append(f"{text:<60} # {settings.origins[key]}")
    return "\n".join(lines) + "\n"


def schema() -> Schema:
    """A JSON Schema of the file, for editors."""
    root: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "glassnat configuration",
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    for setting in SETTINGS.values():
        *sections, key = setting.key.split(".")
        table = root
        for section in sections:
            empty = {"type": "object", "properties": {}, "additionalProperties": False}
            table = table["properties"].setdefault(section, empty)
        source = f" ({setting.source})" if setting.source else ""
        described = {"description": f"{setting.help}{source}", "default": setting.default}
        table["properties"][key] = {**setting.kind.schema(), **described}
    return root
