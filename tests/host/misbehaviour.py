"""What one inside host can do to an appliance that it shares, by plain sockets and by raw ones.

python -m tests.host.misbehaviour NAME SERVER FAR SECONDS
    misbehaves for so long, and says "ready" when it has begun. SERVER is a host that hears what it
    is told; at FAR nobody is at home but `far` below.
python -m tests.host.misbehaviour far FAR acknowledges|silent
    in the place of a host FAR: answers each SYN, and then acknowledges what comes, or nothing

Connections to FAR are made of single segments: no TCP of the system's knows of them, so that none
ends them, and they need not keep to any window.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle

from tests.support.packets import ACK, MORE_FRAGMENTS, PSH, SYN, dotted, ipv4, number, tcp, udp

HOST = "192.168.20.66"
NEIGHBOURS = "192.168.20.{}"
SIP_PORT = 5060
SHORT = b"A b: SIP/2.0\nl:0\n\n"  # a message of 18 bytes
SEGMENT = 1400
ROOM = 1480  # bytes behind an IPv4 header, on a wire
OUR_FIRST, ITS_FIRST = 1000, 5000  # sequence numbers
ALL_IPV4 = 0x0800  # ETH_P_IP, linux/if_ether.h


class Sender:
    """Packets with any source, and a rate to keep to (packets a second)."""

    def __init__(self, rate: float) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._rate = rate
        self._began = time.monotonic()
        self._sent = 0

    def send(self, packet: bytes) -> None:
        self._sent += 1
        early = self._began + self._sent / self._rate - time.monotonic()
        if early > 0:
            time.sleep(early)
        self._socket.sendto(packet, (dotted(int.from_bytes(packet[16:20], "big")), 0))


def request(method: str, source: str, named: int, more: str = "", body: str = "") -> bytes:
    """A request from one of our hosts; the same `named` is the same transaction."""
    return (
        f"{method} sip:b@example.com SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {source}:5060;branch=z9hG4bK{named}\r\n"
        f"From: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: x{named}\r\n"
        f"CSeq: 1 {method}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def fragments(packet: bytes, named: int) -> Iterator[bytes]:
    """An IPv4 packet in parts that fit a wire. (An identification of 0 the kernel would replace, in
    each part by another.)"""
    body = packet[20:]
    source, destination = (int.from_bytes(packet[at : at + 4], "big") for at in (12, 16))
    for at in range(0, len(body), ROOM):
        more = 0 if at + ROOM >= len(body) else MORE_FRAGMENTS
        part, place = body[at : at + ROOM], at // 8 | more
        number_ = named % 0xFFFF + 1
        yield ipv4(source, destination, packet[9], part, identification=number_, fragment=place)


# --- one function for each way to misbehave -------------------------------------------------------

Misbehaviour = Callable[[str, str], Iterator[bytes]]
"""(server, far) -> packets, without end."""


def registers(contacts: int) -> Misbehaviour:
    """REGISTERs with so many Contacts of the host's own."""

    def packets(server: str, _far: str) -> Iterator[bytes]:
        own = "m:" + ",".join([f"<sip:{HOST}>"] * contacts) + "\r\n"
        for named in count():
            message = request("REGISTER", HOST, named, own)
            yield from fragments(udp(f"{HOST}:5060", f"{server}:{SIP_PORT}", message), named)

    return packets


def invites(sources: int) -> Misbehaviour:
    """INVITEs with four streams on fresh ports, in the names of so many hosts."""

    def packets(server: str, _far: str) -> Iterator[bytes]:
        for named in count():
            source = NEIGHBOURS.format(120 + named % sources) if sources > 1 else HOST
            ports = [10_000 + (named * 8 + 2 * stream) % 50_000 for stream in range(4)]
            body = f"v=0\r\no=- 1 1 IN IP4 {source}\r\ns=-\r\nc=IN IP4 {source}\r\nt=0 0\r\n"
            body += "".join(f"m=audio {port} RTP/AVP 0\r\n" for port in ports)
            more = f"Contact: <sip:a@{source}>\r\nContent-Type: application/sdp\r\n"
            message = request("INVITE", source, named, more, body)
            yield udp(f"{source}:5060", f"{server}:{SIP_PORT}", message)

    return packets


def names(server: str, _far: str) -> Iterator[bytes]:
    """Messages of DNS from one name server to another, each full of the longest names: one is
    written, and two bytes lead to it again."""
    longest, type_and_class = b"\1a" * 127 + b"\0", b"\0\1\0\1"
    record = b"\xc0\x0c\0\x0e\0\1\0\0\0\0\0\4\xc0\x0c\xc0\x0c"
    body = longest + type_and_class + record * 238
    for named in count():
        message = struct.pack("!6H", named & 0xFFFF, 0x8180, 1, 238, 0, 0) + body
        yield from fragments(udp(f"{HOST}:53", f"{server}:53", message), named)


