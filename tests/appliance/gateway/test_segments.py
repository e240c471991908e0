"""Segments that the appliance makes itself."""

from __future__ import annotations

import pytest

from alg import registry
from alg.delivery import Piece
from appliance.gateway import segments
from appliance.gateway.connection import Way
from appliance.gateway.slot import Slot
from nat.endpoint import TCP
from nat.tcp import ACK, PSH
from tests.support.packets import Seen, assert_sound
from tests.support.world import A, Y

TUPLE = (TCP, A.address, Y.address, A.port, Y.port)


def way(largest: int = 1460, stamp: int | None = None) -> Way:
    made = Way(Slot(registry.APPLICATIONS["sip"], {"module": "off", "ports": []}))
    made.began, made.largest_segment, made.largest_sent = 4_294_967_290, largest, largest
    made.told, made.told_window, made.stamp = 7777, 512, stamp
    return made


def seen(made: list) -> list[Seen]:
    return [assert_sound(packet.to_bytes()) for packet in made]


def test_an_own_segment_is_what_its_sender_would_have_sent() -> None:
    (only,) = seen(segments.own(TUPLE, way(), way(), [Piece(16, b"bytes")], ACK | PSH))
    assert (only.source, only.destination, only.payload) == (A, Y, b"bytes")
    assert only.body[4:8] == (10).to_bytes(4, "big"), "numbers wrap"
    assert only.body[8:12] == (7777).to_bytes(4, "big")
    assert (only.body[13], only.body[14:16]) == (ACK | PSH, (512).to_bytes(2, "big"))


@pytest.mark.parametrize(("stamp", "room"), [(None, 100), (9, 88)])
def test_own_segments_are_as_large_as_their_receiver_takes_with_options(
    stamp: int | None, room: int
) -> None:
    """RFC 9293 3.7.1: the MSS counts the data and the options."""
    made = seen(segments.own(TUPLE, way(100, stamp), way(), [Piece(1, bytes(300))], ACK))
    assert [len(each.payload) for each in made[:-1]] == [room] * (len(made) - 1)
    assert sum(len(each.payload) for each in made) == 300
