"""What a party is: what it hears and the time in, actions out.

Strategy: a party owns no socket and no clock. Whoever runs it hands it what arrived and says what
time it is, and the party answers with a list of things to do. The simulation and a driver with
real sockets differ only in who carries the actions out.

    start, receive, hear, wake, tell  ──►  [Send, Connect, Write, …, Wake, Report]

UDP is datagrams: `Send` out, `receive` in. Of TCP a party sees what a program sees of a socket, a
stream of bytes in each direction; segments, acknowledgements and repetitions are the host's
business (`appliance/sim/tcp.py`, or the kernel). A connection is named by its two ends, and the
party that opens one chooses the local port.

All actions of one step are carried out, in their order, before the party takes its next step.

What each packet of audio needs one of is a struct of msgspec's, which is made in a third of the
time of a named tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from enum import Enum
from typing import Any, NamedTuple, Protocol

import msgspec

from appliance.parties.rtp import Stream
from nat.endpoint import Endpoint

# --- what a party does -----------------------------------------------------------------------


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send this datagram now."""

    source: Endpoint
    destination: Endpoint
    payload: bytes


class Connect(NamedTuple):
    """Open a TCP connection. `Connected` or `Closed` is heard in the end."""

    local: Endpoint
    remote: Endpoint


class Write(NamedTuple):
    """Say these bytes on a connection; before it is open they wait.

    `sizes` are the payloads of the segments to cut them into (bytes). The last size counts for
    all that follow, so that one size alone means segments of that size; 0, and more than the other
    side takes, mean as much as it takes.
    """

    local: Endpoint
    remote: Endpoint
    payload: bytes
    sizes: Sequence[int] = (0,)


class Close(NamedTuple):
    """Say no more on a connection once all is said (FIN); what the other side says is heard on."""

    local: Endpoint
    remote: Endpoint


class Abort(NamedTuple):
    """End a connection in both directions at once (RST). Nothing more is heard of it."""

    local: Endpoint
    remote: Endpoint


class Ping(NamedTuple):
    """Send an ICMP echo request. The port of `source` is its identifier; `ttl` is how many hops it
    may take, itself included."""

    source: Endpoint
    destination: int
    sequence: int = 0
    payload: bytes = b""
    ttl: int = 64


class Forge(NamedTuple):
    """Send these bytes as an IPv4 packet, header and all, whoever it says it is from (in real life:
    a raw socket)."""

    packet: bytes


class Wake(msgspec.Struct, frozen=True, gc=False):
    """Call `wake` at this time (seconds). Only the newest Wake of a party counts."""

    at: float


class What(Enum):
    """The moments in a party's life that people would tell each other about."""

    REGISTRATION_TRIED = "registration tried"
    REGISTRATION_ACCEPTED = "registration accepted"
    REGISTRATION_REFUSED = "registration refused"
    REGISTRATION_UNANSWERED = "registration unanswered"
    CALL_TRIED = "call tried"
    CALL_REACHED = "call reached the callee"
    CALL_ANSWERED = "call answered"
    CALL_REJECTED = "call rejected"
    CALL_UNREACHABLE = "call did not reach anybody"
    CALL_DROPPED = "call dropped"
    CALL_ENDED = "call ended"
    TALKING = "talking"
    RINGING_ALOUD = "ringing, with a tone to be heard"
    HELD = "put on hold"
    RESUMED = "resumed"
    MOVED = "audio moved"
    FAXING = "faxing"
    CHOICE_MADE = "choice made"
    CHANGE_REFUSED = "change refused"
    TRANSFERRED = "transferred"
    TRANSFER_REFUSED = "transfer refused"
    TRANSFER_UNANSWERED = "transfer unanswered"
    MESSAGE_DISCARDED = "message discarded"
    MESSAGE_REFUSED = "message refused"
    MESSAGE_ACCEPTED = "message accepted"
    LEARNT = "learnt"


class Ground(NamedTuple):
    """What made a party do something: `field` of `message` (as it came), by the rule in `rfc`.
    Fields are named as in the ALG's changes; none: the message as a whole."""

    message: bytes
    field: str = ""
    rfc: str = ""


