"""What a module asks for is a transaction: all of it, or no trace of it (`alg/base.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from alg.base import Alg, AlgContext, Edit, Edits, Reason, Refuse, Unavailable
from appliance.journal.events import ExpectationOpened, MappingOpened
from nat.endpoint import Endpoint
from tests.support.audit import audit
from tests.support.packets import EXTERNAL, A, B, R, at, udp
from tests.support.world import World

Ask = Callable[[AlgContext], Any]
MEDIA = Endpoint.parse(f"{A}:7000")
PEER = Endpoint.parse(f"{R}:9000")
HELLO = udp(f"{A}:5060", f"{R}:5060", b"hello")


class Asking:
    """A module that asks for something, then changes the first byte, or fails."""

    name = "asking"

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.fails = False
        self.answers: list[Any] = []

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        self.answers.append(self.ask(context))
        if self.fails:
            raise RuntimeError("no")
        return Edits((Edit(0, 1, b"J", "start", "rule"),)) if message[:1] != b"J" else Edits()

    def explain(self, rule: str) -> Reason:
        return Reason("Because.", "")


def world_with(module: Alg, settings: Mapping[str, Any] | None = None) -> World:
    world = World({"alg.sip.observe": False, **(settings or {})})
    world.engine.slots["sip"].module = module
    return world


def expect(context: AlgContext, **changed: Any) -> Endpoint:
    external = context.map(MEDIA)
    wish = {"parent": "call", "reason": "media", "lifetime": 60.0, **changed}
    context.expect(MEDIA, PEER, **wish)
    return external


def trace(world: World) -> tuple[Any, ...]:
    """Everything that a later packet could notice."""
    table = world.table
    pools = [(key, pool.counts()) for key, pool in table.mappings.assignment.pools.items()]
    expectations = [
        (expectation.id, expectation.deadline, expectation.used_lifetime)
        for expectation in table.expectations.values()
    ]
    return (
        sorted(table.mappings.by_external), len(table.mappings.keys),
        sorted(table.mappings.pinned), pools, expectations,
        [(flow.id, flow.timer and flow.timer.name) for flow in table.flows.values()],
        world.engine.slots["sip"].memory.recall("key", world.now),
    )  # fmt: skip


def test_what_was_asked_for_stays_when_the_edits_are_accepted() -> None:
    world = world_with(Asking(expect))
    seen = world.pass_out(HELLO)
    assert seen is not None
    assert seen.payload == b"Jello"
    (expectation,) = world.show("expectations")
    assert (expectation["internal"], expectation["remote"], expectation["expires_in"]) == (
        str(MEDIA),
        str(PEER),
        60.0,
    )
    assert world.pass_in(udp(str(PEER), expectation["external"])) is not None
    audit(world)


ASKED: list[tuple[str, Ask]] = [
    ("a mapping", lambda context: context.map(MEDIA)),
    ("a pair of mappings", lambda context: context.map_pair(MEDIA)),
    ("a mapping of its own flow", lambda context: context.map(context.internal)),
    ("an expectation", expect),
    ("a lifetime", lambda context: context.keep(9999.0)),
    ("a memory", lambda context: context.remember("key", "value", 60.0)),
    ("to close what there is", lambda context: context.close("before")),
    ("to renew what there is", lambda context: expect(context, parent="before", lifetime=500.0)),
]


@pytest.mark.parametrize("ask", [row[1] for row in ASKED], ids=[row[0] for row in ASKED])
def test_nothing_remains_of_what_was_asked_for_when_the_module_fails(ask: Ask) -> None:
    before = Asking(lambda context: expect(context, parent="before"))
    world = world_with(before)
    assert world.pass_out(HELLO) is not None
    module = Asking(ask)
    module.fails = True
    world.engine.slots["sip"].module = module
    world.now += 1.0
    was, told = trace(world), len(world.events)
    seen = world.pass_out(HELLO)
    assert seen is not None
    assert seen.payload == b"hello", "the message passes unchanged"
    assert len(module.answers) == 1
    assert trace(world) == was
    opened = [e for e in world.events[told:] if isinstance(e, MappingOpened | ExpectationOpened)]
    assert opened == [], "and nobody is told of what never was"
    audit(world)


def test_a_port_that_was_never_announced_does_not_rest() -> None:
    module = Asking(lambda context: context.map(MEDIA))
    module.fails = True
    world = world_with(module)
    world.pass_out(HELLO)
    seen = world.pass_out(udp(f"{B}:7000", f"{R}:5000"))
    assert seen is not None
    assert seen.source == at(EXTERNAL, 7000)


def test_an_announced_mapping_waits_for_its_use_and_then_goes() -> None:
    world = world_with(Asking(lambda context: context.map(MEDIA)))
    world.pass_out(HELLO)
    world.wait(31.0)
    assert len(world.table.mappings.pinned) == 1
    world.wait(1.0)
    assert not world.table.mappings.pinned
    audit(world)


def test_a_used_expectation_is_renewed_like_another() -> None:
    """A registration is refreshed long before it ends, whether somebody called or not."""
    world = world_with(Asking(expect))
    world.pass_out(HELLO)
    assert world.pass_in(udp(str(PEER), f"{EXTERNAL}:7000")) is not None
    world.wait(50.0)
    world.pass_out(HELLO)
    world.wait(50.0)
    assert len(world.table.expectations) == 1
    world.wait(10.0)
    assert not world.table.expectations


LIES: list[tuple[str, Ask]] = [
    ("another host", lambda c: c.map(Endpoint.parse(f"{B}:7000"))),
    ("another host's pair", lambda c: c.map_pair(Endpoint.parse(f"{B}:7000"))),
    ("an expectation for another host", lambda c: c.expect(
        Endpoint.parse(f"{B}:7000"), PEER, parent=1, reason="", lifetime=1.0)),
    ("an expectation to a system port", lambda c: (c.map(Endpoint.parse(f"{A}:22")), c.expect(
        Endpoint.parse(f"{A}:22"), None, parent=1, reason="", lifetime=1.0))),
    ("an expectation without a mapping", lambda c: c.expect(
        Endpoint.parse(f"{A}:7777"), PEER, parent=1, reason="", lifetime=1.0)),
    ("a port that does not exist", lambda c: c.map(Endpoint(MEDIA.address, 70000))),
    ("port 65535 as a pair", lambda c: c.map_pair(Endpoint(MEDIA.address, 65535))),
    ("a lifetime that is no number", lambda c: expect(c, lifetime=float("nan"))),
    ("an endless lifetime", lambda c: expect(c, lifetime=float("inf"))),
    ("a negative lifetime", lambda c: expect(c, used_lifetime=-1.0)),
    ("a lifetime in words", lambda c: c.keep("long")),  # type: ignore[arg-type]
    ("to be kept for ever", lambda c: c.keep(float("inf"))),
    ("a parent that cannot be found again", lambda c: expect(c, parent=["call"])),
    ("a remote that is text", lambda c: c.expect(
        c.internal, str(PEER), parent=1, reason="", lifetime=1.0)),  # type: ignore[arg-type]
    ("a transport that does not exist", lambda c: c.map(MEDIA, "sctp")),
]  # fmt: skip


@pytest.mark.parametrize("ask", [row[1] for row in LIES], ids=[row[0] for row in LIES])
def test_what_cannot_be_granted_opens_nothing_and_stops_nothing(ask: Ask) -> None:
    """Invariants I-E2, I-E5 and promise 4: also a module that lies."""
    world = world_with(Asking(ask))
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", b"Just so"))
    was = trace(world)
    seen = world.pass_out(HELLO)
    assert seen is not None
    assert seen.payload == b"hello"
    assert trace(world) == was
    assert not world.table.expectations
    audit(world)
    world.wait(1000.0)
    audit(world)


def test_pairs_are_neighbours_and_found_again() -> None:
    module = Asking(lambda context: context.map_pair(MEDIA))
    world = world_with(module, {"nat.port_range": [4000, 4099]})
    world.pass_out(HELLO)
    world.pass_out(HELLO)
    first, second = module.answers
    assert first == second
    rtp, rtcp = (
        world.table.mappings.pinned[17, Endpoint(MEDIA.address, port)] for port in (7000, 7001)
    )
    assert rtcp.external.port == rtp.external.port + 1 == first.port + 1
    assert first.port % 2 == 0


def test_without_two_free_neighbours_there_is_no_pair() -> None:
    module = Asking(lambda context: context.map_pair(MEDIA))
    world = world_with(module, {"nat.port_range": [4000, 4001], "nat.parity": False})
    world.pass_out(HELLO)
    assert module.answers == []
    assert world.show("counters")["alg"]["sip"]["errors"] == 0, (
        "a full pool is no error of the module"
    )
    assert len(world.table.mappings.by_external) == 1


def test_a_module_sees_who_speaks_and_remembers() -> None:
    def look(context: AlgContext) -> object:
        context.remember("gone", 1, 5.0)
        context.forget("gone")
        known = context.recall("key")
        context.remember("key", (known or 0) + 1, 5.0)
        return (
            str(context.internal), str(context.external), str(context.remote), context.transport,
            context.is_external_address(context.external.address), context.recall("gone"),
            context.external_of(context.internal), context.internal_of(context.external),
            context.recall("key"),
        )  # fmt: skip

    module = Asking(look)
    world = world_with(module)
    world.pass_out(HELLO)
    world.pass_in(udp(f"{R}:5060", f"{EXTERNAL}:5060"))
    world.now += 5.0
    world.pass_out(HELLO)
    ends = (f"{A}:5060", f"{EXTERNAL}:5060", f"{R}:5060", "udp", True, None)
    assert [answer[:6] for answer in module.answers] == [ends] * 3
    assert [answer[-1] for answer in module.answers] == [1, 2, 1]
    assert all(str(answer[6]) == ends[1] and str(answer[7]) == ends[0] for answer in module.answers)


def test_a_call_is_closed_with_its_expectations_and_flows() -> None:
    """Invariant I-E1: at once, and the flow that came in by an expectation with it."""
    world = world_with(Asking(expect))
    world.pass_out(HELLO)
    assert world.pass_in(udp(str(PEER), f"{EXTERNAL}:7000")) is not None
    world.engine.slots["sip"].module = Asking(lambda context: context.close("call"))
    world.pass_out(HELLO)
    assert not world.table.expectations
    assert world.pass_in(udp(str(PEER), f"{EXTERNAL}:7000")) is None
    assert [str(flow.mapping.internal) for flow in world.table.flows.values()] == [f"{A}:5060"]
    audit(world)


def test_nothing_available_is_said_in_words() -> None:
    caught: list[str] = []

    def ask(context: AlgContext) -> None:
        try:
            context.map(Endpoint.parse(f"{B}:7000"))
        except Unavailable as refusal:
            caught.append(str(refusal))

    world_with(Asking(ask)).pass_out(HELLO)
    assert caught == [f"{B}:7000 is not an endpoint of the host that sent the message"]
