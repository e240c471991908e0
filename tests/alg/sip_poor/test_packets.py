"""Faults below the messages."""

from __future__ import annotations

import pytest

from alg.sip_poor.packets import FAULTS
from nat.drop import Drop
from nat.endpoint import Endpoint, Side
from nat.packet import Packet
from tests.alg.sip_poor.shown import not_shown
from tests.support import packets
from tests.support.packets import Seen, pseudo_header, sum_of_words
from tests.support.world import X1, A, World

PHONE = A._replace(port=5060)
REGISTRAR = Endpoint.parse("203.0.113.9:5060")
OPTIONS = b"""OPTIONS sip:203.0.113.9 SIP/2.0\r
Via: SIP/2.0/UDP 192.168.20.10:5060;branch=z9hG4bK1\r
From: <sip:a@203.0.113.9>;tag=1\r
To: <sip:a@203.0.113.9>\r
Call-ID: 1\r
CSeq: 1 OPTIONS\r
Content-Length: 0\r
\r
"""


def world(fault: str) -> World:
    return World({"alg.sip.module": f"sip-poor:{fault}" if fault else "sip"})


def test_drop_fragments() -> None:
    """The first one waits for the others in vain."""
    right, poor = world(""), world("drop-fragments")
    pieces = packets.fragments(packets.udp(A, X1, b"x" * 40), 16)
    for piece in pieces:
        right.put(Side.INSIDE, piece)
    assert right.take(Side.OUTSIDE).payload == b"x" * 40
    poor.put(Side.INSIDE, pieces[0])
    for piece in pieces[1:]:
        assert poor.refuses(Side.INSIDE, piece) is Drop.FRAGMENT_REFUSED
    poor.wait(31)
    drops = poor.engine.datapath.counters[Side.INSIDE].drops
    assert drops == {Drop.FRAGMENT_REFUSED: 2, Drop.FRAGMENT_TIMEOUT: 1}
    assert poor.out(A, X1).port == A.port


@pytest.mark.parametrize(
    ("fault", "payload", "is_right"),
    [
        ("", OPTIONS, True),
        ("bad-checksum", OPTIONS, False),
        ("bad-checksum", b"\r\n\r\n", True),  # not edited, so not spoilt
    ],
)
def test_bad_checksum(fault: str, payload: bytes, is_right: bool) -> None:
    nat = world(fault)
    made = packets.udp(PHONE, REGISTRAR, payload)
    leaves = nat.engine.handle(packet := Packet.of(made), Side.INSIDE, 0.0)
    assert leaves is not None
    data = packet.to_bytes()
    body = data[20:]
    source, destination = (int.from_bytes(data[at : at + 4], "big") for at in (12, 16))
    covered = pseudo_header(source, destination, packets.UDP, len(body)) + body
    assert (sum_of_words(covered) == 0xFFFF) is is_right
    assert body[6:8] != b"\0\0"


def test_bad_checksum_spares_what_comes_after_it() -> None:
    """The flow is sound: only the messages that were edited are spoilt."""
    nat = world("bad-checksum")
    nat.put(Side.INSIDE, packets.udp(PHONE, REGISTRAR, b""))
    assert isinstance(nat.take(Side.OUTSIDE), Seen)


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals()) == []
