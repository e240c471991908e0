"""Flows in their tables, and the timers that watch them."""

from __future__ import annotations

from nat.endpoint import UDP, Endpoint, inbound_key, outbound_key
from nat.mapping import INSIDE, OUTSIDE, OpenedBy
from tests.support.packets import A, R, udp
from tests.support.rig import Rig, left, table


def test_tables_carry_endpoints_of_either_family_and_tell_them_apart() -> None:
    """The two flows have the same numbers but for the bit of the family: the IPv6 endpoints are
    IPv4-compatible addresses (RFC 4291 2.5.5.1)."""
    tables = table()
    for before, after in (("", ""), ("[::", "]")):
        internal, external, remote = (
            Endpoint.parse(f"{before}{address}{after}:5060")
            for address in ("192.168.20.100", "203.0.113.1", "203.0.113.9")
        )
        mapping = tables.mappings.open_forward(UDP, internal, external, 0.0)
        flow = tables.open_flow(mapping, remote, OpenedBy.PACKET, 0.0)
        assert tables.legs[INSIDE][outbound_key(UDP, internal, remote)] is flow.outbound
        assert tables.legs[OUTSIDE][inbound_key(UDP, remote, external)] is flow.inbound
        assert tables.mappings.find(UDP, internal, remote) is mapping
        assert tables.mappings.at(UDP, external) == (mapping,)
    assert [len(legs) for legs in tables.legs] == [2, 2, 0]


def test_a_registrar_that_grants_a_thousand_different_lifetimes_makes_few_timers() -> None:
    """Each is looked at whenever the loop asks for the next deadline. None may be cut short."""
    rig = Rig()
    left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
    (flow,) = rig.nat.table.flows.values()
    for number in range(1000):
        seconds = 60.0 + number * 8 * 3600.0
        rig.nat.table.keep(flow, seconds)
        assert seconds <= flow.expires_at() - rig.now < max(2 * seconds, 7200.0)
    assert len(rig.nat.table.deadlines.timers) < 130
