"""Whoever is root on an inside host writes the headers of his packets himself: also the one that
tells the kernel where a checksum belongs and where to cut."""

from __future__ import annotations

import socket
import struct

import pytest

from appliance.wires import netns
from tests.support.lab import EXTERNAL, PHONE, SERVER, Lab, capture, tshark, verified
from tests.support.packets import udp
from tests.support.programs import run_in, until

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ping", "tcpdump", "tshark", "ethtool")]

SOL_PACKET, PACKET_VNET_HDR = 263, 15  # linux/if_packet.h
HEADER = struct.Struct("=BBHHHH")  # flags, GSO type, header length, segment size, sum start, offset
PORT = 9

HOSTILE = {
    "the sum into the source port": (1, 0, 0, 0, 20, 0),
    "the sum into the destination port": (1, 0, 0, 0, 20, 2),
    "the sum into the length": (1, 0, 0, 0, 20, 4),
    "the sum into the payload": (1, 0, 0, 0, 28, 2),
}
"""What a Linux kernel of today lets pass; one of yesterday also takes addresses to be sums."""


def inject(lab: Lab, header: tuple[int, ...], packet: bytes) -> None:
    """Out of the kernel's end of the wire, behind a header of the sender's own."""
    with (
        netns.entered(lab.phones),
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as injector,
    ):
        injector.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        injector.sendto(HEADER.pack(*header) + packet, ("gn-in", 0x0800))


def test_a_hostile_checksum_offset_makes_no_packet_of_another_host(lab: Lab) -> None:
    """What leaves behind the NAT, where nothing completes sums for anybody, is what was translated:
    from the NAT's address, from the port of the mapping, with a right checksum."""
    with (
        lab.appliance() as appliance,
        capture(lab.server, "to-world", lab.folder / "server.pcap") as file,
    ):
        for number, header in enumerate(HOSTILE.values()):
            inject(lab, header, udp(f"{PHONE}:{4000 + number}", f"{SERVER}:{PORT}", b"payload!"))
        until(lambda: len(appliance.show("flows")) == len(HOSTILE))
        run_in(lab.phones, "ping", "-c", "1", SERVER)  # the last packet that the capture has
        until(lambda: tshark(file, "icmp.type == 8"))
    arrived = tshark(file, "udp and not icmp", "ip.src", "ip.dst", "udp.srcport", "ip.ttl", "data")
    payload = b"payload!".hex()
    assert sorted(arrived) == [
        [EXTERNAL, SERVER, str(4000 + number), "62", payload] for number in range(len(HOSTILE))
    ]
    assert verified(file) >= len(HOSTILE)
