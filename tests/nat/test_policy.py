"""Where the NAT decides, and what an answer of somebody else must be like to count."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from nat.behavior import Behavior
from nat.endpoint import UDP, Endpoint
from nat.mapping import Mapping, OpenedBy
from nat.policy import POINTS, Policy, PortWish, ReverseWish, UnknownPoint
from nat.ports import PortPool

A = Endpoint.parse("192.168.20.10:4000")
B = Endpoint.parse("192.168.20.11:4000")
EXTERNAL = Endpoint.parse("203.0.113.1:4000")
REMOTE = Endpoint.parse("198.51.100.7:5000")
MAPPING = Mapping(1, UDP, A, EXTERNAL, OpenedBy.PACKET)
FLOW: Any = SimpleNamespace(id=7)
POOL = PortPool(1024, 65535, 120.0)
WISH = (UDP, A, POOL, random.Random(1))
ADDRESSES = (A, (EXTERNAL.address, 9), None)
BEHAVIOR = Behavior(networks=[], external=[EXTERNAL.address])

Ask = Callable[[Policy], Any]

ASKING: dict[str, tuple[Ask, Any]] = {
    "behavior": (lambda to: to.behavior(BEHAVIOR), BEHAVIOR),
    "external_address": (lambda to: to.external_address(9, *ADDRESSES), 9),
    "port": (lambda to: to.port(4000, *WISH), 4000),
    "rtp_port": (lambda to: to.rtp_port(4000, *WISH[1:]), 4000),
    "rtcp_port": (lambda to: to.rtcp_port(4001, *WISH[1:]), 4001),
    "serves": (lambda to: to.serves(True, MAPPING, REMOTE), True),
    "untranslated": (lambda to: to.untranslated(False, A, REMOTE, 0.0), False),
    "reverse": (lambda to: to.reverse(A, MAPPING, REMOTE, {}), A),
    "halfway": (lambda to: to.halfway(A), None),
    "cuts_on_rst": (lambda to: to.cuts_on_rst(False, FLOW), False),
    "cuts_on_icmp": (lambda to: to.cuts_on_icmp(False, FLOW), False),
    "victim": (lambda to: to.victim(None, {7: FLOW}), None),
    "takes_fragment": (lambda to: to.takes_fragment(True, 8), True),
    "finish": (lambda to: to.finish(0x1234, 0x5678), 0x1234),
}
"""How each point is asked, and the normal answer."""


def test_every_point_is_asked_here() -> None:
    assert set(ASKING) == POINTS


@pytest.mark.parametrize("point", sorted(POINTS))
def test_normally_the_nat_decides(point: str) -> None:
    ask, normal = ASKING[point]
    assert ask(Policy()) == normal
    assert point not in Policy().others


@pytest.mark.parametrize("point", sorted(POINTS))
def test_others_hear_the_normal_answer_and_may_agree(point: str) -> None:
    ask, normal = ASKING[point]
    heard = []

    def agree(answer: Any, *facts: object) -> Any:
        heard.append((answer, len(facts)))
        return answer

    decisions = Policy({point: agree})
    assert ask(decisions) == normal
    assert [answer for answer, _ in heard] == [normal]
    assert decisions.others == {point}


@pytest.mark.parametrize(
    ("point", "answer"),
    [
        ("external_address", EXTERNAL.address),
        ("port", 5000),
        ("port", None),
        ("rtcp_port", 5001),
        ("serves", False),
        ("untranslated", True),
        ("reverse", A._replace(port=9)),
        ("halfway", A._replace(port=9)),
        ("cuts_on_rst", True),
        ("cuts_on_icmp", True),
        ("victim", FLOW),
        ("takes_fragment", False),
        ("finish", 0x5678),
    ],
)
def test_somebody_else_may_decide(point: str, answer: Any) -> None:
    ask, normal = ASKING[point]
    assert ask(Policy({point: lambda normal, *facts: answer})) == answer != normal


@pytest.mark.parametrize(
    ("point", "answer"),
    [
        ("external_address", 1),
        ("external_address", None),
        ("port", 0),
        ("port", 65536),
        ("port", "4000"),
        ("port", 5000.0),
        ("rtcp_port", None),
        ("rtcp_port", -1),
        ("reverse", B),
        ("reverse", A._replace(port=0)),
        ("reverse", None),
        ("halfway", B),
        ("halfway", 9),
        ("victim", SimpleNamespace(id=8)),
        ("victim", 7),
        ("finish", 0x10000),
        ("finish", None),
    ],
)
def test_an_answer_that_no_nat_could_act_on_does_not_count(point: str, answer: Any) -> None:
    """Nothing ever reaches another host than the one whose mapping it is."""
    ask, normal = ASKING[point]
    assert ask(Policy({point: lambda normal, *facts: answer})) == normal


def test_nobody_else_decides_who_is_inside() -> None:
    other = Behavior(networks=[], external=[9], hairpin=False)
    decided = Policy({"behavior": lambda normal: other}).behavior(BEHAVIOR)
    assert (decided.external, decided.hairpin) == (BEHAVIOR.external, False)


def test_what_is_done_to_the_settings_on_the_side_does_not_count() -> None:
    Policy({"behavior": lambda normal: setattr(normal, "hairpin", False)}).behavior(BEHAVIOR)
    assert BEHAVIOR.hairpin


def test_the_later_one_has_the_last_word() -> None:
    decisions = Policy({"port": lambda port, wish: port + 1}, {"port": lambda port, wish: 9})
    assert decisions.port(4000, *WISH) == 9
    decisions = Policy({"port": lambda port, wish: 9}, {"port": lambda port, wish: port + 1})
    assert decisions.port(4000, *WISH) == 10


def test_a_point_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownPoint, match="'ports' is not a decision point"):
        Policy({"ports": lambda normal: normal})


def test_a_wish_for_a_port_knows_the_pool() -> None:
    pool = PortPool(1024, 65535, 120.0)
    pool.take(5000)
    pool.take(4000)
    pool.release(4000, A, 0.0)
    wish = PortWish(UDP, A, pool, random.Random(1))
    assert [wish.is_free(port) for port in (4000, 5000, 5001)] == [True, False, True]
    assert [wish.was_given_up(port) for port in (4000, 5001)] == [True, False]
    other = PortWish(UDP, B, pool, random.Random(1))
    assert not other.is_free(4000)
    assert not other.was_given_up(4000)
    drawn = {wish.at_random() for _ in range(50)}
    assert len(drawn) > 40
    assert not drawn & {4000, 5000}
    assert all(port is not None and port % 2 == 0 for port in drawn)


def test_all_ports_of_a_one_to_one_rule_are_its_own() -> None:
    wish = PortWish(UDP, A, None, random.Random(1))
    assert wish.is_free(1)
    assert not wish.was_given_up(1)
    assert wish.at_random() is None


def test_a_wish_for_the_way_back_knows_the_siblings() -> None:
    """Endpoints of the same host and protocol, the oldest first."""
    second, third, foreign = (
        Mapping(2, UDP, A._replace(port=4002), EXTERNAL._replace(port=4002), OpenedBy.PACKET),
        Mapping(3, UDP, A._replace(port=4004), EXTERNAL._replace(port=4004), OpenedBy.PACKET),
        Mapping(4, UDP, B, EXTERNAL._replace(port=4006), OpenedBy.PACKET),
    )
    table = {(UDP, *each.external): [each] for each in (MAPPING, foreign, second, third)}
    table[6, EXTERNAL.address, 1] = [Mapping(5, 6, A._replace(port=1), EXTERNAL, OpenedBy.PACKET)]
    wish = ReverseWish(MAPPING, REMOTE, table)
    assert wish.siblings() == [second.internal, third.internal]
