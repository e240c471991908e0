"""What a module asks for is a transaction: all of it, or no trace of it (`alg/base.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.base import Alg, AlgContext, Edit, Edits, Reason, Refuse, Unavailable
from appliance.journal.events import ExpectationOpened, MappingOpened
from nat.endpoint import Endpoint
from tests.nat.packets import EXTERNAL, A, B, R, udp
from tests.nat.rig import Rig, audit

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


def rig_with(module: Alg, **settings: Any) -> Rig:
    rig = Rig(alg__sip__observe=False, **settings)
    rig.engine.slots["sip"].module = module
    return rig


def expect(context: AlgContext, **changed: Any) -> Endpoint:
    external = context.map(MEDIA)
    wish = {"parent": "call", "reason": "media", "lifetime": 60.0, **changed}
    context.expect(MEDIA, PEER, **wish)
    return external


def trace(rig: Rig) -> tuple[Any, ...]:
    """Everything that a later packet could notice."""
    table = rig.table
    pools = [(key, pool.counts()) for key, pool in table.assignment.pools.items()]
    doors = [(door.id, door.deadline, door.used_lifetime) for door in table.expectations.values()]
    return (
        sorted(table.by_external), sorted(table.mappings), sorted(table.pinned), pools, doors,
        [(flow.id, flow.timer and flow.timer.name) for flow in table.flows.values()],
        rig.engine.slots["sip"].memory.recall("key", rig.now),
    )  # fmt: skip


def test_what_was_asked_for_stays_when_the_edits_are_accepted() -> None:
    rig = rig_with(Asking(expect))
    seen = rig.out(HELLO)
    assert seen is not None
    assert seen.payload == b"Jello"
    (door,) = rig.engine.show("expectations", rig.now)  # type: ignore[attr-defined]
    assert (door["internal"], door["remote"], door["expires_in"]) == (str(MEDIA), str(PEER), 60.0)
    assert rig.into(udp(str(PEER), door["external"])) is not None
    audit(rig)


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
    rig = rig_with(before)
    assert rig.out(HELLO) is not None
    module = Asking(ask)
    module.fails = True
    rig.engine.slots["sip"].module = module
    rig.now += 1.0
    was, told = trace(rig), len(rig.events)
    seen = rig.out(HELLO)
    assert seen is not None
    assert seen.payload == b"hello", "the message passes unchanged"
    assert len(module.answers) == 1
    assert trace(rig) == was
    opened = [e for e in rig.events[told:] if isinstance(e, MappingOpened | ExpectationOpened)]
    assert opened == [], "and nobody is told of what never was"
    audit(rig)


def test_a_port_that_was_never_announced_does_not_rest() -> None:
    module = Asking(lambda context: context.map(MEDIA))
    module.fails = True
    rig = rig_with(module)
    rig.out(HELLO)
    seen = rig.out(udp(f"{B}:7000", f"{R}:5000"))
    assert seen is not None
    assert seen.source == f"{EXTERNAL}:7000"


def test_an_announced_mapping_waits_for_its_use_and_then_goes() -> None:
    rig = rig_with(Asking(lambda context: context.map(MEDIA)))
    rig.out(HELLO)
    rig.wait(31.0)
    assert len(rig.table.pinned) == 1
    rig.wait(1.0)
    assert not rig.table.pinned
    audit(rig)


def test_a_used_expectation_is_renewed_like_another() -> None:
    """A registration is refreshed long before it ends, whether somebody called or not."""
    rig = rig_with(Asking(expect))
    rig.out(HELLO)
    assert rig.into(udp(str(PEER), f"{EXTERNAL}:7000")) is not None
    rig.wait(50.0)
    rig.out(HELLO)
    rig.wait(50.0)
    assert len(rig.table.expectations) == 1
    rig.wait(10.0)
    assert not rig.table.expectations


LIES: list[tuple[str, Ask]] = [
    ("another host", lambda c: c.map(Endpoint.parse(f"{B}:7000"))),
    ("another host's pair", lambda c: c.map_pair(Endpoint.parse(f"{B}:7000"))),
    ("a door for another host", lambda c: c.expect(
        Endpoint.parse(f"{B}:7000"), PEER, parent=1, reason="", lifetime=1.0)),
    ("a door to a system port", lambda c: (c.map(Endpoint.parse(f"{A}:22")), c.expect(
        Endpoint.parse(f"{A}:22"), None, parent=1, reason="", lifetime=1.0))),
    ("a door without a mapping", lambda c: c.expect(
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
    rig = rig_with(Asking(ask))
    rig.out(udp(f"{A}:5060", f"{R}:5060", b"Just so"))
    was = trace(rig)
    seen = rig.out(HELLO)
    assert seen is not None
    assert seen.payload == b"hello"
    assert trace(rig) == was
    assert not rig.table.expectations
    audit(rig)
    rig.wait(1000.0)
    audit(rig)


def test_pairs_are_neighbours_and_found_again() -> None:
    module = Asking(lambda context: context.map_pair(MEDIA))
    rig = rig_with(module, nat__port_range=[4000, 4099])
    rig.out(HELLO)
    rig.out(HELLO)
    first, second = module.answers
    assert first == second
    rtp, rtcp = (rig.table.pinned[17, Endpoint(MEDIA.address, port)] for port in (7000, 7001))
    assert rtcp.external.port == rtp.external.port + 1 == first.port + 1
    assert first.port % 2 == 0


def test_without_two_free_neighbours_there_is_no_pair() -> None:
    module = Asking(lambda context: context.map_pair(MEDIA))
    rig = rig_with(module, nat__port_range=[4000, 4001], nat__parity=False)
    rig.out(HELLO)
    assert module.answers == []
    assert rig.counters()["alg"]["sip"]["errors"] == 0, "a full pool is no error of the module"
    assert len(rig.table.by_external) == 1


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
    rig = rig_with(module)
    rig.out(HELLO)
    rig.into(udp(f"{R}:5060", f"{EXTERNAL}:5060"))
    rig.now += 5.0
    rig.out(HELLO)
    ends = (f"{A}:5060", f"{EXTERNAL}:5060", f"{R}:5060", "udp", True, None)
    assert [answer[:6] for answer in module.answers] == [ends] * 3
    assert [answer[-1] for answer in module.answers] == [1, 2, 1]
    assert all(str(answer[6]) == ends[1] and str(answer[7]) == ends[0] for answer in module.answers)


def test_a_call_is_closed_with_its_doors_and_flows() -> None:
    """Invariant I-E1: at once, and the flow that came in by a door with it."""
    rig = rig_with(Asking(expect))
    rig.out(HELLO)
    assert rig.into(udp(str(PEER), f"{EXTERNAL}:7000")) is not None
    rig.engine.slots["sip"].module = Asking(lambda context: context.close("call"))
    rig.out(HELLO)
    assert not rig.table.expectations
    assert rig.into(udp(str(PEER), f"{EXTERNAL}:7000")) is None
    assert [str(flow.mapping.internal) for flow in rig.table.flows.values()] == [f"{A}:5060"]
    audit(rig)


def test_nothing_available_is_said_in_words() -> None:
    caught: list[str] = []

    def ask(context: AlgContext) -> None:
        try:
            context.map(Endpoint.parse(f"{B}:7000"))
        except Unavailable as refusal:
            caught.append(str(refusal))

    rig_with(Asking(ask)).out(HELLO)
    assert caught == [f"{B}:7000 is not an endpoint of the host that sent the message"]
