"""What became of packets and messages: told as events, and kept so that failures find their cause.

    a message passes the NAT      message-passed     what it was turned into, and why
    a party acts on it            party-learnt       cause: the message
    takes it for what it is       message-accepted   cause: the message
    or throws it away             message-discarded  cause: the message
    what it sends gets nowhere    packet-lost        cause: why it was sent there

A message is recognised by its bytes (`passages.py`). All that is kept is bounded.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from appliance.journal.events import (
    Event,
    FlowOpened,
    MappingExpired,
    MappingOpened,
    MessageAccepted,
    MessageDiscarded,
    MessagePassed,
    PacketDropped,
    PacketLost,
    PartyLearnt,
    Started,
)
from appliance.journal.log import EventLog
from appliance.parties.party import Report, What
from appliance.parties.sipua import essence
from appliance.sim.losses import LossLog
from appliance.sim.packets import OFFSET, unpack_segment
from appliance.sim.passages import MOST_KEPT, Passages, keep
from appliance.sim.testimony import as_event, in_words
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Endpoint
from nat.packet import Packet

Trouble = PacketLost | PacketDropped | MessageDiscarded


@dataclass(slots=True)
class Evidence:
    """The newest events of a run that a failure may rest on. `parties` are by the names that people
    have, which reports use; `opened` are mappings by their external endpoint, `flows` by
    internal and remote, `hosts` are parties by their addresses."""

    messages: dict[int, MessagePassed] = field(default_factory=dict)
    learnt: deque[PartyLearnt] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    troubles: deque[Trouble] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    forgotten: deque[MappingExpired] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    opened: dict[str, MappingOpened] = field(default_factory=dict)
    flows: dict[tuple[str, str], FlowOpened] = field(default_factory=dict)
    parties: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)


class Witness:
    """Hears the parties and the links, and tells `log`."""

    def __init__(self, log: EventLog) -> None:
        self.evidence = Evidence()
        self._log = log
        self._losses = LossLog(log)
        self._passages = Passages()
        self._sent_there: dict[str, int] = {}
        self._pieces: dict[tuple[bytes, tuple[int, int]], str] = {}
        log.subscribe(self._notice)

    def hear(self, party: str, report: Report, now: float) -> None:
        """A party says what it made of a message."""
        self.evidence.parties[report.who] = party
        ground = report.ground
        if ground is None:
            return
        if report.what is What.MESSAGE_ACCEPTED:
            self._accept(report, ground.message, now)
            return
        event = as_event(party, report)
        cause = self._passages.find(ground.message)
        if isinstance(event, PartyLearnt):
            keep(self._sent_there, event.target, self._log.emit(event, now, cause))
        elif event is not None:
            self._passages.end(ground.message)
            if cause is None and ground.message:  # what a wrong sequence number has left of one
                cause = self._passages.end_by_piece(ground.message)
            self._log.emit(event, now, cause)

    def _accept(self, report: Report, message: bytes, now: float) -> None:
        """Told of what passed the NAT, which has said what it is."""
        cause = self._passages.end(message)
        passed = self.evidence.messages.get(cause or 0)
        if passed is None:
            return
        event = MessageAccepted(
            party=report.who, summary=passed.summary, does=report.detail, call_id=passed.call_id
        )
        self._log.emit(event, now, cause)

    def lose(
        self, packet: Packet, between: tuple[Endpoint, Endpoint], where: str, why: str, now: float
    ) -> None:
        """A packet reached nobody."""
        payload = _payload(packet)
        said = self._piece_of(packet, payload) if packet.is_fragment else in_words(payload)
        passed = None if said is None else self._end_of_lost(packet, payload)

        def tell() -> tuple[PacketLost, int | None]:
            source, destination = map(str, between)
            event = PacketLost(
                where=where,
                why=why,
                protocol=PROTOCOL_NAMES.get(packet.protocol, str(packet.protocol)),
                source=source,
                destination=destination,
                summary=said or "",
            )
            return event, passed or self._sent_there.get(destination)

        self._losses.add((why, between, said, passed), tell, now)

    def _end_of_lost(self, packet: Packet, payload: bytes) -> int | None:
        """The number of the event of a message that is lost now, or was before."""
        passed = self._passages.find(payload)
        self._passages.end(payload)
        if passed is None and payload and (packet.protocol == TCP or packet.is_fragment):
            passed = self._passages.end_by_piece(payload)
        return passed

    def _piece_of(self, packet: Packet, payload: bytes) -> str:
        """What a fragment is, in words. Only the first has the name of the message; the others are
        known by the number that all of them have (RFC 791 3.2)."""
        name = bytes(packet.buffer[4:6]), packet.addresses
        if packet.flags_and_offset & OFFSET:
            return f"rest of the {self._pieces.get(name, 'datagram')}"
        said, _ = essence(payload, is_whole=False)
        if said:
            keep(self._pieces, name, said)
        return said

    def flush(self, now: float) -> None:
        """Call it once a second."""
        self._losses.flush(now)

    def _notice(self, event: Event) -> None:
        evidence = self.evidence
        if isinstance(event, MessagePassed):
            keep(evidence.messages, event.id, event)
            self._passages.add(event)
        elif isinstance(event, FlowOpened):
            keep(evidence.flows, (event.internal, event.remote), event)
        elif isinstance(event, MappingOpened):
            keep(evidence.opened, event.external, event)
        elif isinstance(event, MappingExpired):
            evidence.forgotten.append(event)
        elif isinstance(event, PartyLearnt):
            evidence.learnt.append(event)
        elif isinstance(event, Trouble):
            evidence.troubles.append(event)
        elif isinstance(event, Started):
            evidence.hosts = event.parties


def _payload(packet: Packet) -> bytes:
    """What it carries, of a damaged packet too."""
    if packet.flags_and_offset & OFFSET:  # a later fragment
        return bytes(packet.buffer[packet.header_length : packet.length])
    if packet.protocol == UDP:
        return packet.payload
    segment = unpack_segment(packet) if packet.protocol == TCP else None
    return b"" if segment is None else segment.payload
