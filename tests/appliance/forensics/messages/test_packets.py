"""Messages in the packets of a capture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest

from alg.registry import APPLICATIONS
from appliance.forensics.messages.excerpt import Excerpt
from appliance.forensics.messages.packets import messages
from nat.tcp import ACK, SYN
from tests.support.excerpts import GOOD, INVITE, RINGING, pcap, pcapng
from tests.support.packets import fragments, icmp, tcp, udp

PORTS = {"sip": (5060,), "ftp": (21,)}
PHONE, SERVER = "192.168.20.100:5060", "192.0.2.9:5060"


def found(*packets: bytes) -> Sequence[Excerpt]:
    return messages(pcap(packets), APPLICATIONS.values(), PORTS)[0]


def note(capture: bytes) -> str:
    return messages(capture, APPLICATIONS.values(), PORTS)[1]


@pytest.mark.parametrize("kind", GOOD)
def test_a_datagram_is_a_message_byte_for_byte(kind: str) -> None:
    (excerpt,) = found(udp(PHONE, SERVER, GOOD[kind]))
    assert excerpt.data == GOOD[kind]
    assert str(excerpt.way) == f"UDP {PHONE} to {SERVER}"
    assert excerpt.done == ()


def test_a_datagram_keeps_what_is_behind_its_message() -> None:
    """One datagram has one message (RFC 3261 18.3), and what else is in it is to be seen."""
    assert [each.data for each in found(udp(PHONE, SERVER, INVITE + RINGING))] == [INVITE + RINGING]


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_fragments_in_any_order_are_one_datagram(order: tuple[int, ...]) -> None:
    """RFC 791 3.2."""
    pieces = fragments(udp(PHONE, SERVER, INVITE), 144)
    assert len(pieces) >= 3
    some = [pieces[number] for number in order] + pieces[3:]
    (excerpt,) = found(*some)
    assert excerpt.data == INVITE
    assert excerpt.where.startswith(f"packet {len(pieces)},")


def sent(*payloads: bytes, first: int = 1001) -> list[bytes]:
    """Segments one behind the other."""
    packets, sequence = [], first
    for payload in payloads:
        packets.append(tcp(PHONE, SERVER, ACK, sequence=sequence % (1 << 32), payload=payload))
        sequence += len(payload)
    return packets


SEGMENTS = (INVITE[:100], INVITE[100:] + RINGING[:50], RINGING[50:])


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_stream_is_put_in_order(order: tuple[int, ...]) -> None:
    segments = sent(*SEGMENTS)
    syn = tcp(PHONE, SERVER, SYN, sequence=1000)
    excerpts = found(syn, *(segments[number] for number in order))
    assert [each.data for each in sorted(excerpts)] == [INVITE, RINGING]
    assert {each.where for each in excerpts} == {
        f"packet {order.index(0) + 2}, TCP {PHONE} to {SERVER}",
        f"packet {order.index(1) + 2}, TCP {PHONE} to {SERVER}",
    }


def test_a_stream_whose_numbers_begin_anew_is_put_in_order() -> None:
    """RFC 9293 3.4: after 2^32 - 1 comes 0."""
    assert [each.data for each in found(*sent(*SEGMENTS, first=(1 << 32) - 120))] == [
        INVITE,
        RINGING,
    ]


def test_what_is_sent_again_is_read_once() -> None:
    segments = sent(*SEGMENTS)
    again = sent(INVITE + RINGING[:20])
    assert [each.data for each in found(*segments, *again)] == [INVITE, RINGING]


def test_behind_a_gap_the_next_segment_with_a_first_line_is_read() -> None:
    packets = sent(INVITE[:100], INVITE[100:], RINGING[:40], RINGING[40:], INVITE)
    del packets[2]
    assert [each.data for each in found(*packets)] == [INVITE, INVITE]


def test_a_message_that_the_capture_has_not_whole_is_none() -> None:
    assert found(*sent(INVITE[:100])) == ()


def test_the_same_ports_may_be_used_again() -> None:
    connections = [[tcp(PHONE, SERVER, SYN, sequence=first - 1), *sent(INVITE, first=first)]
                   for first in (1000, 500)]  # fmt: skip
    assert [each.data for each in found(*connections[0], *connections[1])] == [INVITE, INVITE]


def test_keep_alives_are_no_messages() -> None:
    """RFC 5626 3.5.1."""
    assert [each.data for each in found(*sent(b"\r\n\r\n", INVITE, b"\r\n"))] == [INVITE]
    assert found(udp(PHONE, SERVER, b"\r\n\r\n")) == ()


def test_a_damaged_message_is_one_on_its_protocol_s_port() -> None:
    damaged = INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia")
    assert [each.data for each in found(udp(PHONE, SERVER, damaged))] == [damaged]
    assert found(udp("192.0.2.1:7", "192.0.2.2:7", damaged)) == ()


def test_another_protocol_is_read_on_its_port() -> None:
    client, server = "192.168.20.100:40000", "192.0.2.9:21"
    packet = tcp(client, server, ACK, payload=b"USER a\r\nPASV\r\n")
    assert [each.data for each in found(packet)] == [b"USER a\r\n", b"PASV\r\n"]
    assert found(tcp(client, "192.0.2.9:23", ACK, payload=b"USER a\r\n")) == ()


def test_messages_come_in_the_order_of_their_packets() -> None:
    packets = [udp(PHONE, SERVER, RINGING), *sent(INVITE), udp(SERVER, PHONE, RINGING)]
    assert [each.where.partition(",")[0] for each in found(*packets)] == [
        "packet 1",
        "packet 2",
        "packet 3",
    ]


def test_checksums_that_the_network_card_fills_in_do_not_matter() -> None:
    wrong = udp(PHONE, SERVER, INVITE, checksum=0x1234)
    assert [each.data for each in found(wrong[:10] + b"\0\0" + wrong[12:])] == [INVITE]


def test_a_length_that_the_network_card_fills_in_does_not_matter() -> None:
    whole = sent(INVITE)[0]
    assert [each.data for each in found(whole[:2] + b"\0\0" + whole[4:])] == [INVITE]


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ([(101, udp(PHONE, SERVER, INVITE)[:96])], "1 packet cut short by the capture"),
        ([(101, b"\x60" + b"\0" * 39)] * 2, "2 packets that are not IPv4"),
        (
            [(101, fragments(udp(PHONE, SERVER, INVITE), 200)[0])],
            "1 packet of which fragments are missing",
        ),
    ],
)
def test_what_could_not_be_read_is_said(frames: list[tuple[int, bytes]], told: str) -> None:
    assert note(pcapng(frames)) == f"not read: {told}"


def test_packets_of_other_protocols_are_not_missed() -> None:
    assert note(pcap([icmp("192.0.2.1", "192.0.2.2", 8)])) == ""
