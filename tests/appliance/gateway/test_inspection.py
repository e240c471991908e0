"""Promises 2 and 4: no byte changes without a reason; whatever a module does, the NAT goes on."""

from __future__ import annotations

from typing import Any

import pytest

from alg.base import AlgContext, Edit, Edits, Reading, Reason, Refuse
from appliance.journal.events import AlgError, MessagePassed, decode, encode
from nat.endpoint import Endpoint, Side
from tests.fuzz.datapath import INVITE, REGISTER
from tests.support.audit import audit
from tests.support.calls import PHONE, SERVER, Line
from tests.support.packets import EXTERNAL, A, R, udp
from tests.support.world import World

HELLO = udp(f"{A}:5060", f"{R}:5060", b"hello")
GOOD = Edit(0, 1, b"J", "start", "rule")


class Answering:
    """A module that answers one thing, or raises it."""

    name = "answering"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked = 0

    def inspect(self, message: bytes, context: AlgContext) -> Any:
        self.asked += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        context.expect(
            context.internal, Endpoint.parse(f"{R}:1"), parent=1, reason="", lifetime=9.0
        )
        return self.answer

    def explain(self, rule: str) -> Reason:
        if rule == "rule":
            return Reason("Because.", "RFC 0")
        raise LookupError(rule)


def world_with(answer: Any) -> World:
    world = World({"alg.sip.observe": False})
    world.engine.slots["sip"].module = Answering(answer)
    return world