class Report(NamedTuple):
    """Something happened to `who`, with `peer` at the other end; the driver keeps the score.

    `stream` comes with TALKING: the live counters of one side's audio. LEARNT says in `detail` what
    will be sent to `target` from now on; it, and what is said of a message, has its `ground`.
    """

    what: What
    who: str
    peer: str = ""
    detail: str = ""
    stream: Stream | None = None
    target: Endpoint | None = None
    ground: Ground | None = None


Action = Send | Connect | Write | Close | Abort | Ping | Forge | Wake | Report

# --- what a party hears ----------------------------------------------------------------------


class Datagram(msgspec.Struct, frozen=True, gc=False):
    """A UDP datagram as it came out of the socket."""

    source: Endpoint
    destination: Endpoint
    payload: bytes


class Connected(NamedTuple):
    """A connection is open: one that it asked for, or one to a port in its `tcp_ports`."""

    local: Endpoint
    remote: Endpoint


class Received(NamedTuple):
    """The next bytes of a connection. Where a segment ended is not told: TCP has no messages."""

    local: Endpoint
    remote: Endpoint
    payload: bytes


class Finished(NamedTuple):
    """The other side has said all it has to say (FIN), and may go on listening."""

    local: Endpoint
    remote: Endpoint


class Ending(Enum):
    """How a connection came to its end."""

    ORDERLY = "closed by both sides"
    REFUSED = "connection refused"
    RESET = "connection reset by the other side"
    UNREACHABLE = "no way to the other side"
    TIMED_OUT = "the other side does not answer"
    IMPOSSIBLE = "the host has no room for the connection"


class Closed(NamedTuple):
    """A connection is over in both directions, or never came about."""

    local: Endpoint
    remote: Endpoint
    how: Ending


class Pong(NamedTuple):
    """The answer to a ping; the port of `local` is the identifier."""

    local: Endpoint
    remote: int
    sequence: int
    payload: bytes


class Obstacle(Enum):
    """Why a packet did not arrive, as an ICMP error has it (RFC 792, RFC 1122 3.2.2)."""

    NETWORK_UNREACHABLE = "network unreachable"
    HOST_UNREACHABLE = "host unreachable"
    PROTOCOL_UNREACHABLE = "protocol unreachable"
    PORT_UNREACHABLE = "port unreachable"
    TOO_BIG = "packet too big"
    PROHIBITED = "administratively prohibited"
    UNREACHABLE = "unreachable"
    TIME_EXCEEDED = "time to live exceeded"
    BAD_HEADER = "bad header"


class Undelivered(NamedTuple):
    """`reporter` says that a packet which this host sent from `local` to `remote` got no further
    (an ICMP error; to a program, an error of its socket). `protocol` is the packet's."""

    protocol: int
    local: Endpoint
    remote: Endpoint
    obstacle: Obstacle
    reporter: int


News = Connected | Received | Finished | Closed | Pong | Undelivered


# --- what people tell a party ----------------------------------------------------------------


class Order(NamedTuple):
    """A button that a person can press: what it does, and how. With `needs` "whom" it must be said
    to whom; "" means that nothing more is to be said."""

    about: str
    carry_out: Callable[[Any, str, float], None]
    needs: str = ""


class Party(Protocol):
    """One host's program."""

    name: str
    address: int

    @property
    def ports(self) -> Set[int]:
        """The UDP ports it listens on just now."""

    @property
    def tcp_ports(self) -> Set[int]:
        """The TCP ports that it accepts connections to just now."""

    def start(self, now: float) -> Sequence[Action]:
        """It is switched on."""

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        """A datagram came to one of its ports."""

    def hear(self, news: News, now: float) -> Sequence[Action]:
        """Something happened to one of its connections, or an ICMP message is for it."""

    def wake(self, now: float) -> Sequence[Action]:
        """The time of its last Wake has come."""

    def tell(self, order: str, whom: str, now: float) -> Sequence[Action]:
        """A person presses a button. Raises ValueError for an order that it does not know (those
        that each kind knows are in `kinds.py`)."""
