"""Where stories are: on the shelf that comes with the program, or anywhere else by path.

A story is a folder with a `scenario.toml` and, for the person in front of it, a `guide.md`; or a
TOML file alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from importlib.resources.abc import Traversable
from pathlib import Path

from appliance.settings.hints import LIKE_ENOUGH
from appliance.sim.reading import LARGEST, read
from appliance.sim.scenario import Scenario, ScenarioError
from appliance.sim.titles import GUIDE, STORY, own_shelf, scenario_names


def load_scenario(name: str) -> Scenario:
    """The scenario of this name, or at this path. Raises ScenarioError, with the nearest name or
    all mistakes."""
    if is_path(name):
        return _at(Path(name))
    names = scenario_names()
    if name not in names:
        close = get_close_matches(name, names, n=1, cutoff=LIKE_ENOUGH)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
        if Path(name).joinpath(STORY).is_file():
            hint = f"for the folder of that name write {f'./{name}'!r}"
        sentence = f"{name[:60]!r} is not a scenario; {hint}"
        raise ScenarioError(f"{sentence} (see: glassnat scenario list)")
    return _in_folder(own_shelf().joinpath(name), name)


def list_scenarios(shelf: Path | None = None) -> list[Scenario]:
    """All scenarios that come with the program, or those in the folders of `shelf`, by name. What
    is broken on somebody's own shelf is left out: `mistakes_on` tells of it."""
    if shelf is None:
        return [_in_folder(own_shelf().joinpath(name), name) for name in scenario_names()]
    return [found for _, found in _on(shelf) if isinstance(found, Scenario)]


def mistakes_on(shelf: Path) -> list[str]:
    """What is wrong with the stories in the folders of `shelf`."""
    return [str(found) for _, found in _on(shelf) if isinstance(found, ScenarioError)]


def name_of(words: str) -> str:
    """The name of the story of this name, or at this path, also when nothing is there any more."""
    if not is_path(words):
        return words
    path = Path(words).resolve()
    path = path.parent if path.name == STORY else path
    return path.stem if path.suffix == ".toml" else path.name


def is_path(name: str) -> bool:
    """Is it no name of a story that comes with the program, but says where one is?"""
    return "/" in name or name.endswith(".toml") or name in (".", "..")


def _at(path: Path) -> Scenario:
    name = name_of(f"{path.absolute()}")
    if path.is_dir():
        return _in_folder(path, name)
    return read(_text(path), name, str(path))


def _in_folder(folder: Traversable, name: str) -> Scenario:
    story = folder.joinpath(STORY)
    scenario = read(_text(story), name, str(story))
    guide = folder.joinpath(GUIDE)
    if guide.is_file():
        scenario.guide = _text(guide)
    return scenario


def _on(shelf: Path) -> Iterator[tuple[str, Scenario | ScenarioError]]:
    for folder in sorted(each for each in shelf.iterdir() if (each / STORY).is_file()):
        try:
            yield folder.name, _in_folder(folder, folder.name)
        except ScenarioError as error:
            yield folder.name, error


def _text(file: Traversable) -> str:
    """Raises ScenarioError."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise ScenarioError(f"{file}: is too large for a scenario")
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{file}: is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ScenarioError(f"{file}: {error.strerror or error}") from None