FAILURES: list[tuple[str, Any]] = [
    ("raises", ValueError("oops")),
    ("recurses without end", RecursionError()),
    ("runs out of memory", MemoryError()),
    ("answers None", None),
    ("answers bytes", b"JELLO"),
    ("answers a list of edits", [GOOD]),
    ("edits beyond the end", Edits((Edit(4, 9, b"", "x", "rule"),))),
    ("edits before the start", Edits((Edit(-1, 2, b"", "x", "rule"),))),
    ("edits backwards", Edits((Edit(3, 2, b"", "x", "rule"),))),
    ("overlaps", Edits((Edit(0, 3, b"a", "x", "rule"), Edit(2, 4, b"b", "y", "rule")))),
    ("edits one place twice", Edits((GOOD, GOOD))),
    ("changes nothing", Edits((Edit(0, 1, b"h", "x", "rule"),))),
    ("replaces by text", Edits((Edit(0, 1, "J", "x", "rule"),))),  # type: ignore[arg-type]
    ("grows beyond 65,507 bytes", Edits((Edit(0, 1, b"J" * 65507, "x", "rule"),))),
    ("edits without a rule", Edits((Edit(0, 1, b"J", "x", None),))),  # type: ignore[arg-type]
    ("edits that are none", Edits(("J",))),  # type: ignore[arg-type]
    ("a reading that is none", Edits((GOOD,), reading=[])),  # type: ignore[arg-type]
    ("a note that is none", Edits((GOOD,), note=object())),  # type: ignore[arg-type]
    ("refuses for no rule", Refuse(None)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("answer", [row[1] for row in FAILURES], ids=[r[0] for r in FAILURES])
def test_a_module_that_fails_or_lies_has_its_message_passed_unchanged(answer: Any) -> None:
    """Promise 4."""
    world = world_with(answer)
    seen = world.pass_out(HELLO)
    assert seen is not None
    assert seen.payload == b"hello"
    assert not world.table.expectations, "and nothing is opened for it"
    assert world.show("counters")["alg"]["sip"]["errors"] == 1
    (error,) = world.told(AlgError)
    assert error.error
    assert not error.disabled
    assert all(decode(encode(event)) for event in world.events)
    audit(world)


def test_after_ten_failures_it_is_off_for_the_flow_and_for_that_flow_only() -> None:
    world = world_with(ValueError("oops"))
    module = world.engine.slots["sip"].module
    assert isinstance(module, Answering)
    for _ in range(15):
        assert world.pass_out(HELLO) is not None
    assert module.asked == 10
    assert [error.disabled for error in world.told(AlgError)] == [False] * 9 + [True]
    world.pass_out(udp(f"{A}:5062", f"{R}:5060"))
    assert module.asked == 11
    world.set("alg.sip.module", "sip")
    assert world.pass_out(udp(f"{A}:5060", f"{R}:5060", REGISTER)) is not None
    assert world.show("counters")["alg"]["sip"]["rewritten"] == 1, "another module starts afresh"


def test_a_refused_message_is_dropped_with_the_modules_reason() -> None:
    world = world_with(Refuse("rule"))
    assert world.pass_out(HELLO) is None
    assert world.drops() == {"refused-by-alg": 1}
    assert world.show("counters")["alg"]["sip"]["refused"] == 1
    assert not world.table.expectations
    (told,) = world.told(MessagePassed)
    assert (told.verdict, told.note, told.after) == ("dropped", "rule", "")
    audit(world)


def test_an_edit_is_told_with_its_reason_before_what_it_opened() -> None:
    world = world_with(Edits((GOOD,)))
    assert world.pass_out(HELLO) is not None
    (told,) = world.told(MessagePassed)
    assert (told.before, told.after, told.verdict) == ("hello", "Jello", "rewritten")
    (change,) = told.changes
    assert (change.span, change.before, change.after) == ((0, 1), "h", "J")
    assert (change.reason, change.rfc) == ("Because.", "RFC 0")
    opened = [event for event in world.events if event.cause == told.id]
    assert [type(event).__name__ for event in opened] == ["ExpectationOpened"]


def test_a_module_that_cannot_explain_itself_is_shown_without_a_reason() -> None:
    world = world_with(Edits((Edit(0, 1, b"J", "x", "unknown"),)))
    assert world.pass_out(HELLO) is not None
    assert world.told(MessagePassed)[0].changes[0].reason


@pytest.mark.parametrize(
    ("reading", "verdict"),
    [
        (Reading.OPAQUE, "opaque"),
        (Reading.MALFORMED, "malformed"),
        (Reading.MESSAGE, "unchanged"),
    ],
)
def test_what_a_module_took_the_message_for_is_counted(reading: Reading, verdict: str) -> None:
    world = world_with(Edits(reading=reading, note="why"))
    assert world.pass_out(HELLO) is not None
    assert world.show("counters")["alg"]["sip"][verdict] == 1
    assert world.told(MessagePassed)[0].verdict == verdict


def test_a_watching_module_that_fails_stops_nothing() -> None:
    world = World({"alg.sip.observe": True})
    world.engine.slots["sip"].correct = Answering(ValueError("oops"))
    seen = world.pass_out(HELLO)
    assert seen is not None
    assert seen.payload == b"hello"
    assert world.show("counters")["alg"]["sip"]["errors"] == 1


@pytest.mark.parametrize("module", ["off", "sip", "sip-poor:no-sdp"])
@pytest.mark.parametrize("ports", ["preserve", "sequential", "random"])
def test_watching_never_changes_a_forwarded_byte(module: str, ports: str) -> None:
    """Invariant I-O2."""
    left = []
    for observe in (True, False):
        world = World({"alg.sip.module": module, "alg.sip.observe": observe, "nat.ports": ports})
        sent = [
            udp(f"{A}:5060", f"{R}:5060", REGISTER), udp(f"{A}:5060", f"{R}:5060", INVITE),
            udp(f"{A}:6000", f"{R}:6000"), udp(f"{A}:5060", f"{R}:5060", INVITE),
            udp(f"{A}:7000", f"{R}:7000"), udp(f"{A}:7002", f"{R}:7000"),
        ]  # fmt: skip
        left.append([world.pass_out(data).data for data in sent])  # type: ignore[union-attr]
    assert left[0] == left[1]


def test_the_event_names_the_endpoints_that_the_packet_left_with() -> None:
    """Also where the NAT does not do what its mapping says."""
    world = World({"alg.sip.module": "sip-poor:reply-port-lost", "nat.ports": "preserve"})
    out = world.pass_out(udp(f"{A}:5060", f"{R}:5060", REGISTER))
    assert out is not None
    back = world.pass_in(udp(f"{R}:5060", f"{EXTERNAL}:40625", b"SIP/2.0 100 Trying"))
    assert back is not None
    request, answer = world.told(MessagePassed)
    assert request.new_source == f"{EXTERNAL}:40625"
    assert (answer.destination, answer.new_destination) == (f"{EXTERNAL}:40625", f"{A}:17973")


def test_what_was_missed_is_told_beside_a_module_that_is_off() -> None:
    world = World({"alg.sip.module": "off", "alg.sip.observe": True})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    (told,) = world.told(MessagePassed)
    assert told.verdict == "unchanged"
    missed = {change.field for change in told.changes if change.verdict == "missed"}
    assert "contact.host" in missed or any(field.startswith("contact") for field in missed)
    assert not world.table.expectations, "watching opens nothing"
    assert len(world.table.mappings.by_external) == 1


def test_another_module_serves_the_flows_of_a_running_call_at_once() -> None:
    world = World({"alg.sip.module": "off"})
    before = world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    world.set("alg.sip.module", "sip")
    after = world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    world.set("alg.sip.module", "off")
    again = world.pass_out(udp(f"{A}:5060", f"{R}:5060", INVITE))
    assert before is not None
    assert after is not None
    assert again is not None
    assert (b"192.168.20.10:5060" in before.payload, EXTERNAL.encode() in after.payload) == (
        True, True,
    )  # fmt: skip
    assert again.payload == before.payload


def test_a_message_that_would_not_fit_is_left_alone() -> None:
    """Invariant I-A10, rule small-enough: what is not to be fragmented stays within the MTU."""
    world = world_with(Edits((Edit(0, 1, b"J" * 600, "x", "rule"),)))
    long = udp(f"{A}:5060", f"{R}:5060", b"h" + b"x" * 1000, fragment=0x4000)
    seen = world.pass_out(long)
    assert seen is not None
    assert seen.payload == b"h" + b"x" * 1000
    free = world.send(Side.INSIDE, udp(f"{A}:5060", f"{R}:5060", b"h" + b"x" * 1000))
    assert len(free) == 2, "what may be fragmented is"


@pytest.mark.parametrize("keep_alive", [b"\r\n\r\n", b"\r\n", b"\0", bytes(20), b""])
def test_a_keep_alive_leaves_the_signalling_its_time(keep_alive: bytes) -> None:
    """Rule signalling-lives-on: it is to keep the flow, and no message that says how long."""
    line = Line()
    line.pass_out(udp(PHONE, SERVER, keep_alive))
    line.wait(3599.0)
    assert [flow["expires_in"] for flow in line.show("flows")] == [1.0]
    line.set("alg.sip.module", "off")
    line.pass_out(udp(PHONE, SERVER, keep_alive))
    assert [flow["expires_in"] for flow in line.show("flows")] == [120.0]
