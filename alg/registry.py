"""Which module a SPEC names: `off`, `sip`, `sip-poor:FAULT,FAULT`, or `path/to/file.py:Class`.

Registration is a table. A module of somebody's own needs no registration at all: a file and a
class with the methods of `alg.base.Alg` will do.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple, cast

from alg.base import Alg
from alg.off import Off
from alg.sip.correct import Sip
from alg.sip_poor.aim import AimError
from alg.sip_poor.faults import FAULTS
from alg.sip_poor.poor import SipPoor, UnknownFault


class Module(NamedTuple):
    """A built-in module, as `alg list` shows it."""

    name: str
    title: str
    does: str
    make: Callable[[Sequence[str]], Alg]
    takes_faults: bool = False


class SpecError(ValueError):
    """A SPEC that names nothing. The text is a sentence with the nearest valid value."""


MODULES: dict[str, Module] = {
    "off": Module(
        "off",
        "No ALG",
        "Leaves every message alone, which is often best.",
        lambda faults: Off(),
    ),
    "sip": Module(
        "sip",
        "The correct SIP ALG",
        "Translates exactly the tokens that are endpoints of the inside host, and opens pinholes.",
        lambda faults: Sip(),
    ),
    "sip-poor": Module(
        "sip-poor",
        "A SIP ALG that is wrong on purpose",
        "Does what the correct one does, except for the faults that are switched on.",
        lambda faults: _poor(faults),
        takes_faults=True,
    ),
}


def load(spec: str, faults: Sequence[str] = ()) -> Alg:
    """The module that `spec` names. `faults` are those of the scenario or profile, for a
    `sip-poor` that names none itself. Raises SpecError."""
    name, colon, rest = spec.partition(":")
    module = MODULES.get(name)
    if is_foreign(spec):
        return _foreign(Path(name), rest)
    if module is None:
        there_are = f"there are {', '.join(MODULES)} and path/to/file.py:Class"
        raise SpecError(f"{spec!r} is not a module{nearest(name, MODULES, there_are)}")
    if colon and not module.takes_faults:
        raise SpecError(f"{name!r} takes no faults; did you mean 'sip-poor:{rest}'?")
    named = [part.strip() for part in rest.split(",") if part.strip()]
    return module.make(named if colon else faults)


def is_foreign(spec: str) -> bool:
    """Does `spec` name somebody's own module, and not one of ours?"""
    name = spec.partition(":")[0]
    return name not in MODULES and name.endswith(".py")


def nearest(word: str, valid: Iterable[str], otherwise: str) -> str:
    """The end of an error's sentence: the valid value most like `word`, or what else to say."""
    close = get_close_matches(word, list(valid), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; {otherwise}"


def _poor(faults: Sequence[str]) -> Alg:
    try:
        return SipPoor(faults)
    except UnknownFault as unknown:
        name = str(unknown)
        hint = nearest(name, FAULTS, "`glassnat alg list` shows them all")
        raise SpecError(f"{name!r} is not a fault of sip-poor{hint}") from None
    except AimError as error:
        raise SpecError(str(error)) from None


def _foreign(path: Path, class_name: str) -> Alg:
    """An instance of somebody's own class. Whatever their file raises becomes a sentence: it is
    their code, and a traceback of ours would not help them."""
    if not path.is_file():
        raise SpecError(f"there is no file {str(path)!r}")
    if not class_name:
        raise SpecError(f"{str(path)!r} needs the name of its class: {path}:Class")
    specification = importlib.util.spec_from_file_location(f"foreign_alg_{path.stem}", path)
    assert specification is not None  # a name that ends in .py always has a loader
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
        made = vars(module)[class_name]()
    except KeyError:
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        close = get_close_matches(class_name, classes, n=1, cutoff=0.3)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise SpecError(f"{str(path)!r} has no class {class_name!r}{hint}") from None
    except Exception as error:
        raise SpecError(f"{str(path)!r} cannot be used: {type(error).__name__}: {error}") from error
    for method in ("inspect", "explain"):
        if not callable(getattr(made, method, None)):
            raise SpecError(f"{class_name} in {str(path)!r} has no method {method!r}")
    if not isinstance(getattr(made, "name", None), str):
        made.name = class_name
    return cast("Alg", made)
