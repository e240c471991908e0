"""The records: what is looked up by which key, and how long they are needed."""

from __future__ import annotations

import pytest

from nat.endpoint import ICMP, TCP, UDP, Endpoint, inbound_key
from nat.mapping import Expectation, Flow, FlowLeg, Mapping, OpenedBy, legs_between
from tests.support.packets import (
    EXTERNAL,
    A,
    R,
    S,
)
from tests.support.rig import INTERNAL, PUBLIC, REMOTE, legs


@pytest.mark.parametrize("protocol", [UDP, TCP, ICMP])
def test_the_key_of_what_comes_back_is_the_inbound_legs(protocol: int) -> None:
    assert legs(protocol)[1].key == inbound_key(protocol, REMOTE, PUBLIC)


def test_no_header_can_hold_the_protocol_in_an_icmp_key() -> None:
    """The fast road looks up what stands in a header: it must never meet the key of a ping."""
    assert all(leg.key[0] > 255 for leg in legs(ICMP))


def test_a_mapping_is_needed_while_somebody_uses_it() -> None:
    mapping = Mapping(1, UDP, INTERNAL, PUBLIC, OpenedBy.PACKET)
    assert not mapping.is_needed(0.0)
    mapping.held_until = 5.0
    assert mapping.is_needed(4.9)
    assert not mapping.is_needed(5.0)
    mapping.owned = True
    assert mapping.is_needed(5.0)


def test_a_flow_that_no_timer_watches_is_over() -> None:
    mapping = Mapping(1, UDP, INTERNAL, PUBLIC, OpenedBy.PACKET)
    flow = Flow(1, mapping, REMOTE, OpenedBy.PACKET, legs_between(FlowLeg, mapping, REMOTE), 7.0)
    assert not flow.is_alive(7.0)
    assert (flow.expires_at(), flow.state) == (7.0, "unanswered")
    assert mapping.oldest_flow() is None


SENDERS = [
    # whom it is for, who sends, is let in
    (f"{R}:7000", f"{R}:7000", True),
    (f"{R}:7000", f"{R}:7001", False),
    (f"{R}:7000", f"{S}:7000", False),
    (f"{R}:0", f"{R}:7001", True),  # any port of that address
    (f"{R}:0", f"{S}:7001", False),
    (None, f"{S}:7001", True),  # anyone
]


def expectation(remote: str | None) -> Expectation:
    """An expectation with a deadline at 10 s."""
    ends = Endpoint.parse(f"{A}:7000"), Endpoint.parse(f"{EXTERNAL}:7000")
    wanted = None if remote is None else Endpoint.parse(remote)
    made = Expectation(1, Mapping(1, UDP, *ends, OpenedBy.ALG), wanted, "call", "media")
    made.deadline = 10.0
    return made


@pytest.mark.parametrize(("remote", "sender", "admitted"), SENDERS)
def test_an_expectation_is_for_one_endpoint_one_host_or_anyone(
    remote: str | None, sender: str, admitted: bool
) -> None:
    assert expectation(remote).admits(Endpoint.parse(sender), 9.9) is admitted


@pytest.mark.parametrize("remote", [None, f"{R}:0", f"{R}:7000"])
def test_an_expectation_admits_nobody_from_its_deadline_on(remote: str | None) -> None:
    """Invariant I-T1: also when nobody has tidied it up yet."""
    moments = (9.999, 10.0, 11.0)
    admitted = [expectation(remote).admits(Endpoint.parse(f"{R}:7000"), now) for now in moments]
    assert admitted == [True, False, False]


def test_an_expectation_that_was_given_no_time_lets_nobody_in() -> None:
    fresh = Expectation(1, expectation(None).mapping, None, "call", "media")
    assert not fresh.admits(Endpoint.parse(f"{R}:7000"), 0.0)
    assert (fresh.flow, fresh.used_lifetime) == (None, None), "and use would not prolong it"
