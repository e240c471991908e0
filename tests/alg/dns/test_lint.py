"""What is found wrong with a message."""

from __future__ import annotations

import pytest

from alg.dns.lint import findings
from tests.alg.dns.situations import INSIDE, OUTSIDE, answering, asking, by_tcp

NAME = asking("pbx.example.net")
GOOD = answering(NAME, OUTSIDE)


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (GOOD, []),
        (by_tcp(GOOD), []),
        (b"no", ["not-dns"]),
        (GOOD[:-1], ["unreadable"]),
        (GOOD + b"x", ["trailing"]),
        (b"\0\7" + GOOD, ["unreadable", "length"]),
        (answering(NAME, INSIDE), ["private-address"]),
    ],
    ids=["good", "good-by-tcp", "not", "cut", "more", "wrong-length", "private"],
)
def test_findings(message: bytes, names: list[str]) -> None:
    assert [each.name for each in findings(message)] == names
    for each in findings(message):
        assert each.sentence.endswith(".")
        assert each.rfc.startswith("RFC ")
