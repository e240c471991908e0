"""The packet in a frame."""

from __future__ import annotations

import pytest

from appliance.forensics.messages.links import ipv4
from tests.support.packets import udp

PACKET = udp("192.0.2.1:5060", "192.0.2.2:5060")
MACS = b"\x02" * 12
FRAMES = {
    "Ethernet": (1, MACS + b"\x08\x00" + PACKET),
    "Ethernet, with padding": (1, MACS + b"\x08\x00" + PACKET + b"\0" * 6),
    "Ethernet, a VLAN": (1, MACS + b"\x81\x00\x00\x07\x08\x00" + PACKET),
    "Ethernet, a VLAN in another": (1, MACS + b"\x88\xa8\x00\x07\x81\x00\x00\x09\x08\x00" + PACKET),
    "Linux cooked": (113, b"\0" * 14 + b"\x08\x00" + PACKET),
    "Linux cooked, version 2": (276, b"\x08\x00" + b"\0" * 18 + PACKET),
    "raw IP": (101, PACKET),
    "raw IPv4": (228, PACKET),
    "raw IP of BSD": (12, PACKET),
    "loopback": (0, b"\x02\0\0\0" + PACKET),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_the_packet_stands_behind_the_link_layer(kind: str) -> None:
    found = ipv4(*FRAMES[kind])
    assert found is not None
    assert found.removesuffix(b"\0" * 6) == PACKET


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, MACS + b"\x08\x06" + b"\0" * 28),
        (1, MACS + b"\x86\xdd" + b"\x60" + b"\0" * 39),
        (1, MACS),
        (1, MACS + b"\x81\x00" * 5),
        (113, b"\0" * 16 + PACKET),
        (101, b"\x60" + b"\0" * 39),
        (101, b""),
        (147, PACKET),
    ],
)
def test_all_else_is_none(link: int, frame: bytes) -> None:
    assert ipv4(link, frame) is None
