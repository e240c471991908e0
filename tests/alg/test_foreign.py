"""Somebody's own class, made to answer like a module of ours."""

from __future__ import annotations

import pytest

from alg.base import Edits, Reason
from alg.foreign import Foreign, ForeignError, load
from alg.stream import RIGHT, Manners


class Bare:
    """As little as a class may have."""

    def inspect(self, message: bytes, context: object) -> Edits:
        return Edits(note=message.decode())

    def explain(self, rule: str) -> Reason:
        return Reason(rule, "")


class Rich(Bare):
    name = "rich"
    application = "other"
    manners = Manners(waits=False)
    decisions = {"port": max}  # noqa: RUF012


def test_what_a_class_leaves_out_is_filled_in() -> None:
    module = Foreign(Bare(), "Bare", "sip")
    assert (module.name, module.application) == ("Bare", "sip")
    assert (module.decisions, module.manners) == ({}, RIGHT)


def test_what_a_class_says_itself_counts() -> None:
    module = Foreign(Rich(), "Rich", "sip")
    assert (module.name, module.application) == ("rich", "other")
    assert (module.decisions, module.manners) == ({"port": max}, Manners(waits=False))


def test_questions_are_handed_on() -> None:
    module = Foreign(Bare(), "Bare", "sip")
    assert module.inspect(b"hello", None) == Edits(note="hello")  # type: ignore[arg-type]
    assert module.explain("a-rule") == Reason("a-rule", "")


OWN = b"""
from dataclasses import dataclass
@dataclass
class Mine:
    name = "mine"
    def inspect(self, message, context): return Edits()
    def explain(self, rule): raise KeyError(rule)
class Nameless(Mine):
    name = None
class Deaf:
    def inspect(self, message, context): return Edits()
class Fragile(Mine):
    def __init__(self): raise RuntimeError("no such luck")
class Leaving(Mine):
    def __init__(self): raise SystemExit(3)
"""


def test_a_class_in_a_file_is_a_module() -> None:
    assert load(OWN, "own.py", "Mine", "sip").name == "mine"
    assert load(OWN, "own.py", "Nameless", "sip").name == "Nameless"


@pytest.mark.parametrize(
    ("source", "name", "sentence"),
    [
        (OWN, "Mime", "'own.py' has no class 'Mime'; did you mean 'Mine'"),
        (OWN, "Deaf", "Deaf in 'own.py' has no method 'explain'"),
        (OWN, "Fragile", "'own.py' cannot be used: RuntimeError: no such luck"),
        (OWN, "Leaving", "SystemExit: 3"),
        (b"import sys; sys.exit()", "Mine", "SystemExit"),
        (b"class (", "Mine", "SyntaxError"),
        (b"\xff", "Mine", "SyntaxError"),
        (b"\0", "Mine", "null bytes"),
    ],
)
def test_whatever_a_file_raises_is_one_sentence(source: bytes, name: str, sentence: str) -> None:
    with pytest.raises(ForeignError, match=sentence):
        load(source, "own.py", name, "sip")
