"""A SPEC names a module; a wrong one is answered with the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from alg.registry import MODULES, SpecError, load
from alg.sip_poor.poor import SipPoor

OWN = """
from alg.base import Edits
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
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_every_listed_module_loads_under_its_name() -> None:
    for name, module in MODULES.items():
        assert load(name).name == name == module.name
        assert module.title
        assert module.does.endswith(".")


def test_faults_come_with_the_spec_or_from_the_scenario() -> None:
    """`sip-poor` alone takes the scenario's or profile's faults."""
    named = load("sip-poor:no-sdp, callid-oneway", ["unused"])
    assert isinstance(named, SipPoor)
    assert [fault.name for fault, _ in named.faults] == ["no-sdp", "callid-oneway"]
    given = load("sip-poor", ["no-sdp"])
    assert isinstance(given, SipPoor)
    assert [fault.name for fault, _ in given.faults] == ["no-sdp"]
    none = load("sip-poor:")
    assert isinstance(none, SipPoor)
    assert none.faults == []


def test_a_class_in_a_file_is_a_module(own: Path) -> None:
    assert load(f"{own}:Mine").name == "mine"
    assert load(f"{own}:Nameless").name == "Nameless"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("of", "did you mean 'off'"),
        ("zebra", "there are off"),
        ("sip:no-sdp", "did you mean 'sip-poor:no-sdp'"),
        ("sip-poor:no-sdb", "did you mean 'no-sdp'"),
        ("sip-poor:zebra", "alg list"),
        ("sip-poor:no-sdp@moon=full", "method, direction, nth, code"),
        ("", "is not a module"),
        ("off:no-sdp", "takes no faults"),
        ("missing.py:Mine", "no file"),
        ("{own}", "needs the name of its class"),
        ("{own}:", "needs the name of its class"),
        ("{own}:Mime", "did you mean 'Mine'"),
        ("{own}:Deaf", "no method 'explain'"),
        ("{own}:Fragile", "RuntimeError: no such luck"),
    ],
)
def test_a_wrong_spec_is_one_sentence(own: Path, spec: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        load(spec.format(own=own))


def test_a_file_that_is_not_python_is_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("class (")
    with pytest.raises(SpecError, match="SyntaxError"):
        load(f"{broken}:Mine")
