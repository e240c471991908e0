"""What tests of several rooms begin with."""

from __future__ import annotations

import pytest

from nat.packet import Packet


@pytest.fixture
def udp_packet() -> Packet:
    """192.168.20.100:5060 to 203.0.113.9:5060; a UDP checksum of 0 is none."""
    payload = b"hello"
    header = bytes.fromhex("450000000000000040110000c0a81464cb007109")
    data = bytearray(header + bytes.fromhex("13c413c4000d0000") + payload)
    data[2:4] = len(data).to_bytes(2, "big")
    data[10:12] = (-int.from_bytes(data[:20], "big") % 0xFFFF).to_bytes(2, "big")
    return Packet(data, len(data))
