"""Can it be read in an evening? The shape of the source, checked by looking at it.

Imports point one way only (`tui -> appliance -> alg -> nat -> standard library`), every file tells
its story and has its test in the mirrored place, and nothing grows too long for one sitting.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.source import ROOT, name_of, read, tree

ROOMS = ("nat", "alg", "appliance", "tui")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

MAY_IMPORT = {
    "nat": {"nat"},
    "alg": {"alg", "nat"},
    "appliance": {"appliance", "alg", "nat"},
    "tui": {"tui", "appliance", "alg", "nat"},
}
DRAWING_COMMANDS = "appliance/cli/"
"""Starts the screen: the one place above the arrow, inside functions only."""
OUTSIDERS = {
    "pytun": ("appliance/wires/tun.py",),
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
    "alg/base.py": "a protocol: only names and types",
    "alg/fault.py": "a row: only names and types",
    "appliance/wires/tun.py": "system calls: tests/host/test_tun.py, as root",
    "appliance/wires/netns.py": "system calls: used by every test in tests/host",
}


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


def wrong_imports(path: Path) -> Iterator[str]:
    name = name_of(path)
    for module in imported(path):
        room = module.partition(".")[0]
        if room == "tui" and name.startswith(DRAWING_COMMANDS):
            allowed = module not in imported_at_the_top(path)
        elif room in ROOMS:
            allowed = room in MAY_IMPORT[name.partition("/")[0]]
        else:
            allowed = room in sys.stdlib_module_names or name.startswith(OUTSIDERS.get(room, ()))
        if not allowed:
            yield f"{name} imports {module}"


def test_imports_point_one_way() -> None:
    """`nat` knows nothing of SIP, `alg` nothing of sockets, `appliance` nothing of the screen."""
    assert [wrong for path in SOURCES for wrong in wrong_imports(path)] == []


def clocks_and_dice(path: Path) -> Iterator[str]:
    name = name_of(path)
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        word = f"{node.value.id}.{node.attr}"
        is_clock = word.startswith("time.") and not name.startswith(CLOCKS)
        is_shared = word.startswith("random.") and node.attr not in {"Random", "SystemRandom"}
        if is_clock or is_shared:
            yield f"{name}:{node.lineno} uses {word}"


def test_only_the_loop_has_a_clock_and_nobody_shares_a_die() -> None:
    """`now` is an argument everywhere else, and randomness comes from a `random.Random`."""
    assert [wrong for path in SOURCES for wrong in clocks_and_dice(path)] == []


def test_every_file_tells_its_story() -> None:
    told = [path for path in SOURCES if path.name != "__init__.py"]
    assert [name_of(path) for path in told if not ast.get_docstring(tree(path))] == []


def test_every_file_has_its_test_in_the_mirrored_place() -> None:
    """But for those that something else tests, and only for those."""
    tested = [path for path in SOURCES if path.name != "__init__.py"]
    assert {name_of(path) for path in tested if not mirror(path).exists()} == set(
        NO_TEST_OF_ITS_OWN
    )


def mirror(path: Path) -> Path:
    return ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")


def too_long(path: Path) -> Iterator[str]:
    lines = len(read(path).splitlines())
    if lines > LONGEST_FILE:
        yield f"{name_of(path)} has {lines} lines"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{node.name} in {name_of(path)} has {length} lines"


def test_no_file_and_no_function_is_too_long_for_one_sitting() -> None:
    assert [each for path in SOURCES for each in too_long(path)] == []
