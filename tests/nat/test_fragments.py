"""RFC 791 3.2, RFC 1858, RFC 4787 REQ-14: whole datagrams or nothing, within bounds."""

from __future__ import annotations

import itertools
import random

import pytest

from nat.drop import Aside, Drop
from nat.endpoint import Side
from nat.fragments import FragmentLimits, Gone, Reassembler
from nat.fragments import fragment as cut_for
from nat.packet import Packet
from tests.support.packets import (
    DONT_FRAGMENT,
    EXTERNAL,
    MORE_FRAGMENTS,
    SYN,
    A,
    B,
    R,
    Seen,
    assert_sound,
    at,
    cut,
    fragment,
    ipv4,
    tcp,
    udp,
)
from tests.support.rig import EIF, Rig, left

PAYLOAD = bytes(range(256)) * 4
DATAGRAM = udp(f"{A}:4000", f"{R}:5000", PAYLOAD, identification=9)
WHOLE = udp(f"{EXTERNAL}:4000", f"{R}:5000", PAYLOAD, identification=9, ttl=63)
PIECES = cut(DATAGRAM, 400, 8, 200)


def send(rig: Rig, pieces: list[bytes]) -> list[object]:
    return [rig.out(piece) for piece in pieces]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_fragments_in_any_order_are_one_translated_datagram(order: tuple[int, ...]) -> None:
    """Invariant I-G1."""
    *held, last = send(Rig(), [PIECES[index] for index in order])
    assert held == [Aside.HELD] * 3
    assert isinstance(last, Seen)
    assert last.data == WHOLE


def test_duplicates_change_nothing() -> None:
    *held, last = send(Rig(), [PIECES[0], PIECES[0], PIECES[3], PIECES[1], PIECES[1], PIECES[2]])
    assert held == [Aside.HELD] * 5
    assert isinstance(last, Seen)
    assert last.data == WHOLE


def test_the_fragments_of_two_hosts_with_one_identification_do_not_mix() -> None:
    rig = Rig()
    others = cut(udp(f"{B}:4000", f"{R}:5000", PAYLOAD[::-1], identification=9), 400, 8, 200)
    seen = [each for pair in zip(PIECES, others, strict=True) for each in send(rig, list(pair))]
    one, other = seen[-2:]
    assert isinstance(one, Seen)
    assert isinstance(other, Seen)
    assert (one.payload, other.payload) == (PAYLOAD, PAYLOAD[::-1])


@pytest.mark.parametrize("missing", range(4))
def test_without_one_piece_there_is_nothing_and_its_room_is_given_back(missing: int) -> None:
    rig = Rig()
    assert send(rig, PIECES[:missing] + PIECES[missing + 1 :]) == [Aside.HELD] * 3
    assert not rig.nat.table.flows
    rig.wait(29.9)
    assert len(rig.nat.reassembler) == 1
    rig.wait(0.1)
    assert len(rig.nat.reassembler) == 0


def piece(offset: int, size: int, *, more: bool = True, fill: bytes = b"\0") -> bytes:
    return fragment(DATAGRAM, offset, fill * size, more=more)


OVERLAPS = [
    ("the same bytes elsewhere", [piece(0, 64), piece(32, 64)]),
    ("the same place, other bytes", [piece(0, 64), piece(0, 64, fill=b"\1")]),
    ("inside another", [piece(0, 64), piece(8, 8)]),
    ("around another", [piece(8, 8), piece(0, 64)]),
    ("beyond the end", [piece(64, 8, more=False), piece(128, 8)]),
    ("an end before the end", [piece(64, 8), piece(8, 8, more=False)]),
    ("two ends", [piece(64, 8, more=False), piece(128, 8, more=False)]),
    ("the same piece as the end and not", [piece(64, 8), piece(128, 8), piece(64, 8, more=False)]),
]


@pytest.mark.parametrize("pieces", [row[1] for row in OVERLAPS], ids=[row[0] for row in OVERLAPS])
def test_an_overlap_condemns_the_whole_datagram(pieces: list[bytes]) -> None:
    """RFC 1858, RFC 5722 4: and what comes later of it, too."""
    rig = Rig()
    assert send(rig, pieces)[-1] is Drop.FRAGMENT_OVERLAP
    assert send(rig, [piece(512, 8)]) == [Drop.FRAGMENT_OVERLAP]
    assert not rig.nat.table.flows


ALONE = [
    ("ends beyond the longest datagram", fragment(DATAGRAM, 65528, b"x" * 8, more=False),
     Drop.FRAGMENT_TOO_LONG),
    ("a middle piece that is no multiple of 8", piece(0, 9), Drop.MALFORMED),
    ("no data", piece(0, 0), Drop.MALFORMED),
    ("first, but not to be fragmented",
     ipv4(A, R, 17, b"x" * 8, fragment=DONT_FRAGMENT | MORE_FRAGMENTS), Drop.MALFORMED),
    ("later, but not to be fragmented", ipv4(A, R, 17, b"x" * 8, fragment=DONT_FRAGMENT | 1),
     Drop.MALFORMED),
]  # fmt: skip


@pytest.mark.parametrize(("data", "drop"), [r[1:] for r in ALONE], ids=[r[0] for r in ALONE])
def test_a_fragment_that_can_belong_to_nothing_is_refused(data: bytes, drop: Drop) -> None:
    assert Rig().out(data) is drop


