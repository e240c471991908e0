"""The book contains what it cites.

Source, tests and pages cite rules, invariants and promises by name: each is defined in
`docs/rules.md` or `docs/promises.md`, and each is held by a test that cites it. RFCs are cited in
one form. Nothing is cited that a reader of this project cannot open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import citations
from docs.generate import PLACE
from tests.source import ROOT, name_of, read

TEXTS = sorted(
    path
    for kind in ("*.py", "*.md", "*.toml", "*.tcss")
    for path in ROOT.rglob(kind)
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    and path.name != "pyproject.toml"  # its words are those of tools
    and path != Path(__file__)  # it shows how not to cite
)

_SECTION = r"(?:REQ-\d+|[A-Z]\.\d[\d.]*|\d{1,3}\b[\d.]*)"
_WORDS_BETWEEN = r"(?:,|\s*§|,?\s+(?:#\s+)?(?:[Ss]ection|[Ss]ec\.|[Cc]hapter))"
OTHER_FORMS = {
    "write RFC 3261 18.2.2, without a comma or a word": re.compile(
        rf"RFC \d{{3,4}}{_WORDS_BETWEEN}\s+(?:#\s+)?{_SECTION}(?!\d)"
    ),
    "write RFC 3261, with a space": re.compile(rf"\bRFC-?\d{{3,4}},?\s+{_SECTION}(?!\d)"),
}

UNKNOWN_HERE = {
    "rules have names": re.compile(r"(?<![\w-])G\d{1,2}[a-z]?\b|\b[Rr]ules?\s+\d"),
    "faults have names": re.compile(r"(?<![\w-])M\d{1,2}\b"),
    "inputs have a description": re.compile(
        r"(?<![\w-])(?!C[01]\b)[A-H]\d{1,2}\b(?!:)|\btest_[a-h]\d"
    ),
    "say where it stands in this project": re.compile(r"(?<![A-Za-z])[Cc]ontract(?!or)"),
    "a source is named or it is none": re.compile(r"\(to be shown\)"),
}


def known() -> set[str]:
    """What may be cited: all definitions, and the reasons behind edits, which are rules as well."""
    reasons = re.findall(r"^\[([a-z-]+)\]$", read(ROOT / "alg/sip/reasons.toml"), re.MULTILINE)
    return {*citations.definitions(), *reasons}


def test_every_definition_has_one_name() -> None:
    names = citations.definitions()
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_what_is_cited_is_defined() -> None:
    cited = {(name_of(path), name) for path in TEXTS for name in citations.cited(read(path))}
    defined = known()
    assert [(path, name) for path, name in sorted(cited) if name not in defined] == []


def test_what_is_defined_is_tested() -> None:
    """A rule that no test cites is a wish."""
    untested = citations.TESTS + citations.NOBODY
    assert [
        name
        for name, text in _sections().items()
        if citations.TESTS not in text or untested in text
    ] == []


def _sections() -> dict[str, str]:
    """What stands under each heading that defines something."""
    found: dict[str, str] = {}
    for page in citations.DEFINED_IN:
        for section in re.split(r"^### ", read(page), flags=re.MULTILINE)[1:]:
            head, _, text = section.partition("\n")
            found[head] = text
    return found


def test_rfcs_are_cited_in_one_form() -> None:
    assert list(_found(OTHER_FORMS)) == []


@pytest.mark.slow
def test_nothing_is_cited_that_the_project_does_not_contain() -> None:
    assert list(_found(UNKNOWN_HERE)) == []


def _found(patterns: dict[str, re.Pattern[str]]) -> Iterator[str]:
    """What should not be there, where it is, and what to do about it."""
    for path in TEXTS:
        text = _own_words(path)
        for instead, pattern in patterns.items():
            for found in pattern.finditer(text):
                line = text[: found.start()].count("\n") + 1
                yield f"{name_of(path)}:{line}: {found[0]!r}: {instead}"


def _own_words(path: Path) -> str:
    """A text without what a program has written there: that is inspected where it comes from."""
    return PLACE.sub(r"\1\3", read(path))


def test_the_patterns_find_what_they_are_for() -> None:
    """Else the tests above could not fail."""
    text = "RFC 3261, 18.2.2; RFC 3261 section 18; RFC3261 18; RFC-3261 18; RFC 4787, REQ-6"
    assert sum(len(pattern.findall(text)) for pattern in OTHER_FORMS.values()) == 5
    fine = "RFC 3261 18.2.2, RFC 3261, 3264 and 3581; RFC 4787 REQ-6; RFC4787-REQ-6, RFC4787"
    assert not any(pattern.search(fine) for pattern in OTHER_FORMS.values())
    cited = set(citations.cited("rules own-endpoint and whole-token; promises 1 and 4; I-E2"))
    assert cited == {"own-endpoint", "whole-token", "Promise 1", "Promise 4", "I-E2"}
