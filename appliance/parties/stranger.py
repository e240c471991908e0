"""Somebody outside who was not asked: forges packets in another's name.

    stranger ──"I am 203.0.113.9:5060", RST──────────────► the NAT's address, one port after another
    stranger ──"what you sent to 203.0.113.9 got lost"──► the same, as an ICMP error

    stranger ──"is there a phone?", a SIP OPTIONS────────► the same, in its own name

It sees none of the traffic that it wants to cut. It knows, or guesses, the server that everybody
there talks to, and tries the ports behind which somebody might. A NAT looks at the sequence number
of a RST, and believes no ICMP error enough to forget a flow (RFC 5382 REQ-10, RFC 5508 REQ-4 to 6):
then nothing comes of it. A scan is honest about who sends it. A NAT lets it in where a mapping is,
if that lets in anybody (RFC 4787 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from random import Random
from struct import Struct
from typing import Annotated, ClassVar

from appliance.parties.machine import Machine
from appliance.parties.party import (
    Abort,
    Action,
    Close,
    Connect,
    Connected,
    Datagram,
    Forge,
    Ground,
    News,
    Order,
    Write,
)
from appliance.parties.signalling import FIRST_DYNAMIC_PORT
from appliance.parties.sipua import MAGIC_COOKIE, SipMessage, essence, write_via
from appliance.parties.traits import Traits, about
from nat import icmp
from nat.checksum import checksum, pseudo_header
from nat.endpoint import TCP, UDP, Endpoint, address_text, parse_address
from nat.packet import Packet
from nat.tcp import RST

IPV4 = Struct("!BBHHHBBHII")
TCP_HEADER = Struct("!HHIIHHHH")
UDP_HEADER = Struct("!HHHH")
TTL = 64
HEADER_WORDS = 5 << 12  # 20 bytes, before the flags


class StrangerTraits(Traits, tag="stranger", kw_only=True):
    """Of a stranger."""

    victim: Annotated[str, about("The address that it wants to harm: the NAT's.")]
    pretends: Annotated[str, about("The endpoint in whose name it sends: a server's (RFC 5961 1).")]
    tries: Annotated[
        list[int], about("Ports of the victim's that it tries, each with the 99 above it.")
    ]
    gives: Annotated[
        str,
        about(
            "What it says to whoever takes its connection, as if it were the file that is expected "
            "there (RFC 2577 6: port stealing)."
        ),
    ] = ""

    def check(self) -> None:
        super().check()
        self.must_parse(parse_address, "victim")
        self.must_parse(Endpoint.parse, "pretends")
        if not all(0 < port <= 65535 - STRETCH for port in self.tries):
            raise ValueError(f"tries: there are no such ports: {self.tries}")
        if len(self.tries) > MOST_STRETCHES:
            raise ValueError(f"tries: {MOST_STRETCHES} at most")


STRETCH = 100
SHORT_PATIENCE = 0.9  # seconds
MOST_STRETCHES = 20
SCANS_FROM = 5060  # as SIPVicious does
FINDS = "has an answer to its scan from"


class Stranger(Machine):
    """Forges, and hears nothing but the answers to its scan."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        "send-resets": Order(
            "end every TCP connection that the server might have with the victim",
            lambda stranger, _, now: stranger.send_resets(),
        ),
        "send-errors": Order(
            "say of all that the victim might have sent the server that nobody listens there",
            lambda stranger, _, now: stranger.send_errors(),
        ),
        "scan": Order(
            "ask each port, over UDP, whether there is a phone",
            lambda stranger, _, now: stranger.scan(),
        ),
        "connect": Order(
            "connect to each port before somebody else does, and hand over what it `gives`",
            lambda stranger, _, now: stranger.connect(now),
        ),
    }

    def __init__(self, name: str, traits: StrangerTraits, rng: Random) -> None:
        super().__init__()
        self.name = name
        self.address = traits.own_address
        self._pretends = Endpoint.parse(traits.pretends)
        self._victim = parse_address(traits.victim)
        self._tries = traits.tries
        self._gives = traits.gives.encode()
        self._taken: set[tuple[Endpoint, Endpoint]] = set()
        self._rng = rng
        self._ports: set[int] = set()

    @property
    def ports(self) -> Set[int]:
        return self._ports

    @property
    def tcp_ports(self) -> Set[int]:
        return frozenset()

    def start(self, now: float) -> Sequence[Action]:
        return self.actions()

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        if essence(datagram.payload)[0]:
            self.learn(self.name, FINDS, datagram.source, Ground(datagram.payload, "", ""))
        return self.actions()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        if isinstance(news, Connected):
            self._taken.add((news.local, news.remote))
            self.do(Write(news.local, news.remote, self._gives))
            self.do(Close(news.local, news.remote))
        return self.actions()

    def tell(self, order: str, whom: str, now: float) -> Sequence[Action]:
        known = self.ORDERS.get(order)
        if known is None:
            raise ValueError(f"{self.name} does not know how to {order!r}")
        known.carry_out(self, whom, now)
        return self.actions()

    # --- forging --------------------------------------------------------------------------

    def send_resets(self) -> None:
        """A RST to each port, with a sequence number that is anybody's guess."""
        for victim in self._victims():
            self.do(Forge(reset(self._pretends, victim, self._rng.getrandbits(32))))

    def send_errors(self) -> None:
        """ICMP errors about a datagram and a segment that the victim might have sent."""
        unreachable = icmp.UNREACHABLE, icmp.PORT_UNREACHABLE
        for victim in self._victims():
            segment = reset(victim, self._pretends, self._rng.getrandbits(32))
            for quoted in (datagram(victim, self._pretends), segment):
                error = icmp.error(Packet.of(quoted), self._pretends.address, *unreachable)
                self.do(Forge(error))

    def scan(self) -> None:
        """In its own name, because it wants to hear the answers (RFC 3261 11)."""
        own = Endpoint(self.address, SCANS_FROM)
        self._ports.add(own.port)
        for victim in self._victims():
            self.send(own, victim, self._question(own, victim))

    def _question(self, own: Endpoint, victim: Endpoint) -> bytes:
        token = f"{self._rng.getrandbits(64):016x}"
        me = f"<sip:100@{address_text(own.address)}>"
        request = SipMessage(f"OPTIONS sip:100@{victim} SIP/2.0")
        request.headers += [
            ("Via", write_via("UDP", own, MAGIC_COOKIE + token)),
            ("Max-Forwards", "70"),
            ("From", f"{me};tag={token}"),
            ("To", f"<sip:100@{victim}>"),
            ("Call-ID", token),
            ("CSeq", "1 OPTIONS"),
        ]
        return request.write()

    def connect(self, now: float) -> None:
        """In its own name: where anybody is let in, nobody need lie. A silent port is given up
        before TCP knocks again."""
        links = [
            (Endpoint(self.address, FIRST_DYNAMIC_PORT + number), victim)
            for number, victim in enumerate(self._victims())
        ]
        for link in links:
            self.do(Connect(*link))
        self.timers.at(now + SHORT_PATIENCE, lambda at: self._give_up(links))

    def _give_up(self, links: Sequence[tuple[Endpoint, Endpoint]]) -> None:
        for link in links:
            if link not in self._taken:
                self.do(Abort(*link))

    def _victims(self) -> Iterator[Endpoint]:
        ports = (port for first in self._tries for port in range(first, first + STRETCH))
        return (Endpoint(self._victim, port) for port in ports)


def reset(source: Endpoint, destination: Endpoint, sequence: int) -> bytes:
    """A TCP segment that says that its sender knows of no connection (RFC 9293 3.5.2)."""
    fields = [source.port, destination.port, sequence, 0, HEADER_WORDS | RST, 0, 0, 0]
    pseudo = pseudo_header(source.address, destination.address, TCP, TCP_HEADER.size)
    fields[6] = checksum(pseudo + TCP_HEADER.pack(*fields))
    return _packet(source, destination, TCP, TCP_HEADER.pack(*fields))


def datagram(source: Endpoint, destination: Endpoint) -> bytes:
    """An empty one, without a checksum (RFC 768)."""
    body = UDP_HEADER.pack(source.port, destination.port, UDP_HEADER.size, 0)
    return _packet(source, destination, UDP, body)


def _packet(source: Endpoint, destination: Endpoint, protocol: int, body: bytes) -> bytes:
    size = IPV4.size + len(body)
    fields = [0x45, 0, size, 0, 0, TTL, protocol, 0, source.address, destination.address]
    fields[7] = checksum(IPV4.pack(*fields))
    return IPV4.pack(*fields) + body