def test_a_header_that_makes_the_whole_too_long_is_noticed_at_the_end() -> None:
    """The ping of death, by way of options: 65,515 bytes of body fit 20 bytes of header only."""
    options = b"\1" * 40
    first = ipv4(A, R, 17, b"x" * 65504, fragment=MORE_FRAGMENTS, options=options[:4])
    last = ipv4(A, R, 17, b"x" * 11, fragment=65504 // 8)
    assert send(Rig(), [first]) == [Aside.HELD]
    rig = Rig()
    assert send(rig, [first, last])[-1] is Drop.FRAGMENT_TOO_LONG
    assert len(rig.nat.reassembler) == 0


def test_a_later_fragment_is_never_parsed_as_a_header() -> None:
    """Invariant I-G2, NAT slipstreaming over UDP: only the real first header counts."""
    fake = udp(f"{A}:4000", f"{R}:5060", b"REGISTER sip:x SIP/2.0\r\n\r\n")[20:]
    real = udp(f"{A}:4000", f"{R}:5000", b"x" * 8 + fake)
    rig = Rig()
    results = send(rig, cut(real, 16))
    assert isinstance(results[-1], Seen)
    (flow,) = rig.nat.table.flows.values()
    assert str(flow.remote) == f"{R}:5000"


def test_a_tiny_first_fragment_hides_no_flags() -> None:
    """RFC 1858 3, RFC 3128: the header is judged when it is whole."""
    segment = tcp(f"{A}:4000", f"{R}:80", SYN | 1)
    assert send(Rig(), cut(segment, 8))[-1] is Drop.BAD_FLAGS


def small(**limits: float) -> Rig:
    rig = Rig()
    for name, value in limits.items():
        setattr(rig.nat.reassembler.limits, name, value)
    return rig


def started(host: int, ident: int) -> bytes:
    return ipv4(
        f"192.168.20.{host}", R, 17, b"x" * 8, identification=ident, fragment=MORE_FRAGMENTS
    )


def test_so_many_datagrams_may_wait_and_no_more_until_one_is_given_up() -> None:
    """RFC 4787 REQ-14a; whole datagrams pass meanwhile."""
    rig = small(datagrams=3, per_host=2)
    assert send(rig, [started(10, 1), started(10, 2), started(10, 3)]) == [
        Aside.HELD, Aside.HELD, Drop.FRAGMENT_LIMIT,
    ]  # fmt: skip
    assert send(rig, [started(11, 1), started(12, 1)]) == [Aside.HELD, Drop.FRAGMENT_LIMIT]
    left(rig.out(udp(f"{A}:1", f"{R}:2")))
    rig.wait(30.0)
    assert send(rig, [started(12, 1)]) == [Aside.HELD]
    assert rig.nat.reassembler.high_water.marks["fragments"] == 3


def test_so_many_pieces_of_a_datagram_may_wait() -> None:
    rig = small(pieces=2)
    results = send(rig, [piece(at, 8) for at in (0, 16, 32)])
    assert results == [Aside.HELD, Aside.HELD, Drop.FRAGMENT_LIMIT]


def test_so_many_bytes_may_wait() -> None:
    rig = small(bytes=100)
    results = send(rig, [piece(0, 64), piece(64, 64), piece(64, 32)])
    assert results == [Aside.HELD, Drop.FRAGMENT_LIMIT, Aside.HELD]


def test_every_fragment_that_was_held_is_accounted_for_once() -> None:
    gone: list[Gone] = []
    store = Reassembler(FragmentLimits(), lambda group, now: gone.append(group))
    rng, held = random.Random(9), 0
    for step in range(3000):
        offset = rng.randrange(3)
        data = b"x" * rng.choice((8, 8, 8, 8, 16))
        flags = offset | (MORE_FRAGMENTS if offset < 2 else 0)
        packet = Packet.of(ipv4(A, R, 17, data, identification=rng.randrange(6), fragment=flags))
        held += store.add(packet, Side.INSIDE, float(step)) is None
        store.expire(float(step))
    store.expire(4000.0)
    assert sum(group.pieces for group in gone) == held
    assert len(store) == 0
    assert {group.drop for group in gone} == {None, Drop.FRAGMENT_OVERLAP, Drop.FRAGMENT_TIMEOUT}


@pytest.mark.parametrize("mtu", [68, 100, 576, 1499])
def test_a_datagram_is_cut_into_sound_pieces_that_make_it_again(mtu: int) -> None:
    whole = Packet.of(udp(f"{A}:4000", f"{R}:5000", PAYLOAD * 2, options=b"\x07\3\4\0"))
    pieces = cut_for(whole, mtu, 77)
    assert all(len(each) <= mtu for each in pieces)
    assert all(assert_sound(each) for each in pieces)
    store = Reassembler(FragmentLimits(), lambda group, now: None)
    made = [store.add(Packet.of(each), Side.OUTSIDE, 0.0) for each in pieces]
    assert made[:-1] == [None] * (len(pieces) - 1)
    assert isinstance(made[-1], bytes)
    assert made[-1][20:] == whole.to_bytes()[20:]


def test_only_copied_options_go_into_later_fragments() -> None:
    """RFC 791 3.1: record route (7) stands in the first alone, security (130) in all."""
    options = b"\x07\3\4" + b"\x82\3x" + b"\1\0"
    datagram = Packet.of(udp(f"{A}:1", f"{R}:2", PAYLOAD, options=options))
    first, second, *_ = cut_for(datagram, 576, 1)
    assert first[20:28] == options
    assert second[20:28] == b"\1\1\1" + b"\x82\3x" + b"\1\0"


def test_fragments_from_outside_are_reassembled_too() -> None:
    rig = Rig(filtering=EIF)
    left(rig.out(udp(f"{A}:4000", f"{R}:5000")))
    answer = udp(f"{R}:5000", f"{EXTERNAL}:4000", PAYLOAD)
    *held, last = [rig.into(each) for each in reversed(cut(answer, 512))]
    assert held == [Aside.HELD]
    assert isinstance(last, Seen)
    assert last.destination == at(A, 4000)
    assert assert_sound(last.data).payload == PAYLOAD
