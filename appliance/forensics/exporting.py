"""A recording in other forms: packets for Wireshark, a page to read, one JSON document.

A recording has events, and of messages their bytes: so the packets are those that carried messages,
as they arrived and as they left. Audio and whatever else was only translated is not in it
(`--capture` writes all packets), and headers below the message are made anew: addresses and ports
are right, and what else stands there is usual. In a TCP connection each message is one segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from io import BytesIO
from struct import Struct

from appliance.forensics.recordings import Recording
from appliance.journal.capture import Captured
from appliance.journal.capturefile import heading, packet_blocks
from appliance.journal.events import CallOutcome, Event, MessagePassed
from appliance.journal.hexdump import dump
from appliance.journal.plain import clean
from appliance.journal.readable import readable
from appliance.journal.rows import is_text
from appliance.journal.sentences import Teller
from appliance.journal.wording import in_words
from nat.endpoint import TCP, UDP, Endpoint, Side
from nat.packet import IPV4, LONG, WORD, Packet

_ACK_PSH = 0x5018
_TCP_HEADER = Struct("!HHIIHHHH")
_LONGEST_LINE = 200


# --- packets -------------------------------------------------------------------------------------


def as_pcapng(recording: Recording) -> bytes:
    """The messages as a capture of both wires."""
    file = BytesIO()
    file.write(heading(recording.started))
    zero = round(recording.started.wall * 1_000_000)
    for captured in _captured(recording.events):
        file.writelines(packet_blocks(captured, zero))
    return file.getvalue()


def _captured(events: Sequence[Event]) -> Iterator[Captured]:
    teller, streams = Teller(), dict[tuple[str, str], int]()
    for number, event in enumerate(events):
        lines = tuple(teller.say(event))
        if not isinstance(event, MessagePassed):
            continue
        came = Side.INSIDE if event.direction == "out" else Side.OUTSIDE
        is_gone = event.verdict == "dropped"
        arrived = _packet(event, event.source, event.destination, event.before, streams)
        yield Captured(event.t, came, False, number, arrived, lines if is_gone else ())
        if not is_gone:
            ends = event.new_source, event.new_destination
            left = _packet(event, *ends, event.after, streams)
            yield Captured(event.t, came.other, True, number, left, lines)


def _packet(
    event: MessagePassed,
    source: str,
    destination: str,
    text: str,
    streams: dict[tuple[str, str], int],
) -> Packet:
    """One that carries a message. `streams` has the next sequence number of each direction."""
    (address, port), (other, other_port) = Endpoint.parse(source), Endpoint.parse(destination)
    protocol = TCP if event.transport == "tcp" else UDP
    payload = text.encode("latin-1")
    if protocol == UDP:
        header = bytearray(8)
        WORD.pack_into(header, 6, 1)  # any sum but 0, which says that there is none
    else:
        way, back = (source, destination), (destination, source)
        sequence = streams.get(way, 1)
        streams[way] = sequence + len(payload) & 0xFFFFFFFF
        header = bytearray(
            _TCP_HEADER.pack(0, 0, sequence, streams.get(back, 1), _ACK_PSH, 0xFFFF, 0, 0)
        )
    WORD.pack_into(header, 0, port)
    WORD.pack_into(header, 2, other_port)
    size = IPV4.size + len(header)
    ip = IPV4.pack(0x4500, size, 0, 0, 64 << 8 | protocol, 0, address, other)
    packet = Packet.of(ip + header)
    if protocol == UDP:
        LONG.pack_into(packet.buffer, IPV4.size + 4, 8 << 16 | 1)
    packet.replace_payload(payload)
    return packet


# --- a page --------------------------------------------------------------------------------------


def as_markdown(recording: Recording, ladder: Sequence[str] = ()) -> str:
    """What happened, how it ended, and each message before and after. `ladder`: the run as rows of
    text, if somebody can draw it."""
    return "\n".join(_page(recording, ladder)) + "\n"


def _page(recording: Recording, ladder: Sequence[str]) -> Iterator[str]:
    started, events = recording.started, recording.events
    yield f"# {_plain(started.title or started.name)}"
    yield ""
    outcomes = [event for event in events if isinstance(event, CallOutcome)]
    if outcomes:
        yield f"Outcome: {_plain(outcomes[-1].sentence)}."
        yield ""
        for cause in outcomes[-1].causes:
            yield f"* {_plain(cause.sentence)}{' (inferred)' * cause.inferred}"
        yield ""
    if ladder:
        yield "## Who said what to whom"
        yield ""
        yield "````"
        yield from ladder
        yield "````"
        yield ""
    yield "## What happened"
    yield ""
    yield "````"
    teller = Teller(brief=True)
    for event in events:
        yield from teller.tell(event)
    yield from teller.rest()
    yield "````"
    for event in events:
        if isinstance(event, MessagePassed):
            yield ""
            yield from _message(event)


def _message(event: MessagePassed) -> Iterator[str]:
    way = f"{event.source} to {event.destination}"
    summary = _plain(event.summary or f"A {event.alg} message")
    yield f"## {event.t:.3f} {summary} {event.direction}, {_plain(way)}: {event.verdict}"
    yield ""
    yield "````diff"
    said = in_words(event)
    if is_text(said.before):
        yield from _lines_of(said)
    else:
        for before, after, _ in dump(event.before, event.changes):
            if before == after:
                yield from (f"  {row}" for row in before)
            else:
                yield from (f"- {row}" for row in before)
                yield from (f"+ {row}" for row in after)
    yield "````"


def _lines_of(event: MessagePassed) -> Iterator[str]:
    old, new = event.before.split("\r\n"), event.after.split("\r\n")
    for kind, start, end, other, last in SequenceMatcher(None, old, new, False).get_opcodes():
        if kind == "equal":
            yield from (f"  {clean(readable(line), _LONGEST_LINE)}" for line in old[start:end])
        else:
            yield from (f"- {clean(readable(line), _LONGEST_LINE)}" for line in old[start:end])
            yield from (f"+ {clean(readable(line), _LONGEST_LINE)}" for line in new[other:last])


def _plain(text: str) -> str:
    """Text that cannot be taken for a mark of the page."""
    return "".join(f"\\{each}" if each in "\\`*_<>#|[]" else each for each in clean(readable(text)))
