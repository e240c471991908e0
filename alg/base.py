"""What an ALG module is, and the few verbs by which it may ask the NAT for something.

Strategy: **a module answers with edits, never with bytes.** The datapath applies them, so an edit
without a reason cannot exist, the screen draws only what the module said, and a wrong edit is
refused in one place (`alg.edits.apply`). A module has no state of its own: what it must remember
it asks its context to remember, so that everything it did for one message can be committed or
rolled back together. The correct module runs dry beside any other; running dry is rolling back.

A module never sees packets, tables, sockets or a clock. Lifetimes are in seconds from now.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from re import Pattern
from typing import Any, NamedTuple, Protocol

from alg.hint import Sign
from alg.stream import Frame, Manners
from nat.endpoint import Direction, Endpoint
from nat.policy import Decide


class Reason(NamedTuple):
    """Why a rule changes a byte: one sentence for a person, and where the rule is written."""

    sentence: str
    rfc: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes `[start, end)` of the message.

    `field` says what stands there (`contact.host`), `rule` names the entry that
    `Alg.explain` turns into a sentence when somebody looks.
    """

    start: int
    end: int
    replacement: bytes
    field: str
    rule: str


class Reading(Enum):
    """What a module took a message for."""

    MESSAGE = "message"  # understood
    OPAQUE = "opaque"  # not this protocol, or encrypted: nothing to read here
    MALFORMED = "malformed"  # this protocol, but not safe to edit: passes unchanged, opens nothing


@dataclass(frozen=True, slots=True)
class Edits:
    """A module's normal answer. `note` says, when nothing is edited, why; `not_opened` names, a
    sentence for each, what the NAT refused to open while the rest of the message was edited.
    `faults` are those that were at work on it, by name; whether they have changed anything shows
    when the answer is compared with the correct module's."""

    edits: tuple[Edit, ...] = ()
    reading: Reading = Reading.MESSAGE
    note: str = ""
    not_opened: tuple[str, ...] = ()
    faults: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """The message is not to be forwarded. No correct module answers this; faults do."""

    rule: str
    faults: tuple[str, ...] = field(default=(), compare=False)


class Unavailable(Exception):
    """The NAT cannot give what was asked for: no port, a limit, a clash (the text says which).

    A module that does not catch it has its message passed unchanged (invariant I-E5: never a
    message that advertises a port that is not open).
    """


class AlgContext(Protocol):
    """What a module may know of the packet's surroundings, and what it may ask for.

    All that is asked for is granted at once but becomes permanent only when the module's edits
    have been accepted; if it raises or an edit is refused, all of it is undone.
    """

    direction: Direction
    internal: Endpoint
    """The inside host's end of the flow that carries the message."""
    external: Endpoint
    """What the outside sees in its place."""
    remote: Endpoint
    transport: str
    """`"udp"` or `"tcp"`."""
    settings: Mapping[str, Any]
    """The section `[alg.NAME]` of the configuration: `media_peers`, `received`, `timeout` …"""

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        """Where a live mapping shows this inside endpoint to the outside. With port 0: which
        external address its host has to itself, if it has one. Changes nothing."""

    def internal_of(self, external: Endpoint, transport: str = "udp") -> Endpoint | None:
        """Whose mapping this external endpoint is. With port 0: which host has its address to
        itself, if one has. Changes nothing."""

    def is_external_address(self, address: int) -> bool:
        """Does this address belong to the NAT?"""

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        """The external endpoint of `internal`, from a mapping that exists or a new one that is
        endpoint-independent. A new one lives by its expectations. Raises Unavailable."""

    def map_pair(self, internal: Endpoint) -> Endpoint:
        """The same for an RTP port and the RTCP port above it: the external ports are adjacent,
        the first keeps the parity of `internal`'s; both or none. Raises Unavailable."""

    def expect(
        self,
        internal: Endpoint,
        remote: Endpoint | None,
        *,
        transport: str = "udp",
        parent: Hashable,
        reason: str,
        lifetime: float,
        used_lifetime: float | None = None,
        silence: float | None = None,
    ) -> None:
        """Let `remote` (port 0: any port of that address; None: anyone) send to the mapping of
        `internal`, which `map` must have made or found, before the inside has sent.

        It closes `lifetime` seconds from now unless a packet used it; after use it lives as long
        as its parent, `used_lifetime` seconds at most (None: `lifetime` goes on counting, used or
        not). With `silence` it closes before that, when no packet has passed for so many seconds,
        either way, at any mapping that its parent expects something at (which is noticed within
        twice that time). Asking again for the same endpoints and parent renews it. Raises
        Unavailable when `internal` is another host than the one that carries the message, or at a
        limit."""

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None:
        """Close all expectations of `parent` (or only those for `internal`) at once. Flows that
        they let in end with them, unless the inside host opened the flow by itself."""

    def keep(self, seconds: float) -> None:
        """Keep the flow that carries this message for so many seconds after its last packet, in
        the place of the ordinary UDP timeout."""

    def remember(self, key: Hashable, value: Any, lifetime: float) -> None:
        """Store an immutable value for later messages; when there are too many, old ones go."""

    def recall(self, key: Hashable) -> Any:
        """What was remembered under `key`, or None."""

    def forget(self, key: Hashable) -> None:
        """Drop what was remembered under `key`, if anything."""


