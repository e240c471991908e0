"""Somebody's own class, made to answer like a module of ours."""

from __future__ import annotations

from pathlib import Path

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


def test_a_file_that_ends_the_program_is_no_module(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text("raise RuntimeError('no such luck')")
    with pytest.raises(ForeignError, match="RuntimeError: no such luck"):
        load(file, "Mine", "sip")
