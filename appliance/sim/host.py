"""What a kernel is to a program: its ports, its TCP connections, and the answers to pings.

    party ──Connect, Write, …──►  Host  ──packets──►  the link
    party ◄──Connected, Received… Host  ◄──packets──  the link

UDP needs none of this: a datagram is packed and sent, unpacked and handed over (`network.py`).
A host knows nothing of links and of time: `now` is an argument, what it wants to send stands in
`outbox`, what its party is to hear in `news`, and `deadline` says when to call `expire`.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from appliance.parties.party import (
    Abort,
    Close,
    Closed,
    Connect,
    Ending,
    News,
    Party,
    Ping,
    Pong,
    Undelivered,
    Write,
)
from appliance.sim.fragments import Pieces
from appliance.sim.packets import (
    ErrorAbout,
    PingRequest,
    pack_ping,
    pack_segment,
    unpack_icmp,
    unpack_segment,
)
from appliance.sim.segment import Segment, refusal
from appliance.sim.tcp import Connection
from appliance.sim.tcp_states import State
from nat.endpoint import TCP, Endpoint, Side
from nat.packet import Packet
from nat.tcp import ACK, RST, SYN

MOST_CONNECTIONS = 1000

Ends = tuple[Endpoint, Endpoint]
"""Local and remote."""
Order = Connect | Write | Close | Abort | Ping


class Host:
    """A party on one side of the NAT. `wake_at` is the time of the party's newest Wake, `rng` gives
    its connections their first sequence numbers (RFC 9293 3.4.1).

    `tells_closed_ports`: a datagram to a port where nobody listens is answered by an ICMP error
    (RFC 1122 4.1.3.1). Hosts behind a firewall of their own do not, and that is the default.
    """

    __slots__ = (
        "_connections",
        "_does",
        "_rng",
        "_segments",
        "alarm_at",
        "identification",
        "news",
        "outbox",
        "party",
        "pieces",
        "side",
        "tells_closed_ports",
        "wake_at",
    )

    def __init__(
        self, party: Party, side: Side, rng: Random, tells_closed_ports: bool = False
    ) -> None:
        self.party = party
        self.side = side
        self.tells_closed_ports = tells_closed_ports
        self.identification = 0
        self.pieces = Pieces()
        self.wake_at: float | None = None
        self.alarm_at: float | None = None
        """The time for which `expire` is booked."""
        self.outbox: list[Packet] = []
        self.news: list[News] = []
        self._rng = rng
        self._segments: list[Segment] = []
        self._connections: dict[Ends, Connection] = {}
        self._does: dict[type, Callable[[Any, float], None]] = {
            Connect: self._connect,
            Write: self._write,
            Close: self._close,
            Abort: self._abort,
            Ping: self._ping,
        }

    @property
    def deadline(self) -> float | None:
        """When `expire` has something to do (seconds)."""
        deadlines = (each.deadline for each in self._connections.values())
        return min((each for each in deadlines if each is not None), default=None)

    @property
    def connections(self) -> int:
        """How many there are, those among them that only wait for stray segments."""
        return len(self._connections)

    # --- what the party wants -----------------------------------------------------------

    def do(self, order: Order, now: float) -> None:
        """Carry out an action of the party that is not a datagram. An order about a connection
        that is no more is too late, and changes nothing."""
        self._does[type(order)](order, now)
        self._pack_segments()

    def _connect(self, order: Connect, now: float) -> None:
        connection = self._new_connection(order.local, order.remote)
        if connection is None:
            self.news.append(Closed(order.local, order.remote, Ending.IMPOSSIBLE))
        else:
            connection.connect(now)

    def _write(self, order: Write, now: float) -> None:
        connection = self._connections.get((order.local, order.remote))
        if connection is not None:
            connection.write(order.payload, order.sizes, now)
            self._forget_if_over(connection)

    def _close(self, order: Close, now: float) -> None:
        connection = self._connections.get((order.local, order.remote))
        if connection is not None:
            connection.close(now)

    def _abort(self, order: Abort, now: float) -> None:
        connection = self._connections.get((order.local, order.remote))
        if connection is not None:
            connection.abort()
            self._forget_if_over(connection)

    def _ping(self, order: Ping, now: float) -> None:
        self.outbox.append(pack_ping(order, self.next_identification()))

    def next_identification(self) -> int:
        """For the next packet that this host sends (RFC 791 3.2)."""
        self.identification = self.identification + 1 & 0xFFFF
        return self.identification

    # --- what comes ---------------------------------------------------------------------

    def receive(self, packet: Packet, now: float) -> None:
        """Take a sound packet of TCP or ICMP."""
        if packet.protocol == TCP:
            segment = unpack_segment(packet)
            if segment is not None:
                self._receive_segment(segment, now)
        else:
            self._receive_icmp(packet)

    def refuses(self, segment: Segment) -> bool:
        """Does it ask for a connection to a port where nobody listens?"""
        asks = segment.flags & (SYN | ACK | RST) == SYN
        return asks and segment.destination.port not in self.party.tcp_ports

    def missing_before(self, segment: Segment) -> int:
        """Bytes of a stream that must come before what this segment brings."""
        if not segment.payload:
            return 0
        connection = self._connections.get((segment.destination, segment.source))
        return 0 if connection is None else connection.missing_before(segment)

    def acknowledge(self) -> None:
        """To be called when the party has heard its news: acknowledge what nothing that it said
        has acknowledged already."""
        for connection in list(self._connections.values()):
            connection.acknowledge()
        self._pack_segments()

    def expire(self, now: float) -> None:
        """Repeat what was not acknowledged in time."""
        for connection in list(self._connections.values()):
            connection.expire(now)
            self._forget_if_over(connection)
        self._pack_segments()

    def _receive_segment(self, segment: Segment, now: float) -> None:
        ends = (segment.destination, segment.source)
        connection = self._connections.get(ends)
        if connection is not None and connection.may_be_followed_by(segment):
            del self._connections[ends]
            connection = None
        if connection is not None:
            connection.receive(segment, now)
            self._forget_if_over(connection)
        else:
            self._receive_first(segment, now)
        self._pack_segments()

    def _receive_first(self, segment: Segment, now: float) -> None:
        """A segment of no connection (RFC 9293 3.10.7.1 and 3.10.7.2)."""
        asks = segment.flags & (SYN | ACK | RST) == SYN
        if asks and not self.refuses(segment):
            connection = self._new_connection(segment.destination, segment.source)
            if connection is not None:  # otherwise the SYN may come again when there is room
                connection.accept(segment, now)
            return
        answer = refusal(segment)
        if answer is not None:
            self._segments.append(answer)

    def _receive_icmp(self, packet: Packet) -> None:
        message = unpack_icmp(packet)
        if isinstance(message, PingRequest):
            self.outbox.append(message.answer)
        elif isinstance(message, ErrorAbout):
            self._hear_error(message.news, message.sequence)
        elif isinstance(message, Pong):
            self.news.append(message)

    def _hear_error(self, news: Undelivered, sequence: int) -> None:
        """The party hears of each (RFC 1122 4.1.3.3, RFC 9293 3.9.2.2), except of connections that
        it does not have: those errors are late, or forged."""
        if news.protocol == TCP:
            connection = self._connections.get((news.local, news.remote))
            if connection is None:
                return
            self.news.append(news)
            connection.hear_error(news.obstacle, sequence)
            self._forget_if_over(connection)
        else:
            self.news.append(news)

    # --- connections --------------------------------------------------------------------

    def _new_connection(self, local: Endpoint, remote: Endpoint) -> Connection | None:
        """None when these two ends are connected already, or there are too many connections."""
        if (local, remote) in self._connections or not self._make_room():
            return None
        initial = self._rng.getrandbits(32)
        connection = Connection(local, remote, initial, self._segments, self.news)
        self._connections[local, remote] = connection
        return connection

    def _make_room(self) -> bool:
        """Connections that are over and only wait for stray segments give way to a new one."""
        if len(self._connections) < MOST_CONNECTIONS:
            return True
        for ends, connection in self._connections.items():
            if connection.state is State.TIME_WAIT:
                del self._connections[ends]
                return True
        return False

    def _forget_if_over(self, connection: Connection) -> None:
        ends = (connection.local, connection.remote)
        if connection.state is State.CLOSED and self._connections.get(ends) is connection:
            del self._connections[ends]

    def _pack_segments(self) -> None:
        for segment in self._segments:
            self.outbox.append(pack_segment(segment, self.next_identification()))
        self._segments.clear()
