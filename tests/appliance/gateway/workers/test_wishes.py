"""What a module of somebody's own is told of a decision, and what it may answer."""

from __future__ import annotations

import random
from typing import Any

import pytest

from appliance.gateway.workers import frames, wishes
from appliance.gateway.workers.wishes import NotForStrangers
from nat.endpoint import UDP, Endpoint
from nat.mapping import OpenedBy
from nat.policy import POINTS, AddressWish, PortWish
from tests.support.rig import pinned, table

INSIDE = Endpoint.parse("192.168.20.100:4000")
REMOTE = Endpoint.parse("203.0.113.9:7000")


def asked(point: str, normal: object, *facts: Any, ask: Any = None) -> tuple[Any, list[Any]]:
    """What the worker's function gets, after the way over the line."""
    question = frames.decode_from_appliance(frames.encode(wishes.packed(point, normal, facts)))
    assert isinstance(question, frames.Decide)
    return wishes.unpacked(question, ask)  # type: ignore[return-value]


def test_points_that_are_about_all_flows_are_not_for_strangers() -> None:
    wishes.check(sorted(POINTS - wishes.OURS))
    for point in (*wishes.OURS, "ports"):
        with pytest.raises(NotForStrangers, match=point):
            wishes.check([point])


def test_an_address_is_chosen_among_those_that_there_are() -> None:
    normal, (wish,) = asked("external_address", 7, AddressWish(INSIDE, [7, 8], None))
    assert (normal, wish) == (7, AddressWish(INSIDE, [7, 8], None))
    assert type(wish.internal) is Endpoint


@pytest.mark.parametrize("point", ["port", "rtcp_port"])
def test_a_port_is_asked_about_in_the_appliance(point: str) -> None:
    said: list[object] = []
    wish = PortWish(UDP, INSIDE, None, random.Random(1))
    normal, (seen,) = asked(point, 4000, wish, ask=said.append)
    assert (normal, seen.protocol, seen.internal) == (4000, UDP, INSIDE)
    seen.is_free(5000)
    seen.was_given_up(5001)
    seen.at_random(parity=False)
    assert said == [
        frames.AskWish("is_free", 5000),
        frames.AskWish("was_given_up", 5001),
        frames.AskWish("at_random", 0),
    ]


def test_what_a_wish_is_asked_it_answers() -> None:
    wish = PortWish(UDP, INSIDE, None, random.Random(1))
    assert wishes.granted(wish, frames.AskWish("is_free", 5000)) is True
    assert wishes.granted(wish, frames.AskWish("was_given_up", 5000)) is False
    assert wishes.granted(wish, frames.AskWish("at_random", 1)) is None
    with pytest.raises(ValueError, match="no port to ask about"):
        wishes.granted(7, frames.AskWish("is_free", 5000))


def test_flows_and_mappings_are_told_as_plain_facts() -> None:
    tables = table()
    mapping = pinned(tables.mappings.pin(UDP, INSIDE, 0.0))
    flow = tables.open_flow(mapping, REMOTE, OpenedBy.PACKET, 0.0)
    _, (seen,) = asked("cuts_on_rst", False, flow)
    assert (seen.id, seen.remote) == (flow.id, REMOTE)
    assert seen.mapping == wishes.MappingSeen(UDP, INSIDE, flow.mapping.external)
    assert asked("serves", True, flow.mapping, REMOTE) == (True, [seen.mapping, REMOTE])


def test_numbers_are_told_as_they_are() -> None:
    assert asked("finish", 5, 7) == (5, [7])
    assert asked("takes_fragment", True, 1480) == (True, [1480])
