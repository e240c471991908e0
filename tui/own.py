"""Modules of somebody's own beside the screen: which there are, where in them a rule stands, and
whether one was saved.

Files are read as text, and nothing of them is run here: a module runs in a process of its own, and
only once somebody has chosen it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

from alg.spec import is_foreign
from appliance.journal.events import MessagePassed

METHODS = {"inspect", "explain"}
"""What makes a class a module (`alg.base.Alg`)."""
MOST = 8
LARGEST = 1 << 18  # bytes
Stamp = tuple[int, int]


def modules_in(folder: Path) -> list[str]:
    """The SPECs of the modules in the files of a folder, by file name, the first `MOST` of them."""
    found: list[str] = []
    for file in sorted(folder.glob("*.py")):
        found += [f"{file.name}:{name}" for name in _classes(file)]
        if len(found) >= MOST:
            break
    return found[:MOST]


def line_of(spec: str, rule: str) -> str:
    """`live.py:23`, where a module first names a rule; empty when it does not."""
    path = Path(spec.rpartition(":")[0])
    for node in _nodes(path, stamp(path)):
        if isinstance(node, ast.Constant) and node.value == rule:
            return f"{path.name}:{node.lineno}"
    return ""


def with_lines(event: MessagePassed) -> MessagePassed:
    """A message whose changes say where in somebody's own module their rule stands."""
    if not is_foreign(event.module):
        return event
    changes = [
        msgspec.structs.replace(each, rfc=f"{each.rfc}  {where}".strip())
        if each.before != each.after and (where := line_of(event.module, each.rule))
        else each
        for each in event.changes
    ]
    return msgspec.structs.replace(event, changes=changes)


class Watch:
    """Looks whether the files of modules that are in use have been saved."""

    def __init__(self) -> None:
        self._seen: dict[str, Stamp] = {}

    def saved(self, specs: Iterable[str]) -> str:
        """The name of a file that is another one than at the last look; empty if none is."""
        files = [spec.rpartition(":")[0] for spec in specs if is_foreign(spec)]
        now = {file: stamp(Path(file)) for file in files}
        before, self._seen = self._seen, now
        changed = (file for file in files if now[file] != before.get(file, now[file]))
        return Path(next(changed, "")).name


def stamp(path: Path) -> Stamp:
    """Of a file: another one after each time that it was saved."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _classes(file: Path) -> Iterator[str]:
    for node in _nodes(file, stamp(file)):
        if isinstance(node, ast.ClassDef):
            methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
            if methods >= METHODS:
                yield node.name


@lru_cache(32)
def _nodes(file: Path, version: Stamp) -> list[ast.AST]:
    """All of a file, in the order in which it is read; nothing of one that cannot be. `version`:
    its stamp."""
    try:
        if version[1] > LARGEST:
            return []
        tree = ast.parse(file.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    return sorted(ast.walk(tree), key=lambda node: getattr(node, "lineno", 0))
