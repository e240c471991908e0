"""Errors about flows, which quote what the NAT has translated."""

from __future__ import annotations

from tests.support.packets import (
    EXTERNAL,
    A,
    B,
    R,
    at,
    udp,
    unreachable,
)
from tests.support.rig import EIF, Rig, left


def test_an_error_about_a_hairpinned_packet_hides_the_neighbour() -> None:
    """RFC 5508 REQ-5, invariant I-X4: A hears of it from B's external address."""
    rig = Rig(filtering=EIF)
    left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
    left(rig.out(udp(f"{B}:4001", f"{R}:5000")))
    turned = left(rig.out(udp(f"{A}:4000", f"{EXTERNAL}:4001")))
    assert (turned.source, turned.destination) == (at(EXTERNAL, 4000), at(B, 4001))
    told = left(rig.out(unreachable(B, EXTERNAL, turned.data)))
    assert told.addresses == (EXTERNAL, A)
    assert told.quoted.source == at(A, 4000)
    assert told.quoted.destination == at(EXTERNAL, 4001)
