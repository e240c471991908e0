"""The golden pairs of `tests/golden/` through the correct ALG: every change, and no other."""

from __future__ import annotations

import pytest

from alg.base import Edits
from alg.compare import changes
from alg.edits import apply
from alg.sip.application import SIP
from alg.sip.correct import Sip
from appliance.gateway.trial import Trial
from nat.endpoint import Direction, Endpoint
from tests.golden.differences import PAGE, page
from tests.golden.pairs import Pair, pairs
from tests.support.conversation import small_nat

ALL = list(pairs().values())


def passed(pair: Pair) -> tuple[Edits, Trial]:
    """What the ALG answers after everything that came before."""
    start = pair.context()
    answer = Edits()
    for each in (*pair.history, pair):
        context = start.facing(each.direction, each.remote)
        said = Sip().inspect(each.before, context)
        assert isinstance(said, Edits)
        answer = said
        context.commit()
    return answer, start


def pinholes(context: Trial) -> list[str]:
    return sorted(
        f"{known.mapping.internal.port} <- {_peer(known.remote)}" for known in context.expectations
    )


def _peer(remote: Endpoint | None) -> str:
    return "anyone" if remote is None else str(remote).removesuffix(":0")


@pytest.mark.parametrize("pair", ALL, ids=lambda pair: pair.name)
def test_a_message_becomes_what_it_should(pair: Pair) -> None:
    answer, context = passed(pair)
    assert apply(pair.before, answer.edits).decode("latin-1") == pair.after.decode("latin-1")
    made = [(edit.start, edit.end, edit.replacement) for edit in answer.edits]
    assert made == [tuple(change) for change in pair.changes]
    assert [edit.field for edit in answer.edits] == pair.values.get("fields", [])
    assert answer.reading.value == pair.values.get("reading", "message")
    assert pinholes(context) == sorted(pair.values.get("open", []))
    again = Sip().inspect(pair.before, context.facing(pair.direction, pair.remote))
    assert isinstance(again, Edits)
    assert again.edits == answer.edits  # a repetition is no other message (RFC 3261 17.1.1.2)


def test_every_change_is_explained() -> None:
    for pair in ALL:
        answer, _ = passed(pair)
        rows = changes(pair.before, Sip(), answer.edits, Sip(), None, SIP)
        assert len(rows) == len(answer.edits), pair.name
        for row in rows:
            assert row.reason.endswith("."), pair.name
            assert row.rfc.startswith("RFC "), pair.name


def test_a_second_nat_finds_nothing_to_change() -> None:
    """What has left one NAT is foreign to the ALG of the next, whose inside is another."""
    inside, seen, server = map(
        Endpoint.parse, ("10.9.9.9:5060", "198.51.100.77:5060", "203.0.113.9:5060")
    )
    for pair in ALL:
        if pair.direction is Direction.OUT and pair.changes:
            second = small_nat(internal=inside, external=seen, remote=server)
            answer = Sip().inspect(pair.after, second)
            assert isinstance(answer, Edits), pair.name
            assert answer.edits == (), pair.name


def test_a_pair_says_what_it_shows() -> None:
    for pair in ALL:
        assert pair.says.endswith("."), pair.name
        assert len(pair.says) < 160, pair.name


def test_there_are_enough_of_every_kind() -> None:
    """Both directions, requests and answers, changed and left alone, histories."""
    assert len(ALL) >= 120
    for direction in Direction:
        some = [pair for pair in ALL if pair.direction is direction]
        assert sum(pair.before.startswith(b"SIP/2.0") for pair in some) >= 15
        assert sum(not pair.before.startswith(b"SIP/2.0") for pair in some) >= 15
    assert sum(pair.before == pair.after for pair in ALL) >= 20
    assert sum(bool(pair.history) for pair in ALL) >= 20


def test_the_page_about_the_kernel_tells_the_differences_that_are_tested() -> None:
    """`tests/host/test_kernel_alg.py` tests them against the kernel itself."""
    assert PAGE.read_text() == page(), (
        "python -m tests.golden.differences > docs/kernel-differences.md"
    )
