"""What a party is: datagrams and time in, actions out.

Strategy: a party owns no socket and no clock. Whoever runs it hands it what arrived and says what
time it is, and the party answers with a list of things to do. The simulation and a driver with
real sockets differ only in who carries the actions out.

    start, receive, wake, tell  ──►  [Send, Wake, Report, …]

All actions of one step are carried out, in their order, before the party takes its next step.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from enum import Enum
from typing import NamedTuple, Protocol

from appliance.parties.rtp import Stream
from nat.endpoint import Endpoint


class Datagram(NamedTuple):
    """A UDP datagram as it came out of the socket."""

    source: Endpoint
    destination: Endpoint
    payload: bytes


class Send(NamedTuple):
    """Send this datagram now."""

    source: Endpoint
    destination: Endpoint
    payload: bytes


class Wake(NamedTuple):
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
    MESSAGE_DISCARDED = "message discarded"


class Report(NamedTuple):
    """Something happened to `who`, with `peer` at the other end; the driver keeps the score.

    `stream` comes with TALKING: the live counters of one side's audio.
    """

    what: What
    who: str
    peer: str = ""
    detail: str = ""
    stream: Stream | None = None


Action = Send | Wake | Report


class Party(Protocol):
    """One host's program."""

    name: str
    address: int

    @property
    def ports(self) -> Set[int]:
        """The UDP ports it listens on just now."""

    def start(self, now: float) -> Sequence[Action]:
        """It is switched on."""

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        """A datagram came to one of its ports."""

    def wake(self, now: float) -> Sequence[Action]:
        """The time of its last Wake has come."""

    def tell(self, order: str, whom: str, now: float) -> Sequence[Action]:
        """A person presses a button: `register`, `call`, `hang-up`. Raises ValueError for an
        order that it does not know."""
