"""What a message costs grows with its size and no faster: what applies edits, and what tells
of them. (The parser and the correct module: `test_invariants.py`; each fault:
`sip_poor/test_growth.py`.)"""

from __future__ import annotations

import pytest

from alg.base import Edits
from alg.edits import apply
from alg.sip_poor.poor import SipPoor
from appliance.journal.events import decode, encode
from tests.support import packets
from tests.support.conversation import small_nat
from tests.support.growth import SIZES, assert_linear, filled
from tests.support.packets import A, R
from tests.support.world import INSIDE, World

OWN = b"192.168.20.100"
HEAD = (
    b"INVITE sip:b@203.0.113.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:a@192.168.20.100>;tag=1\r\nTo: <sip:b@203.0.113.9>\r\nCall-ID: 1@192.168.20.100"
    b"\r\nCSeq: 1 INVITE\r\nContact: <sip:a@192.168.20.100:5060>\r\n"
)
SHAPES = {
    "text with addresses": (HEAD + b"Content-Type: text/plain\r\n\r\n%b", OWN + b" "),
    "headers": (HEAD + b"%b\r\n", b"X-Address: 192.168.20.100\r\n"),
    "a description": (
        HEAD + b"Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.168.20.100\r\n"
        b"s=-\r\nc=IN IP4 192.168.20.100\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n%b",
        b"a=candidate:1 1 UDP 1 192.168.20.100 4000 typ host\r\n",
    ),
    "streams": (
        HEAD + b"Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.168.20.100\r\n"
        b"s=-\r\nc=IN IP4 192.168.20.100\r\nt=0 0\r\n%b",
        b"m=audio 4000 RTP/AVP 0\r\n",
    ),
}


def edited_everywhere(data: bytes) -> Edits:
    answer = SipPoor(["replace-all"]).inspect(data, small_nat())
    assert isinstance(answer, Edits)
    return answer


@pytest.mark.parametrize("name", ["text with addresses", "a description"])
def test_edits_are_applied_in_linear_time(name: str) -> None:
    made = {len(data): edited_everywhere(data) for data in map(filled(*SHAPES[name]), SIZES)}
    assert_linear(lambda data: apply(data, made[len(data)].edits), filled(*SHAPES[name]))


def test_what_tells_of_a_message_is_linear() -> None:
    """From the packet to the line that a watcher gets."""
    world = World({"alg.sip.module": "sip"})

    def told(data: bytes) -> None:
        before = len(world.events)
        world.send(INSIDE, packets.udp(f"{A}:5060", f"{R}:5060", data))
        assert len(world.events) > before
        for event in world.events[before:]:
            decode(encode(event))

    for shape, text in SHAPES.values():
        assert_linear(told, filled(shape, text))
