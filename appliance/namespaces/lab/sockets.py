"""A party on real sockets, in the namespace of its side: what `appliance/sim/host.py` and the links
are to it in the simulation, the kernel is here.
"""

from __future__ import annotations

import selectors
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterable

from appliance.namespaces.lab.streams import Streams
from appliance.parties.party import (
    Action,
    Datagram,
    Forge,
    News,
    Party,
    Ping,
    Pong,
    Report,
    Send,
    Wake,
)
from appliance.wires import netns
from nat.checksum import checksum
from nat.endpoint import Endpoint, address_text, parse_address
from nat.packet import Packet

ECHO_REQUEST, ECHO_REPLY = 8, 0  # RFC 792
LARGEST = 65536

OnReport = Callable[[str, Report], None]
OnLoss = Callable[[str, Send, str], None]
"""Whose datagram the kernel would not send, which one, and why."""
Now = Callable[[], float]


class Sockets:
    """Drives `party`. `now` is its clock (seconds), `on_report` hears what it says, `addresses` are
    those at which it is reached beside its own, `on_loss` of what could not be sent.

    `lost` counts datagrams that the kernel would not send, by its reason. Raises OSError where a
    port cannot be had.
    """

    def __init__(
        self,
        party: Party,
        namespace: str,
        selector: selectors.BaseSelector,
        now: Now,
        on_report: OnReport,
        addresses: Iterable[int] = (),
        on_loss: OnLoss = lambda party, send, why: None,
    ) -> None:
        self.party = party
        self.wake_at: float | None = None
        self.lost: Counter[str] = Counter()
        self._namespace = namespace
        self._selector = selector
        self._now = now
        self._on_report = on_report
        self._on_loss = on_loss
        self._addresses = (party.address, *addresses)
        self._datagrams: dict[Endpoint, socket.socket] = {}
        self._forging: socket.socket | None = None
        self._pings: socket.socket | None = None
        self._streams = Streams(party.address, self._new_stream_socket, selector, self._hear)

    def start(self) -> None:
        self.perform(self.party.start(self._now()))

    def tell(self, order: str, whom: str) -> None:
        self.perform(self.party.tell(order, whom, self._now()))

    def wake(self) -> None:
        """Its time has come."""
        self.wake_at = None
        self.perform(self.party.wake(self._now()))

    def close(self) -> None:
        self._streams.close()
        for local in list(self._datagrams):
            self._close_port(local)
        if self._forging is not None:
            self._forging.close()
        if self._pings is not None:
            self._selector.unregister(self._pings)
            self._pings.close()

    def perform(self, actions: Iterable[Action]) -> None:
        """Do what the party wants done, and listen where it wants to."""
        for action in actions:
            if isinstance(action, Send):
                self._send(action)
            elif isinstance(action, Wake):
                self.wake_at = action.at
            elif isinstance(action, Report):
                self._on_report(self.party.name, action)
            elif isinstance(action, Forge):
                self._forge(action)
            elif isinstance(action, Ping):
                self._ping(action)
            else:
                self._streams.do(action)
        self._listen()

    # --- datagrams ------------------------------------------------------------------------

    def _listen(self) -> None:
        ports = self.party.ports
        wanted = {Endpoint(address, port) for address in self._addresses for port in ports}
        for local in self._datagrams.keys() - wanted:
            self._close_port(local)
        for local in wanted - self._datagrams.keys():
            self._open_port(local)
        self._streams.listen(self.party.tcp_ports)

    def _open_port(self, local: Endpoint) -> socket.socket:
        made = self._new_socket(socket.SOCK_DGRAM)
        made.bind((address_text(local.address), local.port))
        self._datagrams[local] = made
        self._selector.register(made, selectors.EVENT_READ, self._receive)
        return made

    def _close_port(self, local: Endpoint) -> None:
        closed = self._datagrams.pop(local)
        self._selector.unregister(closed)
        closed.close()

    def _send(self, send: Send) -> None:
        source, destination = send.source, send.destination
        used = self._datagrams.get(source) or self._open_port(source)
        try:
            used.sendto(send.payload, (address_text(destination.address), destination.port))
        except OSError as error:
            why = error.strerror or str(error)
            self.lost[why] += 1
            self._on_loss(self.party.name, send, why)

    def _receive(self, ready: socket.socket) -> None:
        try:
            payload, (host, port) = ready.recvfrom(LARGEST)
        except (BlockingIOError, ConnectionRefusedError):  # an ICMP error is for nobody here
            return
        except OSError as error:
            self.lost[error.strerror or str(error)] += 1
            return
        here, own_port = ready.getsockname()
        own = Endpoint(parse_address(here), own_port)
        datagram = Datagram(Endpoint(parse_address(host), port), own, payload)
        self.perform(self.party.receive(datagram, self._now()))

    def _forge(self, forged: Forge) -> None:
        """With its own header, whoever that says it is from (IP_HDRINCL, raw(7))."""
        if self._forging is None:
            self._forging = self._new_socket(socket.SOCK_RAW, socket.IPPROTO_RAW)
        destination = Packet.of(forged.packet).destination_address
        try:
            self._forging.sendto(forged.packet, (address_text(destination), 0))
        except OSError as error:
            self.lost[error.strerror or str(error)] += 1

    # --- streams and pings ------------------------------------------------------------------

    def _hear(self, news: News) -> None:
        self.perform(self.party.hear(news, self._now()))

    def _ping(self, order: Ping) -> None:
        if self._pings is None:
            self._pings = self._new_socket(socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self._pings.bind((address_text(self.party.address), 0))
            self._selector.register(self._pings, selectors.EVENT_READ, self._hear_ping)
        self._pings.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, order.ttl)
        head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, order.source.port, order.sequence)
        whole = head + order.payload
        sound = whole[:2] + struct.pack("!H", checksum(whole)) + whole[4:]
        try:
            self._pings.sendto(sound, (address_text(order.destination), 0))
        except OSError as error:
            self.lost[error.strerror or str(error)] += 1

    def _hear_ping(self, ready: socket.socket) -> None:
        packet, (host, _) = ready.recvfrom(LARGEST)
        message = packet[(packet[0] & 0x0F) * 4 :]
        if len(message) >= 8 and message[0] == ECHO_REPLY:
            _, _, _, identifier, sequence = struct.unpack("!BBHHH", message[:8])
            local = Endpoint(self.party.address, identifier)
            self._hear(Pong(local, parse_address(host), sequence, message[8:]))

    def _new_stream_socket(self) -> socket.socket:
        made = self._new_socket(socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return made

    def _new_socket(self, kind: int, protocol: int = 0) -> socket.socket:
        with netns.entered(self._namespace):
            made = socket.socket(socket.AF_INET, kind, protocol)
        made.setblocking(False)
        return made
