"""Two captures as one: which packet is which, by which clock, and who was called what."""

from __future__ import annotations

import pytest

from appliance.forensics.replaying import Sighting, Tape, networks_of
from appliance.forensics.sides import Sides, joined, mappings, preserves_ports
from nat.endpoint import Endpoint, Network, Side
from nat.packet import Packet
from tests.appliance.forensics.situations import captured
from tests.support.packets import A, udp

X, R = "203.0.113.1", "198.51.100.7"
Row = tuple[float, bytes]


def tape(*rows: Row, wall: float = 1000.0) -> Tape:
    return Tape(wall, [Sighting(t, Packet.of(data)) for t, data in rows])


def both(inside: Tape, outside: Tape) -> Sides:
    return joined(inside, outside, [Network.parse(text) for text in networks_of(inside)])


def out(number: int, port: int = 4000) -> tuple[bytes, bytes]:
    """A datagram before and behind a router."""
    payload = b"out %d" % number
    return udp(f"{A}:4000", f"{R}:7000", payload), udp(f"{X}:{port}", f"{R}:7000", payload)


def back(number: int, port: int = 4000) -> tuple[bytes, bytes]:
    payload = b"back %d" % number
    return udp(f"{R}:7000", f"{A}:4000", payload), udp(f"{R}:7000", f"{X}:{port}", payload)


def conversation(count: int = 20) -> tuple[list[Row], list[Row]]:
    inside, outside = [], []
    for number in range(count):
        for at, (here, there) in ((0.0, out(number)), (0.5, back(number))):
            inside.append((number + at, here))
            outside.append((number + at, there))
    return inside, outside


@pytest.mark.parametrize("difference", [0.0, 3600.25, -7.5])
def test_the_clocks_may_differ(difference: float) -> None:
    inside, outside = conversation()
    sides = both(tape(*inside), tape(*outside, wall=1000.0 + difference))
    assert sides.offset == pytest.approx(difference, abs=1e-6)
    assert [sides.unpaired(side) for side in Side] == [0, 0]
    assert len([*sides.pairs]) == 40


def test_what_was_lost_or_captured_on_one_side_alone_has_no_partner() -> None:
    inside, outside = conversation()
    sides = both(tape(*inside[4:]), tape(*outside[:-6]))
    assert [sides.unpaired(side) for side in Side] == [6, 4]


def test_the_order_on_the_two_sides_may_be_another() -> None:
    inside, outside = conversation()
    times = [t for t, _ in outside]
    for at in range(0, len(outside), 4):
        outside[at : at + 4] = reversed(outside[at : at + 4])
    outside = [(t, data) for t, (_, data) in zip(times, outside, strict=True)]
    sides = both(tape(*inside), tape(*outside))
    assert len([*sides.pairs]) == 40
    for came, left in sides.pairs:
        assert came.looks.carries == left.looks.carries


def test_messages_that_were_edited_find_each_other() -> None:
    tapes, _ = captured("registers", "sip-poor:replace-all")
    sides = both(*tapes)
    changed = [pair for pair in sides.pairs if pair[0].looks.carries != pair[1].looks.carries]
    assert len(changed) > 6
    assert [sides.unpaired(side) for side in Side] == [0, 0]


def test_one_side_alone_says_that_nothing_has_a_partner() -> None:
    inside, _ = conversation(3)
    sides = both(tape(*inside), tape())
    assert (sides.unpaired(Side.INSIDE), [*sides.pairs], sides.offset) == (6, [], 0.0)


def test_a_mapping_is_who_was_called_what_and_for_how_long() -> None:
    (here, there), (here_back, there_back) = out(1, 40001), back(1, 40001)
    (_, late), silence = back(2, 40001), 200.0
    sides = both(
        tape((0.0, here), (30.0, here_back)),
        tape((0.0, there), (30.0, there_back), (30.0 + silence, late)),
    )
    (mapped,) = mappings(sides)
    assert mapped.internal == Endpoint.parse(f"{A}:4000")
    assert mapped.external == Endpoint.parse(f"{X}:40001")
    assert (mapped.packets_out, mapped.packets_in) == (1, 1)
    assert (mapped.longest_silence, mapped.shortest_end) == (30.0, silence)
    assert not preserves_ports([mapped])
    assert sides.externals == {Endpoint.parse(f"{X}:1").address}
