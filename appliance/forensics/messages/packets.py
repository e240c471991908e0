"""The messages in the packets of a capture: whole UDP datagrams, and TCP streams put in order.

Checksums are not looked at: on the machine that sends, a capture sees packets before the network
card has filled them in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from alg.base import Application
from appliance.forensics.messages import capture, links
from appliance.forensics.messages.capture import Frame
from appliance.forensics.messages.excerpt import Excerpt, Way
from appliance.forensics.messages.segments import Segment, runs
from appliance.settings.hints import counted
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Endpoint, Side
from nat.fragments import FragmentLimits, Reassembler
from nat.packet import LONG, WORD, Packet
from nat.tcp import SYN

Ports = Mapping[str, Sequence[int]]

_AS_MANY_AS_THERE_ARE = FragmentLimits(1 << 16, 1 << 16, 1 << 13, 1 << 26)
"""What a capture holds is bounded by its size."""


def messages(
    data: bytes, applications: Iterable[Application], ports: Ports
) -> tuple[Sequence[Excerpt], str]:
    """The messages in the order in which they begin, and what could not be read, if anything."""
    unread: Counter[str] = Counter()
    packets = list(_packets(data, unread))
    for application in applications:
        found = [*_datagrams(packets, application, ports), *_streams(packets, application, ports)]
        if found:
            found.sort(key=lambda each: each[0])
            return [excerpt for _, excerpt in found], told(unread)
    return (), told(unread)


def told(unread: Counter[str]) -> str:
    """What could not be read, for a person; empty if all could."""
    parts = [f"{counted(count, 'packet')} {why}" for why, count in unread.items()]
    return f"not read: {', '.join(parts)}" if parts else ""


def sightings(data: bytes, unread: Counter[str]) -> Iterator[tuple[Frame, Packet]]:
    """All IPv4 packets, fragments too, each with the frame that it came in. What else there is, is
    counted."""
    for frame in capture.frames(data):
        found = links.ipv4(frame.link, frame.data)
        packet = Packet.of(found) if found else None
        if packet is None:
            unread["that are not IPv4"] += 1
        elif not _is_whole(packet):
            unread["cut short by the capture"] += 1
        else:
            yield frame, packet


def _packets(data: bytes, unread: Counter[str]) -> Iterator[tuple[int, Packet]]:
    """The whole packets of TCP and UDP, with the number of the frame that completes each."""
    reassembler = Reassembler(_AS_MANY_AS_THERE_ARE, lambda gone, now: None)
    for frame, packet in sightings(data, unread):
        if packet.is_fragment:
            whole = reassembler.add(packet, Side.INSIDE, 0.0)
            if isinstance(whole, bytes):
                yield from _transport(frame.number, Packet.of(whole))
        else:
            yield from _transport(frame.number, packet)
    if waiting := len(reassembler):
        unread["of which fragments are missing"] += waiting


def _is_whole(packet: Packet) -> bool:
    """Can its header be read, and is all of it there? What the card was to fill in is filled in:
    the checksum, and the length of what it was to cut into segments."""
    if packet.length < packet.header_length:
        return False
    if packet.total_length == 0:
        WORD.pack_into(packet.buffer, 2, packet.length)
    if packet.check() is None:
        return True
    packet.finish_header()
    return packet.check() is None


def _transport(number: int, packet: Packet) -> Iterator[tuple[int, Packet]]:
    packet.partial = True  # so that its checksum is not looked at
    if packet.protocol in (TCP, UDP) and packet.check_transport() is None:
        yield number, packet


def _way(packet: Packet) -> Way:
    (source, destination), (port, other) = packet.addresses, packet.ports
    name = PROTOCOL_NAMES[packet.protocol]
    return Way(name, Endpoint(source, port), Endpoint(destination, other))


def _is_looked_for(way: Way, application: Application, ports: Ports) -> bool:
    own = ports.get(application.name, ())
    return way.source.port in own or way.destination.port in own


def _datagrams(
    packets: Sequence[tuple[int, Packet]], application: Application, ports: Ports
) -> Iterator[tuple[int, Excerpt]]:
    """A message by what it looks like on any port; a damaged one on the protocol's own."""
    if application.first_line is None:
        return
    for number, packet in packets:
        if packet.protocol != UDP:
            continue
        payload, way = packet.payload, _way(packet)
        is_one = application.first_line.match(payload) is not None
        if is_one or (_is_looked_for(way, application, ports) and application.findings(payload)):
            yield number, Excerpt(payload, application, f"packet {number}, {way}", (), way)


def _streams(
    packets: Sequence[tuple[int, Packet]], application: Application, ports: Ports
) -> Iterator[tuple[int, Excerpt]]:
    segments: dict[Way, list[Segment]] = {}
    for number, packet in packets:
        if packet.protocol == TCP:
            segments.setdefault(_way(packet), []).append(_segment(number, packet))
    for way, sent in segments.items():
        if application.first_line or _is_looked_for(way, application, ports):
            for run in runs(sent):
                for number, data in run.messages(application):
                    where = f"packet {number}, {way}"
                    yield number, Excerpt(data, application, where, (), way)


def _segment(number: int, packet: Packet) -> Segment:
    """Of a TCP header, the sequence number stands at 4 and the flags at 13 (RFC 9293 3.1)."""
    start = packet.header_length
    sequence = int(LONG.unpack_from(packet.buffer, start + 4)[0])
    return Segment(number, sequence, packet.payload, bool(packet.buffer[start + 13] & SYN))
