"""Can it be read? The shape of the house, checked by looking at its source.

Imports form no circle, neither of files nor of rooms (a room is a file, or a folder with all that
is in it); every import points down; every file tells its story, has its test in the mirrored place,
and is short enough for one sitting. An import under `TYPE_CHECKING` counts like any other: who
reads the one file has to know the other.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from alg.registry import APPLICATIONS
from alg.registry import MODULES as BUILT_IN
from tests.source import (
    MODULES,
    ROOT,
    SOURCES,
    WINGS,
    imported,
    imported_at_the_top,
    name_of,
    nodes,
    read,
    tree,
)

FLOORS_OF_THE_APPLIANCE = (
    {"version", "settings", "wires", "parties"},
    {"journal"},
    {"gateway"},
    {"datapath"},
    {"engine"},
    {"control"},
    {"loop", "sim", "forensics"},
    {"namespaces"},
    {"cli"},
)
"""From below. A room may know the rooms of lower floors, and none of its own floor."""
MOST_ROOMS_OF_THE_APPLIANCE = 14
LONGEST_FILE = 450
LONGEST_FUNCTION = 60

# What is not in order yet. These lists only shrink: an entry that is not needed fails its test.
KNOWN_CIRCLES: set[tuple[str, ...]] = set()
KNOWN_WAYS_UP: set[str] = set()
KNOWN_LONG_FILES: set[str] = set()
KNOWN_WITHOUT_MIRROR: set[str] = set()

DRAWING_COMMANDS = "appliance.cli."
"""Starts the screen: the one place that may look up, inside functions only."""
OUTSIDERS = {
    "pytun": ("appliance/wires/tun.py",),
    "dnslib": tuple(f"appliance/parties/{name}.py" for name in ("answers", "signatures", "zone")),
    "textual": ("tui/",),
    "rich": ("tui/",),
    "click": ("appliance/cli/",),
    "msgspec": ("appliance/", "tui/"),
    "joblib": ("appliance/sim/matrix.py",),
    "distributed": ("appliance/sim/matrix.py",),
}
# May look at a clock: the loop, who waits for somebody else's module, a simulation told at a
# human's speed, the screen's own timer.
CLOCKS = (
    "appliance/loop.py",
    "appliance/namespaces/lab/stage.py",
    "appliance/gateway/workers/workshop.py",
    "appliance/cli/simulate.py",
    "tui/",
)
OWN_DIE = "appliance/gateway/workers/worker.py"  # seeds that of somebody's own module
PROTOCOL_ROOMS = tuple(f"alg.{name}" for name in APPLICATIONS)
PROTOCOLS = re.compile(
    rf"(?<![\w-])(?:{'|'.join({*APPLICATIONS, *BUILT_IN} - {'off'})})(?![\w-])", re.IGNORECASE
)
"""Applications and their modules, as whole words."""
MAY_NAME_A_PROTOCOL = (
    *(f"alg/{name}" for name in APPLICATIONS),
    "alg/registry.py",
    "appliance/settings/sections/alg.py",
    "appliance/settings/rfc.py",  # which setting is idle while another is off
    "appliance/parties/",
    "appliance/cli/base.py",  # help
    "appliance/cli/modules.py",  # help, and the default of `alg diff`
    "tui/picture.py",  # the story that it tells
)
# Tested by what uses them; a file of their own would only repeat the source.
NO_TEST_OF_ITS_OWN = {
    "alg/base.py": "a protocol: only names and types",
    "tui/stage.py": "a protocol: only names and types",
    "tui/feed.py": "protocols; the tests of its three kinds try them",
    "tui/messages.py": "only names; the widgets' tests see them arrive",
    "appliance/namespaces/lab/house.py": "a process in namespaces: tests/host/test_lab.py, as root",
    "appliance/wires/tun.py": "system calls: tests/host/test_tun.py, as root",
    "appliance/wires/netns.py": "system calls: used by every test in tests/host",
}


# --- circles -------------------------------------------------------------------------------------

Graph = Mapping[str, set[str]]


@cache
def files() -> Graph:
    """Which file knows which, but for the screen that a command starts."""
    return {module: _known_to(module) for module in MODULES}


def _known_to(module: str) -> set[str]:
    path = MODULES[module]
    known = {each for each in imported(path) if each in MODULES} - {module}
    if module.startswith(DRAWING_COMMANDS):
        known -= {each for each in known if each.startswith("tui.")} - imported_at_the_top(path)
    return known


def rooms(folder: str) -> Graph:
    """What stands in a folder, each as one: `appliance.journal` with all its files."""
    within = f"{folder}." if folder else ""
    depth = within.count(".") + 1
    seen: dict[str, set[str]] = {}
    for module, known in files().items():
        if module.startswith(within):
            room = _cut(module, depth)
            inside = {_cut(each, depth) for each in known if each.startswith(within)}
            seen.setdefault(room, set()).update(inside - {room})
    return seen


def _cut(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


FOLDERS = ["", *sorted({module.rpartition(".")[0] for module in MODULES} - {""})]


def circles(graph: Graph) -> set[tuple[str, ...]]:
    """Groups in which each leads to each."""
    ways = {start: _reached(graph, start) for start in graph}
    return {
        tuple(sorted(each for each in ways[start] if start in ways[each]))
        for start in graph
        if start in ways[start]
    }


def _reached(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_a_circle_is_found_and_a_diamond_is_none() -> None:
    diamond = {"roof": {"left", "right"}, "left": {"floor"}, "right": {"floor"}, "floor": set()}
    assert circles(diamond) == set()
    assert circles({**diamond, "floor": {"left"}}) == {("floor", "left")}
    assert circles({**diamond, "floor": {"roof"}}) == {("floor", "left", "right", "roof")}


@pytest.mark.slow
def test_no_circle_of_files_and_none_of_rooms_on_any_floor() -> None:
    found = circles(files()).union(*(circles(rooms(folder)) for folder in FOLDERS))
    assert found == KNOWN_CIRCLES


# --- directions ----------------------------------------------------------------------------------


def ways_up(graph: Graph, floors: tuple[set[str], ...]) -> Iterator[str]:
    level = {room: number for number, floor in enumerate(floors) for room in floor}
    for room, known in graph.items():
        for each in known:
            if level[each] >= level[room]:
                yield f"{room} knows {each}"


def test_every_room_of_the_appliance_has_its_floor() -> None:
    assert sorted(rooms("appliance")) == sorted(
        f"appliance.{room}" for floor in FLOORS_OF_THE_APPLIANCE for room in floor
    )
    assert len(rooms("appliance")) <= MOST_ROOMS_OF_THE_APPLIANCE


def test_imports_point_down() -> None:
    """`nat` knows nothing of SIP, `alg` nothing of sockets, `appliance` nothing of the screen; nor
    the journal of a gateway, nor the engine of a loop."""
    floors = tuple({f"appliance.{room}" for room in floor} for floor in FLOORS_OF_THE_APPLIANCE)
    found = {*ways_up(rooms(""), tuple({wing} for wing in WINGS))}
    assert found | {*ways_up(rooms("appliance"), floors)} == KNOWN_WAYS_UP


def foreign_imports(path: Path) -> Iterator[str]:
    name = name_of(path)
    for module in imported(path):
        room = module.partition(".")[0]
        known = module in MODULES or room in sys.stdlib_module_names
        if not known and not name.startswith(OUTSIDERS.get(room, ())):
            yield f"{name} imports {module}"


def test_what_others_have_made_is_used_where_it_belongs() -> None:
    assert [wrong for path in SOURCES for wrong in foreign_imports(path)] == []


def named_protocols(path: Path) -> Iterator[str]:
    """Protocols and their modules in the strings of a file, but for those that explain, and in its
    imports."""
    explaining = {id(node.value) for node in nodes(path) if isinstance(node, ast.Expr)}
    for node in nodes(path):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in explaining and (found := PROTOCOLS.search(node.value)):
            yield f"{name_of(path)}:{node.lineno} names {found[0]}"
    for module in imported(path):
        if module.startswith(PROTOCOL_ROOMS):
            yield f"{name_of(path)} imports {module}"


def test_a_protocol_is_named_where_it_is_at_home() -> None:
    """So that another one is a folder of modules, a row of the registry and a section of the
    settings."""
    away = [path for path in SOURCES if not name_of(path).startswith(MAY_NAME_A_PROTOCOL)]
    assert [wrong for path in away for wrong in named_protocols(path)] == []
    for home in MAY_NAME_A_PROTOCOL:
        own = [path for path in SOURCES if name_of(path).startswith(home)]
        assert any(wrong for path in own for wrong in named_protocols(path)), home


def clocks_and_dice(path: Path) -> Iterator[str]:
    name = name_of(path)
    for node in nodes(path):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        word = f"{node.value.id}.{node.attr}"
        is_clock = word.startswith("time.") and not name.startswith(CLOCKS)
        is_shared = word.startswith("random.") and node.attr not in {"Random", "SystemRandom"}
        is_shared &= name != OWN_DIE
        if is_clock or is_shared:
            yield f"{name}:{node.lineno} uses {word}"


def test_only_the_loop_has_a_clock_and_nobody_shares_a_die() -> None:
    """`now` is an argument everywhere else, and randomness comes from a `random.Random`."""
    assert [wrong for path in SOURCES for wrong in clocks_and_dice(path)] == []


# --- files ---------------------------------------------------------------------------------------


def test_every_file_tells_its_story() -> None:
    told = [path for path in SOURCES if path.name != "__init__.py"]
    assert [name_of(path) for path in told if not ast.get_docstring(tree(path))] == []


def test_every_file_has_its_test_in_the_mirrored_place() -> None:
    """But for those that something else tests, and only for those."""
    tested = [path for path in SOURCES if path.name != "__init__.py"]
    bare = {name_of(path) for path in tested if not mirror(path).exists()}
    assert bare - set(NO_TEST_OF_ITS_OWN) == KNOWN_WITHOUT_MIRROR
    assert bare >= set(NO_TEST_OF_ITS_OWN)


def mirror(path: Path) -> Path:
    return ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")


def test_no_file_is_too_long_for_one_sitting() -> None:
    long = {name_of(path) for path in SOURCES if len(read(path).splitlines()) > LONGEST_FILE}
    assert long == KNOWN_LONG_FILES


def too_long(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{node.name} in {name_of(path)} has {length} lines"


def test_no_function_is_too_long_for_one_look() -> None:
    assert [each for path in SOURCES for each in too_long(path)] == []
