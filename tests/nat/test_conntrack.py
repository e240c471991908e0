"""Flows in their tables, and the timers that watch them."""

from __future__ import annotations

from tests.support.packets import A, R, udp
from tests.support.rig import Rig, left


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
