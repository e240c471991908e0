"""Long datagrams, cut and put together by hosts."""

from __future__ import annotations

import pytest

from appliance.parties.party import Send
from appliance.sim.fragments import MOST_WAITING, MTU, PATIENCE, Pieces, cut
from appliance.sim.packets import pack, unpack
from nat.endpoint import Endpoint
from nat.packet import Packet

HERE, THERE = Endpoint.parse("192.168.20.100:5060"), Endpoint.parse("203.0.113.9:5060")


def datagram(size: int, identification: int = 7) -> Packet:
    return pack(Send(HERE, THERE, bytes(each & 0xFF for each in range(size))), identification)


@pytest.mark.parametrize("size", [1473, 2952, 2953, 9000])
@pytest.mark.parametrize("backwards", [False, True])
def test_fragments_come_together_in_any_order(size: int, backwards: bool) -> None:
    """RFC 791 3.2."""
    pieces, host = cut(datagram(size)), Pieces()
    assert all(piece.length <= MTU and piece.is_fragment for piece in pieces)
    order = pieces[::-1] if backwards else pieces
    *early, whole = [host.add(piece, 0.0) for piece in order]
    assert early == [None] * (len(pieces) - 1)
    assert whole is not None
    assert unpack(whole) == unpack(datagram(size))


def test_what_fits_is_not_cut() -> None:
    assert len(cut(datagram(MTU - 28))) == 1


def test_fragments_of_two_datagrams_are_kept_apart() -> None:
    first, second = cut(datagram(2000, 1)), cut(datagram(2000, 2))
    host = Pieces()
    assert [host.add(each, 0.0) for each in (first[0], second[1])] == [None, None]
    assert host.add(first[1], 0.0) is not None


def test_a_late_fragment_finds_nothing_to_go_with() -> None:
    first, last = cut(datagram(2000))
    host = Pieces()
    host.add(first, 0.0)
    assert host.add(last, PATIENCE + 1.0) is None


def test_half_datagrams_do_not_pile_up() -> None:
    host = Pieces()
    halves = [cut(datagram(2000, number)) for number in range(MOST_WAITING + 1)]
    for first, _ in halves:
        host.add(first, 0.0)
    assert host.add(halves[0][1], 0.0) is None
    assert host.add(halves[-1][1], 0.0) is not None
