"""A port scan is a line a second, and the counts add up."""

from __future__ import annotations

from appliance.journal.events import PacketDropped
from nat.endpoint import Side
from tests.nat.packets import EXTERNAL, MF, SYN, A, R, ipv4, tcp, udp
from tests.nat.rig import Rig, audit_events

STRAY = udp(f"{R}:5000", f"{EXTERNAL}:9")


def told(rig: Rig) -> list[PacketDropped]:
    return rig.told(PacketDropped)


def test_the_first_is_told_at_once_and_with_its_ends() -> None:
    rig = Rig()
    rig.into(STRAY)
    (event,) = told(rig)
    assert (event.side, event.reason, event.count) == ("outside", "no-mapping", 1)
    assert (event.source, event.destination) == (f"{R}:5000", f"{EXTERNAL}:9")
    assert (event.protocol, event.size) == ("udp", len(STRAY))
    assert event.sentence
    assert event.rfc


def test_like_ones_within_a_second_are_one_more_event() -> None:
    rig = Rig()
    for _ in range(100):
        rig.into(STRAY)
        rig.now += 0.005
    rig.wait(1.0)
    assert [event.count for event in told(rig)] == [1, 99]
    assert told(rig)[1].last > told(rig)[1].first
    assert all(round(each.last, 6) == each.last for each in told(rig))
    rig.into(STRAY)
    assert [event.count for event in told(rig)] == [1, 99, 1]


def test_a_scan_is_no_flood_of_events() -> None:
    """1,000 sources a second make 16 lines and one for the rest of a reason; so what was
    told before does not leave the log's 10,000 lines for minutes."""
    rig = Rig()
    for second in range(3):
        for number in range(1000):
            rig.into(
                udp(f"198.51.{number // 250}.{number % 250 + 1}:{5000 + second}", "192.0.2.1:9")
            )
            rig.into(udp(f"198.51.{number // 250}.{number % 250 + 1}:5000", f"{EXTERNAL}:9"))
        rig.wait(1.0)
        assert len(told(rig)) <= (second + 1) * 2 * (16 + 2)
    audit_events(rig)


def test_a_packet_that_stands_for_several_counts_as_many() -> None:
    rig = Rig()
    big = tcp(f"{R}:80", f"{EXTERNAL}:9", SYN, payload=b"x" * 2000)
    rig.send(Side.OUTSIDE, big, segment_size=1000)
    assert told(rig)[0].count == 2
    rig.send(Side.OUTSIDE, big, segment_size=1000)
    audit_events(rig)


def test_no_ports_are_read_where_none_can_be() -> None:
    rig = Rig()
    rig.into(b"\x45\0\0")
    rig.into(ipv4(R, EXTERNAL, 17, b"\x12\x34\x56\x78" * 2, flags=0x1FFF))
    rig.into(ipv4(R, EXTERNAL, 47, b"\x12\x34\x56\x78"))
    rig.into(ipv4(R, EXTERNAL, 17, b"\0", flags=MF, ident=2))
    assert [event.source for event in told(rig)] == ["0.0.0.0", R, R, R]


def test_the_next_deadline_is_when_the_second_is_over() -> None:
    rig = Rig()
    assert rig.engine.datapath.drops.next_deadline() is None
    rig.into(STRAY)
    assert rig.engine.datapath.drops.next_deadline() == rig.now + 1.0
    rig.wait(1.0)
    assert rig.engine.datapath.drops.next_deadline() is None


BAD_SUM = udp(f"{A}:5060", f"{R}:5060", b"hello", checksum=1)


def test_a_packet_that_was_translated_before_it_was_refused_is_told_as_it_came() -> None:
    """Whoever looks for it on the wire named in the event must find it there."""
    rig = Rig(alg__sip__module="sip")
    rig.out(udp(f"{A}:5060", f"{R}:5060", b"hello"))
    rig.out(BAD_SUM)
    rig.into(udp(f"{R}:5060", f"{EXTERNAL}:5060", b"hello", checksum=1))
    assert [(event.side, event.reason, event.source, event.destination) for event in told(rig)] == [
        ("inside", "bad-transport-checksum", f"{A}:5060", f"{R}:5060"),
        ("outside", "bad-transport-checksum", f"{R}:5060", f"{EXTERNAL}:5060"),
    ]
    assert told(rig)[0].size == len(BAD_SUM)
    audit_events(rig)


def test_one_reason_between_the_same_ends_is_one_kind_on_either_road() -> None:
    """The first packet of a flow is judged before it is translated, later ones after."""
    rig = Rig(alg__sip__module="sip")
    rig.out(BAD_SUM)
    rig.out(udp(f"{A}:5060", f"{R}:5060", b"hello"))
    rig.out(BAD_SUM)
    rig.wait(1.0)
    assert [event.count for event in told(rig)] == [1, 1]
    assert len({event.source for event in told(rig)}) == 1


def test_a_message_that_the_alg_refused_is_told_as_it_came() -> None:
    rig = Rig(alg__sip__module="sip-poor:keepalive-drop")
    assert rig.out(udp(f"{A}:5060", f"{R}:5060", b"\r\n\r\n")) is None
    (event,) = told(rig)
    assert (event.reason, event.source) == ("refused-by-alg", f"{A}:5060")