def connection(far: str, port: int) -> Iterator[bytes]:
    """SYN, and the acknowledgement of its answer."""
    ours, its = f"{HOST}:{port}", f"{far}:{SIP_PORT}"
    yield tcp(ours, its, SYN, sequence=OUR_FIRST)
    time.sleep(0.05)
    yield tcp(ours, its, ACK, sequence=OUR_FIRST + 1, acknowledgement=ITS_FIRST + 1)


def data(far: str, port: int, at: int, payload: bytes) -> bytes:
    return tcp(
        f"{HOST}:{port}",
        f"{far}:{SIP_PORT}",
        ACK | PSH,
        payload=payload,
        sequence=OUR_FIRST + 1 + at,
        acknowledgement=ITS_FIRST + 1,
    )


def unacknowledged(_server: str, far: str) -> Iterator[bytes]:
    """As much as may be kept of 16 connections, and then old segments of them, for ever."""
    message = request("OPTIONS", HOST, 1, f"Contact: <sip:a@{HOST}>\r\n")
    whole = message * (60_000 // len(message))
    for port in range(50_000, 50_016):
        yield from connection(far, port)
        for at in range(0, len(whole), SEGMENT):
            yield data(far, port, at, whole[at : at + SEGMENT])
    for at in cycle(range(0, len(whole) - SEGMENT, SEGMENT)):
        for port in range(50_000, 50_016):
            yield data(far, port, at, whole[at : at + 2])


def short_messages(_server: str, far: str) -> Iterator[bytes]:
    """Segments full of the shortest messages, on one connection after the other."""
    payload = SHORT * (SEGMENT // len(SHORT))
    for port in cycle(range(40_000, 60_000)):
        yield from connection(far, port)
        for at in range(0, 60_000, len(payload)):
            yield data(far, port, at, payload)


def half_messages(_server: str, far: str) -> Iterator[bytes]:
    """Messages that never become whole, on one connection after the other."""
    head = request("OPTIONS", HOST, 1)[:100]
    for port in cycle(range(40_000, 60_000)):
        yield from connection(far, port)
        yield data(far, port, 0, head)


def texts_full_of_the_address(server: str, _far: str) -> Iterator[bytes]:
    """Messages with nothing but the host's own address in the body."""
    for named in count():
        body = f"{HOST} " * (8_000 // (len(HOST) + 1))
        message = request("MESSAGE", HOST, named, "Content-Type: text/plain\r\n", body)
        yield from fragments(udp(f"{HOST}:5060", f"{server}:{SIP_PORT}", message), named)


MISBEHAVIOURS: dict[str, tuple[float, Misbehaviour]] = {
    "large-registers": (1200.0, registers(2800)),  # 30 messages a second, of 40 fragments each
    "registers-with-100-contacts": (600.0, registers(100)),
    "small-registers": (1000.0, registers(1)),
    "invites": (100.0, invites(1)),
    "invites-of-neighbours": (200.0, invites(100)),
    "unacknowledged": (400.0, unacknowledged),
    "short-messages": (400.0, short_messages),
    "half-messages": (400.0, half_messages),
    "names": (600.0, names),
}
"""Packets a second, and what they are."""
BEFORE_A_WATCHER = {"texts-full-of-the-address": (600.0, texts_full_of_the_address)}


def misbehave(name: str, server: str, far: str, seconds: float) -> None:
    rate, packets = {**MISBEHAVIOURS, **BEFORE_A_WATCHER}[name]
    sender = Sender(rate)
    print("ready", flush=True)
    end = time.monotonic() + seconds
    for packet in packets(server, far):
        sender.send(packet)
        if time.monotonic() > end:
            return


def be_far(far: str, manner: str) -> None:
    """Hear what comes by the wire for an address that no host has."""
    sender = Sender(1e9)
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL_IPV4))
    print("ready", flush=True)
    while True:
        packet = wire.recv(65536)
        if packet[9] != socket.IPPROTO_TCP or packet[16:20] != number(far).to_bytes(4, "big"):
            continue
        answer = answer_of(packet, manner == "acknowledges")
        if answer:
            sender.send(answer)


def answer_of(packet: bytes, acknowledges: bool) -> bytes | None:
    body = packet[(packet[0] & 15) * 4 : int.from_bytes(packet[2:4], "big")]
    source, destination = (dotted(int.from_bytes(packet[at : at + 4], "big")) for at in (12, 16))
    ports = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
    sequence = int.from_bytes(body[4:8], "big")
    size = len(body) - (body[12] >> 4) * 4
    there, here = f"{source}:{ports[0]}", f"{destination}:{ports[1]}"
    if body[13] & SYN:
        wanted = sequence + 1
        return tcp(here, there, SYN | ACK, sequence=ITS_FIRST, acknowledgement=wanted)
    if size and acknowledges:
        wanted = sequence + size & 0xFFFFFFFF
        return tcp(here, there, ACK, sequence=ITS_FIRST + 1, acknowledgement=wanted)
    return None


if __name__ == "__main__":
    if sys.argv[1] == "far":
        be_far(*sys.argv[2:])
    else:
        misbehaviour, server_, far_, time_ = sys.argv[1:]
        misbehave(misbehaviour, server_, far_, float(time_))
