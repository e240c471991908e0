"""Can it be read in an evening? The shape of the source, checked by looking at it.

Imports point one way only (`tui -> appliance -> alg -> nat -> standard library`), every file tells
its story and has its test in the mirrored place, and nothing grows too long for one sitting.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("nat", "alg", "appliance", "tui")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]

MAY_IMPORT = {
    "nat": {"nat"},
    "alg": {"alg", "nat"},
    "appliance": {"appliance", "alg", "nat"},
    "tui": {"tui", "appliance", "alg", "nat"},
}
DRAWING_COMMANDS = "appliance/cli/"
"""Starts the screen: the one place above the arrow, inside functions only."""
OUTSIDERS = {
    "pytun": ("appliance/tun.py",),
    "dnslib": ("alg/dns.py", "appliance/parties/"),
    "textual": ("tui/",),
    "rich": ("tui/",),
    "click": ("appliance/cli/",),
    "msgspec": ("appliance/", "tui/"),
}
# May look at a clock: the loop, a simulation told at a human's speed, the screen's own timer.
CLOCKS = ("appliance/loop.py", "appliance/cli/simulate.py", "tui/")
LONGEST_FILE = 700
LONGEST_FUNCTION = 60
# Tested by what uses them; a file of their own would only repeat the source.
NO_TEST_OF_ITS_OWN = {
    "nat/drop.py": "a table of sentences",
    "nat/behavior.py": "a table of values",
    "alg/base.py": "a protocol: only names and types",
    "appliance/tun.py": "system calls: tests/host/test_tun.py, as root",
    "appliance/netns.py": "system calls: used by every test in tests/host",
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or in a function, with dots."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            yield node.module or ""


def imported_at_the_top(path: Path) -> set[str]:
    return {node.module or "" for node in tree(path).body if isinstance(node, ast.ImportFrom)} | {
        alias.name
        for node in tree(path).body
        if isinstance(node, ast.Import)
        for alias in node.names
    }


def each_source() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", SOURCES, ids=NAMES)


@each_source()
def test_imports_point_one_way(path: Path) -> None:
    """`nat` knows nothing of SIP, `alg` nothing of sockets, `appliance` nothing of the screen."""
    name = str(path.relative_to(ROOT))
    for module in imported(path):
        room = module.partition(".")[0]
        if room == "tui" and name.startswith(DRAWING_COMMANDS):
            assert module not in imported_at_the_top(path), f"{name} imports {module} at its top"
        elif room in ROOMS:
            assert room in MAY_IMPORT[name.partition("/")[0]], f"{name} imports {module}"
        elif room not in sys.stdlib_module_names:
            assert name.startswith(OUTSIDERS.get(room, ())), f"{name} imports {module}"


@each_source()
def test_only_the_loop_has_a_clock_and_nobody_shares_a_die(path: Path) -> None:
    """`now` is an argument everywhere else, and randomness comes from a `random.Random`."""
    name = str(path.relative_to(ROOT))
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        word = f"{node.value.id}.{node.attr}"
        if word.startswith("time.") and not name.startswith(CLOCKS):
            raise AssertionError(f"{name}:{node.lineno} uses {word}")
        if word.startswith("random.") and node.attr not in {"Random", "SystemRandom"}:
            raise AssertionError(f"{name}:{node.lineno} uses {word}")


@each_source()
def test_every_file_tells_its_story(path: Path) -> None:
    assert path.name == "__init__.py" or ast.get_docstring(tree(path)), "no docstring"


@each_source()
def test_every_file_has_its_test_in_the_mirrored_place(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if path.name == "__init__.py" or name in NO_TEST_OF_ITS_OWN:
        return
    mirror = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
    assert mirror.exists(), f"{name} has no {mirror.relative_to(ROOT)}"


def test_no_exemption_outlives_its_file() -> None:
    assert set(NO_TEST_OF_ITS_OWN) <= set(NAMES)


@each_source()
def test_no_file_and_no_function_is_too_long_for_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"
