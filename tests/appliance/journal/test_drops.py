"""A port scan is a line a second, and the counts add up."""

from __future__ import annotations

from math import inf

import pytest

from appliance.journal.events import PacketDropped
from appliance.journal.sentences import Teller
from nat.endpoint import Side
from tests.support.audit import audit_events
from tests.support.packets import ACK, EXTERNAL, MORE_FRAGMENTS, SYN, A, R, ipv4, tcp, udp
from tests.support.world import World

STRAY = udp(f"{R}:5000", f"{EXTERNAL}:9")


def told(world: World) -> list[PacketDropped]:
    return world.told(PacketDropped)


def test_the_first_is_told_at_once_and_with_its_ends() -> None:
    world = World()
    world.pass_in(STRAY)
    (event,) = told(world)
    assert (event.side, event.reason, event.count) == ("outside", "no-mapping", 1)
    assert (event.source, event.destination) == (f"{R}:5000", f"{EXTERNAL}:9")
    assert (event.protocol, event.size) == ("udp", len(STRAY))
    assert event.sentence
    assert event.rfc


def test_like_ones_within_a_second_are_one_more_event() -> None:
    world = World()
    for _ in range(100):
        world.pass_in(STRAY)
        world.now += 0.005
    world.wait(1.0)
    assert [event.count for event in told(world)] == [1, 99]
    assert told(world)[1].last > told(world)[1].first
    assert all(round(each.last, 6) == each.last for each in told(world))
    world.pass_in(STRAY)
    assert [event.count for event in told(world)] == [1, 99, 1]


def test_a_scan_is_no_flood_of_events() -> None:
    """1,000 sources a second make 16 lines and one for the rest of a reason; so what was
    told before does not leave the log's 10,000 lines for minutes."""
    world = World()
    for second in range(3):
        for number in range(1000):
            world.pass_in(
                udp(f"198.51.{number // 250}.{number % 250 + 1}:{5000 + second}", "192.0.2.1:9")
            )
            world.pass_in(udp(f"198.51.{number // 250}.{number % 250 + 1}:5000", f"{EXTERNAL}:9"))
        world.wait(1.0)
        assert len(told(world)) <= (second + 1) * 2 * (16 + 2)
    audit_events(world)


INVITE = b"INVITE sip:alice@192.0.2.1 SIP/2.0\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n\r\n"


@pytest.mark.parametrize(
    ("carried", "summary", "call_id"),
    [
        (INVITE, "INVITE", "c1"),
        (INVITE.replace(b"CSeq", b"Nonsense"), "INVITE", ""),
        (b"SIP/2.0 200 OK\r\nCall-ID: c1\r\nCSeq: 2 BYE\r\n\r\n", "200 OK (BYE)", "c1"),
        (b"SIP/2.0 999 " + b"long " * 200 + b"\r\n\r\n", "", ""),
        (INVITE.replace(b"c1", b"c" * 5000), "INVITE", ""),
        (
            b"SIP/2.0 200 OK\r\nCall-ID: c1\r\nCSeq: 2 " + b"A" * 3000 + b"\r\n\r\n",
            "200 OK (" + "A" * 120,
            "c1",
        ),
        (b"GET / HTTP/1.1\r\n\r\n", "", ""),
        (b"\x80\0\0\x01" + INVITE, "", ""),
        (b"\xff" * 40, "", ""),
        (b"A", "", ""),
        (b"", "", ""),
    ],
)
def test_a_message_is_told_by_its_name(carried: bytes, summary: str, call_id: str) -> None:
    """Whatever the bytes are, and however long: a name has an end."""
    for make in (udp, lambda source, to, payload: tcp(source, to, ACK, payload=payload)):
        world = World()
        world.pass_in(make(f"{R}:5060", f"{EXTERNAL}:5060", carried))
        (event,) = told(world)
        assert (event.summary, event.call_id) == (summary, call_id)


def test_a_message_is_not_lost_among_the_audio_of_its_sender() -> None:
    """What is sent again within the second is counted with what it repeats."""
    world = World()
    for carried in (b"\x80audio", INVITE, b"\x80audio", INVITE, INVITE.replace(b"INVITE", b"ACK")):
        world.pass_in(udp(f"{R}:5060", f"{EXTERNAL}:5060", carried))
    world.wait(1.0)
    named = [(event.summary, event.count) for event in told(world)]
    assert named == [("", 1), ("INVITE", 1), ("ACK", 1), ("", 1), ("INVITE", 1)]
    audit_events(world)


def junk(source: str, letter: int) -> bytes:
    return udp(f"{source}:5060", f"{EXTERNAL}:5060", bytes([0x41 + letter]) * 12 + b"\r\n")


