"""The project's own files, for tests that read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WINGS = ("nat", "alg", "appliance", "tui")
"""Of the house, from below: each may know those before it."""
SOURCES = sorted(path for wing in WINGS for path in (ROOT / wing).rglob("*.py"))


def name_of(path: Path) -> str:
    """`nat/mapping.py`"""
    return str(path.relative_to(ROOT))


@cache
def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(read(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


# --- imports -------------------------------------------------------------------------------------


def module_of(path: Path) -> str:
    """`nat.mapping`; of a folder's `__init__.py` the folder."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in SOURCES}


@cache
def imported(path: Path) -> tuple[str, ...]:
    """Every module that a file imports: at its top, in a function, under `TYPE_CHECKING`."""
    return tuple(name for node in nodes(path) for name in _modules_in(node, path))


@cache
def imported_at_the_top(path: Path) -> frozenset[str]:
    return frozenset(name for node in tree(path).body for name in _modules_in(node, path))


def _modules_in(node: ast.AST, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, f"{path}: imports are absolute"
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in MODULES else node.module or ""
