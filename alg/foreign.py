"""Somebody's own module: a class in a file, made to answer like one of ours.

A class of twenty lines is enough (`docs/alg/your-own.md`): `inspect` and `explain`. What else a
module may have (`alg.base.Alg`) is filled in here, once, when the file is loaded. It is loaded into
a process of its own and never into the appliance's; that is `appliance/gateway/workers`' affair.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from alg.base import AlgContext, Edits, Reason, Refuse
from alg.stream import RIGHT, Manners
from nat.policy import Decide

MODULE_NAME = "foreign_alg"
"""What the file's module is called in `sys.modules`, where dataclasses look for it."""


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


def load(source: bytes, path: str, class_name: str, application: str) -> Foreign:
    """The class `class_name` of a file with the text `source`, called `path` in sentences. Whatever
    the file raises becomes a sentence: it is its author's code, and a traceback of ours would not
    help them. Raises ForeignError."""
    module = ModuleType(MODULE_NAME)
    module.__file__ = path
    sys.modules[MODULE_NAME] = module
    try:
        exec(compile(source, path, "exec"), vars(module))
        if class_name not in vars(module):
            classes = [name for name, value in vars(module).items() if isinstance(value, type)]
            close = get_close_matches(class_name, classes, n=1, cutoff=0.66)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ForeignError(f"{path!r} has no class {class_name!r}{hint}")
        made = vars(module)[class_name]()
    except ForeignError:
        raise
    except BaseException as error:  # also sys.exit()
        sentence = f"{path!r} cannot be used: {type(error).__name__}: {error}"
        raise ForeignError(sentence) from error
    for method in ("inspect", "explain"):
        if not callable(getattr(made, method, None)):
            raise ForeignError(f"{class_name} in {path!r} has no method {method!r}")
    return Foreign(made, class_name, application)
