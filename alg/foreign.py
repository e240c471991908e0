"""Somebody's own module: a class in a file, made to answer like one of ours.

A class of twenty lines is enough (`docs/alg/your-own.md`): `inspect` and `explain`. What else a
module may have (`alg.base.Alg`) is filled in here, once, when the file is loaded.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from alg.base import AlgContext, Edits, Reason, Refuse
from alg.stream import RIGHT, Manners
from nat.policy import Decide


class ForeignError(ValueError):
    """The file or its class cannot be used. The text is a sentence."""


class Foreign:
    """An `Alg` around an object of somebody's own class. `application` is the protocol of the slot
    that it is for, unless its class names another."""

    def __init__(self, made: Any, class_name: str, application: str) -> None:
        name = getattr(made, "name", None)
        self.name: str = name if isinstance(name, str) else class_name
        self.application: str = getattr(made, "application", application)
        self.decisions: Mapping[str, Decide] = getattr(made, "decisions", {})
        self.manners: Manners = getattr(made, "manners", RIGHT)
        self._made = made

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        answer: Edits | Refuse = self._made.inspect(message, context)
        return answer

    def explain(self, rule: str) -> Reason:
        reason: Reason = self._made.explain(rule)
        return reason


def load(path: Path, class_name: str, application: str) -> Foreign:
    """The class `class_name` in the file at `path`. Whatever the file raises becomes a sentence: it
    is its author's code, and a traceback of ours would not help them. Raises ForeignError."""
    if not path.is_file():
        raise ForeignError(f"there is no file {str(path)!r}")
    if not class_name:
        raise ForeignError(f"{str(path)!r} needs the name of its class: {path}:Class")
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
        raise ForeignError(f"{str(path)!r} has no class {class_name!r}{hint}") from None
    except Exception as error:
        sentence = f"{str(path)!r} cannot be used: {type(error).__name__}: {error}"
        raise ForeignError(sentence) from error
    for method in ("inspect", "explain"):
        if not callable(getattr(made, method, None)):
            raise ForeignError(f"{class_name} in {str(path)!r} has no method {method!r}")
    return Foreign(made, class_name, application)