class Alg(Protocol):
    """A module. The smallest one is `alg/off.py`; `alg/foreign.py` makes one of somebody's own
    class, which needs no more than `inspect` and `explain`."""

    @property
    def name(self) -> str: ...

    @property
    def application(self) -> str:
        """The protocol that it reads (`Application.name`); empty for one that reads nothing."""

    @property
    def decisions(self) -> Mapping[str, Decide]:
        """What it decides in the place of the NAT, by the name of the decision point
        (`nat/policy.py`). A correct module decides nothing."""

    @property
    def manners(self) -> Manners:
        """How it wants TCP streams to be read (`alg/stream.py`)."""

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        """Answer what is to be changed in one whole message (a UDP payload, or one message of a
        TCP stream)."""

    def explain(self, rule: str) -> Reason:
        """The sentence behind a rule's name. Raises KeyError for a rule that is not its own."""


class Way(NamedTuple):
    """A flow, by what an application knows of it."""

    transport: str
    internal: Endpoint
    remote: Endpoint


class Passage(NamedTuple):
    """A message on its way, as somebody sees it who only looks on."""

    before: bytes
    """As it came."""
    after: bytes
    """As it left; empty when it was refused."""
    direction: Direction
    transport: str
    """`"udp"` or `"tcp"`."""
    internal: Endpoint
    remote: Endpoint

    @property
    def way(self) -> Way:
        """The flow that carried it."""
        return Way(self.transport, self.internal, self.remote)


class Announced(NamedTuple):
    """Where one party of a conversation wants to be sent one stream of media."""

    media: str
    party: str
    """By name; *not* safe to draw."""
    is_inside: bool
    own: Endpoint
    """Where the party listens, as it wrote itself."""
    shown: Endpoint
    """The same as the other side was told."""
    sends: bool
    """Has the party agreed to send, and"""
    hears: bool
    """to be sent anything? A call on hold is silent by agreement."""


class Progress(NamedTuple):
    """A conversation between applications (a call, a registration) came to another state.

    `name` tells conversations apart (SIP's Call-ID), `detail` is the answer's code, if it was one.
    """

    name: str
    kind: str
    state: str
    caller: str
    callee: str
    detail: str = ""


class Conversation(NamedTuple):
    """All that a follower knows of one conversation."""

    row: dict[str, object]
    """As in `show calls`."""
    sentence: str
    """What its state means, for a person; *not* safe to draw."""
    talking_since: float | None
    """Since when media is to be expected as it is announced now (seconds); None: not now."""
    announced: tuple[Announced, ...]
    ways: tuple[Way, ...]
    """The flows that carried its messages."""
    parents: tuple[Hashable, ...]
    """What its expectations belong to."""