def test_what_is_told_together_names_nobody_that_it_has_not_in_common() -> None:
    """Many senders, each with one packet of its own: the first of each is told with its ends, as
    long as there is room; the event that counts the rest is about nobody."""
    world = World()
    for number in range(16):
        world.pass_in(junk(f"198.51.100.{number + 1}", number))
    world.pass_in(udp("198.51.100.77:5060", f"{EXTERNAL}:5060", INVITE))
    for number in range(32):
        world.pass_in(junk(f"198.51.101.{number + 1}", number % 26))
    world.wait(1.0)
    invite, rest = told(world)[16:]
    assert (invite.summary, invite.source, invite.count) == ("INVITE", "198.51.100.77:5060", 1)
    assert (rest.protocol, rest.source, rest.destination) == ("", "", "")
    assert (rest.summary, rest.call_id, rest.size, rest.count) == ("", "", 0, 32)
    assert Teller().say(rest)[0].startswith("dropped 32 packets on the outside, too many to tell")
    audit_events(world)


def test_one_sender_cannot_take_the_names_of_others() -> None:
    """A second host's message that is lost has its name, whatever the first one sends."""
    world = World()
    for number in range(26):
        world.pass_in(junk("198.51.100.66", number))
    world.pass_in(udp("198.51.100.77:5060", f"{EXTERNAL}:5060", INVITE))
    world.wait(1.0)
    assert [(each.source, each.count) for each in told(world)] == [
        *[("198.51.100.66:5060", 1)] * 5,
        ("198.51.100.77:5060", 1),
        ("198.51.100.66", 21),
    ]
    assert told(world)[-2].summary == "INVITE"
    (said,) = Teller().say(told(world)[-1])
    assert said.startswith("dropped 21 packets on the outside, of 198.51.100.66, too many to tell")
    audit_events(world)


def test_what_floods_one_wire_takes_no_names_from_the_other() -> None:
    world = World()
    for number in range(100):
        world.pass_in(junk(f"198.51.100.{number + 1}", 0))
    world.pass_out(udp(f"{A}:5060", "192.168.20.255:5060", INVITE, checksum=1))
    assert (told(world)[-1].side, told(world)[-1].summary) == ("inside", "INVITE")


def test_a_packet_that_stands_for_several_counts_as_many() -> None:
    world = World()
    big = tcp(f"{R}:80", f"{EXTERNAL}:9", SYN, payload=b"x" * 2000)
    world.send(Side.OUTSIDE, big, segment_size=1000)
    assert told(world)[0].count == 2
    world.send(Side.OUTSIDE, big, segment_size=1000)
    audit_events(world)


def test_no_ports_are_read_where_none_can_be() -> None:
    world = World()
    world.pass_in(b"\x45\0\0")
    world.pass_in(ipv4(R, EXTERNAL, 17, b"\x12\x34\x56\x78" * 2, fragment=0x1FFF))
    world.pass_in(ipv4(R, EXTERNAL, 47, b"\x12\x34\x56\x78"))
    world.pass_in(ipv4(R, EXTERNAL, 17, b"\0", fragment=MORE_FRAGMENTS, identification=2))
    assert [event.source for event in told(world)] == ["0.0.0.0", R, R, R]


def test_the_next_deadline_is_when_the_second_is_over() -> None:
    world = World()
    assert world.engine.datapath.drops.next_deadline() == inf
    world.pass_in(STRAY)
    assert world.engine.datapath.drops.next_deadline() == world.now + 1.0
    world.wait(1.0)
    assert world.engine.datapath.drops.next_deadline() == inf


BAD_SUM = udp(f"{A}:5060", f"{R}:5060", b"hello", checksum=1)


def test_a_packet_that_was_translated_before_it_was_refused_is_told_as_it_came() -> None:
    """Whoever looks for it on the wire named in the event must find it there."""
    world = World({"alg.sip.module": "sip"})
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", b"hello"))
    world.pass_out(BAD_SUM)
    world.pass_in(udp(f"{R}:5060", f"{EXTERNAL}:5060", b"hello", checksum=1))
    assert [
        (event.side, event.reason, event.source, event.destination) for event in told(world)
    ] == [
        ("inside", "bad-transport-checksum", f"{A}:5060", f"{R}:5060"),
        ("outside", "bad-transport-checksum", f"{R}:5060", f"{EXTERNAL}:5060"),
    ]
    assert told(world)[0].size == len(BAD_SUM)
    audit_events(world)


def test_one_reason_between_the_same_ends_is_one_kind_on_either_road() -> None:
    """The first packet of a flow is judged before it is translated, later ones after."""
    world = World({"alg.sip.module": "sip"})
    world.pass_out(BAD_SUM)
    world.pass_out(udp(f"{A}:5060", f"{R}:5060", b"hello"))
    world.pass_out(BAD_SUM)
    world.wait(1.0)
    assert [event.count for event in told(world)] == [1, 1]
    assert len({event.source for event in told(world)}) == 1


def test_a_message_that_the_alg_refused_is_told_as_it_came() -> None:
    world = World({"alg.sip.module": "sip-poor:keepalive-drop"})
    assert world.pass_out(udp(f"{A}:5060", f"{R}:5060", b"\r\n\r\n")) is None
    (event,) = told(world)
    assert (event.reason, event.source) == ("refused-by-alg", f"{A}:5060")
