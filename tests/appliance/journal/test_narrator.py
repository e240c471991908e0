"""What happens to flows and mappings is told once, in order, with its cause."""

from __future__ import annotations

import itertools

from appliance.journal.events import (
    ExpectationClosed,
    ExpectationOpened,
    ExpectationUsed,
    FlowExpired,
    FlowOpened,
    MappingExpired,
    MappingOpened,
    MappingRefreshed,
    PacketDropped,
)
from appliance.journal.narrator import parent_text
from nat.endpoint import Endpoint
from nat.mapping import Mapping, Terms
from tests.support.packets import EXTERNAL, A, R, udp
from tests.support.world import World

OUT = udp(f"{A}:4000", f"{R}:5000")


def test_a_flow_opens_after_its_mapping_and_because_of_it() -> None:
    world = World()
    world.pass_out(OUT)
    world.pass_out(OUT)
    mapping, flow = world.events
    assert isinstance(mapping, MappingOpened)
    assert isinstance(flow, FlowOpened)
    assert flow.cause == mapping.id
    assert (mapping.internal, mapping.external) == (f"{A}:4000", f"{EXTERNAL}:4000")
    assert (flow.remote, flow.opened_by, flow.alg) == (f"{R}:5000", "packet", None)


def test_a_flow_that_a_fault_has_translated_twice_says_what_stands_between() -> None:
    world = World({"alg.sip.module": "sip-poor:reply-port-lost"})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060"))
    (flow,) = world.told(FlowOpened)
    assert (flow.internal, flow.by_way_of, flow.external) == (
        f"{A}:5060",
        f"{A}:17973",
        f"{EXTERNAL}:40625",
    )


def test_the_second_flow_of_a_mapping_has_no_mapping_to_follow_from() -> None:
    world = World()
    world.pass_out(OUT)
    world.pass_out(udp(f"{A}:4000", f"{R}:5001"))
    assert [event.cause for event in world.told(FlowOpened)] == [1, 1]


def test_a_flow_ends_with_its_counts_before_its_mapping() -> None:
    world = World()
    world.pass_out(OUT)
    world.pass_in(udp(f"{R}:5000", f"{EXTERNAL}:4000", b"x" * 100))
    world.wait(300.0)
    flow, mapping = world.events[-2:]
    assert isinstance(flow, FlowExpired)
    assert isinstance(mapping, MappingExpired)
    assert (flow.packets_out, flow.packets_in, flow.bytes_in) == (1, 1, 128)
    assert flow.why == mapping.why == "expired"


def test_a_refresh_is_told_at_most_once_a_second() -> None:
    world = World({"nat.timeouts.udp_unanswered": 0.4})
    for _ in range(50):
        world.pass_out(OUT)
        world.wait(0.1)
    refreshed = world.told(MappingRefreshed)
    assert 2 <= len(refreshed) <= 5
    apart = [later.t - earlier.t for earlier, later in itertools.pairwise(refreshed)]
    assert all(gap >= 1.0 for gap in apart)
    assert all(event.last <= event.t for event in refreshed)


def test_an_expectation_is_told_of_when_it_opens_is_used_and_closes() -> None:
    world = World()
    mapping = world.table.mappings.pin(17, Endpoint.parse(f"{A}:7000"), world.now)
    assert isinstance(mapping, Mapping)
    world.table.expectations.open(
        mapping, None, ("call", "id", 5), "media", Terms(10.0, 20.0), world.now
    )
    world.pass_in(udp(f"{R}:9", f"{EXTERNAL}:7000"))
    world.wait(20.0)
    opened, used, closed = (
        world.told(kind)[0] for kind in (ExpectationOpened, ExpectationUsed, ExpectationClosed)
    )
    assert (opened.parent, opened.remote, opened.expires_in) == ("call id", None, 10.0)
    assert used.remote == f"{R}:9"
    assert (closed.why, closed.remote) == ("expired", None)
    assert opened.expectation == used.expectation == closed.expectation
    assert world.told(PacketDropped) == []


def test_a_parent_is_shown_by_its_kind_and_name() -> None:
    assert parent_text(("call", "a84b4c76e667", 3232240650)) == "call a84b4c76e667"
    assert parent_text("call") == "call"
