"""What the source and the tests cite, and where it is defined.

`docs/rules.md` defines the rules of a correct SIP ALG, `docs/promises.md` the promises and the
invariants: each under a heading of its own that is the name by which it is cited. The line `Tests:`
below such a heading names the tests that cite it; `docs/generate.py` writes it.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEFINED_IN = (ROOT / "docs" / "rules.md", ROOT / "docs" / "promises.md")

OF_CITATIONS = ROOT / "tests" / "test_citations.py"
"""It cites to show how, and proves nothing."""

TESTS = "Tests: "
"""How the line begins that is written here."""
NOBODY = "–"

_HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
_INVARIANT = re.compile(r"\bI-[A-Z]\d+\b")
_AND = r"(?:,\s+(?:#\s+)?|\s+(?:#\s+)?and\s+)"
_PROMISE = re.compile(rf"\b[Pp]romises?\s+(?:#\s+)?(\d(?:{_AND}\d)*)\b")
_RULE_NAME = r"[a-z]+(?:-[a-z]+)+"
_RULE = re.compile(rf"\b[Rr]ules?\s+(?:#\s+)?({_RULE_NAME}(?:{_AND}{_RULE_NAME})*)")


def cited(text: str) -> Iterator[str]:
    """The names of all that a text cites, as their headings have them: `I-E2`, `Promise 3`,
    `whole-token`."""
    yield from _INVARIANT.findall(text)
    for found in _PROMISE.finditer(text):
        yield from (f"Promise {number}" for number in re.findall(r"\d", found[1]))
    for found in _RULE.finditer(text):
        yield from re.findall(_RULE_NAME, found[1])


@cache
def definitions() -> tuple[str, ...]:
    """Everything that may be cited, in the order of the two pages."""
    texts = (page.read_text("utf-8") for page in DEFINED_IN)
    return tuple(head for text in texts for head in _HEADING.findall(text))


def with_tests(page: str) -> str:
    """A page whose lines `Tests:` name the tests that cite what their heading defines."""
    lines, heading = [], ""
    for line in page.split("\n"):
        if found := _HEADING.match(line):
            heading = found[1]
        lines.append(_tests_of(heading) if heading and line.startswith(TESTS) else line)
    return "\n".join(lines)


def _tests_of(name: str) -> str:
    links = [
        f"[`{path.rpartition('/')[2]}{f'::{test}' if test else ''}`](../{path})"
        for path, test in _citing_tests()[name]
    ]
    return TESTS + (", ".join(links) or NOBODY)


@cache
def _citing_tests() -> dict[str, list[tuple[str, str]]]:
    """By name: the file of each test that cites it, and its function; no function where the
    story of the whole file does."""
    citing: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted(set((ROOT / "tests").rglob("*.py")) - {OF_CITATIONS}):
        for name, place in _citations_in(path):
            if place not in citing[name]:
                citing[name].append(place)
    return citing


def _citations_in(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    text = path.read_text("utf-8")
    if not any(cited(text)):
        return  # most: to take a file apart takes longer than to read it
    lines = text.splitlines()
    file, module = path.relative_to(ROOT).as_posix(), ast.parse(text)
    for name in cited(ast.get_docstring(module) or ""):
        yield name, (file, "")
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for name in cited("\n".join(lines[node.lineno - 1 : node.end_lineno])):
                yield name, (file, node.name)