class Follower(Protocol):
    """A bystander that learns from messages which conversations there are, and changes nothing.
    Times are in seconds on the caller's clock."""

    def follow(self, passage: Passage, now: float) -> Progress | None:
        """A message passed; what it changed, if anything."""

    def next_deadline(self) -> float:
        """When `expire` has something to do; inf: never, as things are."""

    def expire(self, now: float) -> list[Progress]:
        """The conversations that time alone has brought to another state."""

    def document(self, zero: float, now: float) -> list[dict[str, object]]:
        """All conversations, as in `show calls`; `zero` is when the clock of events began."""

    def find(self, name: str, zero: float, now: float) -> Conversation | None:
        """The conversation of this name, or the only one whose name begins so."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a message. Two findings are the same when name and sentence
    are."""

    name: str
    sentence: str
    rfc: str


class Piece(NamedTuple):
    """Some words of a line in which a binary message is shown, and the bytes that they are read
    from: their own place first. Words of the line itself have none."""

    text: str
    spans: tuple[tuple[int, int], ...] = ()


AS_IT_IS = Reason("A correct module changes nothing here.", "")


@dataclass(frozen=True, slots=True)
class Application:
    """A protocol with addresses in its messages: all that the appliance must know of it.

    Each folder of modules has one (`alg/sip/application.py`), and `alg/registry.py` lists them.
    Nothing outside the folder names the protocol: the appliance gives each application a slot, and
    settings of its own in `[alg.NAME]`.
    """

    name: str
    """Its correct module has the same."""
    correct: Callable[[], Alg]
    """Makes the correct module, which is run dry beside any other to say what that one missed."""
    frame: Frame
    """How long the first message in some bytes of a TCP stream is (`alg.stream.Stream`)."""
    not_a_message: type[Exception]
    """What `frame` raises for bytes that are not this protocol's."""
    summary: Callable[[bytes], tuple[str, str]]
    """A message in a word or two, and the name of the conversation that it belongs to."""
    soundness: Callable[[bytes], int]
    """How much of a message can be read; 0 for none of it. Less after an edit than before it means
    that the edit has broken the message."""
    findings: Callable[[bytes], Sequence[Finding]]
    """All that is wrong with a message, whoever wrote it."""
    opens: str
    """What its correct module opens for the inside, in two words."""
    consequences: Callable[[bytes, Sequence[Edit]], Sequence[Edit]] = lambda message, edits: ()
    """What must be edited because these edits are made, whoever makes them: a length that counts
    what they have changed."""
    why_it_stays: Callable[[bytes, int], Reason] = lambda message, at: AS_IT_IS
    """Why the correct module leaves what stands at a position of a message as it is."""
    watch: Callable[[bytes, bytes, AlgContext, Sequence[Edit]], Sequence[Edit]] = (
        lambda message, left, context, edits: edits
    )
    """Beside another module: that a message has really left as `left`, since the other end answers
    that, and nothing else. Answers what of it is right then; `edits` are the correct module's, who
    knows of nothing but its own."""
    signs: tuple[Sign, ...] = ()
    """By what its traffic is told where nobody reads it, and what to say then."""
    follower: Callable[[], Follower] | None = None
    states: tuple[str, ...] = ()
    """All states that a conversation can come to, as its follower tells them."""
    first_line: Pattern[bytes] | None = None
    """How a message begins, at the end of a line of somebody's log; None for a protocol that looks
    like any other text."""
    lines: Callable[[bytes], Sequence[Sequence[Piece]]] | None = None
    """A message in lines for people, safe to draw; None for a protocol whose messages are text."""
    inside_endpoint: Callable[[bytes], Endpoint | None] = lambda message: None
    """By which endpoint the sender of a message names itself, if one can see that it is inside. Its
    port is 0 if the message does not say it."""
