"""A pair of ports is made of what one of its halves, or both, have already (RFC 3550 11)."""

from __future__ import annotations

import pytest

from nat.endpoint import Endpoint
from nat.pairs import Half, NoPair, complete
from tests.support.packets import EXTERNAL

STAYS, MOVES = True, False
FREE = frozenset(range(1, 65536))
NONE: frozenset[int] = frozenset()
SITUATIONS = [
    # RTP has     RTCP has       free ports   the pair begins at
    (None, None, FREE, "new"),
    ((4000, STAYS), (4001, STAYS), NONE, 4000),
    ((4000, MOVES), (4001, STAYS), NONE, 4000),
    ((4000, STAYS), None, {4001}, 4000),
    ((4000, MOVES), None, {4001}, 4000),
    ((4000, MOVES), None, NONE, "new"),
    ((4000, STAYS), None, {4002}, "refused"),
    ((65535, MOVES), None, FREE, "new"),
    (None, (4001, STAYS), {4000}, 4000),
    (None, (4001, MOVES), {4000}, 4000),
    (None, (4001, MOVES), {4002}, "new"),
    (None, (4001, STAYS), {4002}, "refused"),
    ((4000, STAYS), (5001, MOVES), {4001}, 4000),
    ((4000, MOVES), (5001, STAYS), {4001, 5000}, 5000),
    ((4000, MOVES), (5001, MOVES), {4001, 5000}, 4000),
    ((4000, MOVES), (5001, MOVES), {5000}, 5000),
    ((4000, MOVES), (5001, MOVES), NONE, "new"),
    ((4000, STAYS), (5001, STAYS), FREE, "refused"),
]


def half(has: tuple[int, bool] | None) -> Half | None:
    return has and Half(Endpoint.parse(f"{EXTERNAL}:{has[0]}"), has[1])


@pytest.mark.parametrize(("rtp", "rtcp", "free", "begins"), SITUATIONS)
def test_a_pair_is_made_of_what_there_is(
    rtp: tuple[int, bool] | None,
    rtcp: tuple[int, bool] | None,
    free: frozenset[int],
    begins: int | str,
) -> None:
    try:
        pair = complete(half(rtp), half(rtcp), lambda _, external: external.port in free)
    except NoPair:
        assert begins == "refused"
        return
    if pair is None:
        assert begins == "new"
        return
    assert [each.port for each in pair] == [begins, int(begins) + 1]


def test_each_half_is_asked_for_the_port_that_it_would_get() -> None:
    """A port that rests is free for the endpoint that had it, and for no other (RFC 6888 REQ-8)."""
    asked: list[tuple[int, int]] = []

    def may_have(which: int, external: Endpoint) -> bool:
        asked.append((which, external.port))
        return False

    complete(half((4000, MOVES)), None, may_have)
    complete(None, half((4001, MOVES)), may_have)
    assert asked == [(1, 4001), (0, 4000)]
