"""Everything that can happen, in one schema for the socket, `--json`, recordings and screens.

Names are in the past tense. Each event has `id`, `t` (seconds since the start, on the appliance's
clock) and `cause` (the id of the event that led to it), which `log.EventLog` fills in. Endpoints
are strings, sizes are bytes; the bytes of a message are Latin-1 strings, one
character a byte, and *not* safe to draw: see `tui/draw/wiretext.py`.
"""

from __future__ import annotations

import json
import re

import msgspec

from appliance.journal.plain import printable


class Event(msgspec.Struct, kw_only=True, tag_field="type"):
    id: int = 0
    t: float = 0.0
    cause: int | None = None


class Started(Event, tag="started"):
    """The first event. `wall` is the wall clock (seconds since 1970) at t = 0."""

    wall: float
    name: str
    mode: str  # "appliance" or "simulation"
    title: str = ""
    scenario: str = ""
    seed: int | None = None
    settings: dict[str, object] = {}
    parties: dict[str, str] = {}  # address -> the name people use for it


class MappingOpened(Event, tag="mapping-opened"):
    """An inside endpoint has an external one."""

    mapping: int
    protocol: str
    internal: str
    external: str
    opened_by: str  # packet | alg | static | forward | untranslated


class MappingRefreshed(Event, tag="mapping-refreshed"):
    """The mapping was still in use when its timer was looked at; `last` is the packet's time."""

    mapping: int
    protocol: str
    internal: str
    external: str
    last: float


class MappingExpired(Event, tag="mapping-expired"):
    """Nothing needed the mapping any more, or it was closed by force; `why` says which."""

    mapping: int
    protocol: str
    internal: str
    external: str
    why: str  # expired | closed | flushed | evicted | renumbered | replaced | cut


class FlowOpened(Event, tag="flow-opened"):
    """A mapping is used towards a remote; its cause is the mapping if that was opened for it."""

    flow: int
    mapping: int
    protocol: str
    internal: str
    external: str
    remote: str
    opened_by: str
    alg: str | None = None
    by_way_of: str = ""  # what internal becomes first, where a fault has it translated twice


class FlowExpired(Event, tag="flow-expired"):
    """A flow ended, with what it has carried: packets on the wire, and their bytes."""

    flow: int
    mapping: int
    protocol: str
    internal: str
    external: str
    remote: str
    why: str
    packets_out: int
    packets_in: int
    bytes_out: int
    bytes_in: int


class PacketDropped(Event, tag="packet-dropped"):
    """Like drops within a second are one event with `count` > 1. Where too many kinds of them come
    to be told apart, `protocol` and `destination` are empty, and `source` too if they have it not
    in common."""

    side: str  # the wire it arrived on
    reason: str  # the name of a member of nat.drop.Drop
    sentence: str
    rfc: str
    protocol: str
    source: str
    destination: str
    size: int
    summary: str = ""  # of a message whose protocol is told by its first line, as in message-passed
    call_id: str = ""
    count: int = 1
    first: float = 0.0
    last: float = 0.0


class Change(msgspec.Struct):
    """One field of a message: what stood there, what left, what a correct ALG writes."""

    field: str
    span: tuple[int, int]
    before: str
    after: str
    expected: str | None
    verdict: str  # ok | missed | wrong | broken | info
    rule: str
    reason: str
    rfc: str


class MessagePassed(Event, tag="message-passed"):
    """A message on an ALG's port, before and after."""

    alg: str  # the slot, by the name of its protocol
    module: str  # what stood in it: a SPEC
    flow: int | None
    direction: str  # "out" or "in"
    transport: str
    source: str  # as it arrived
    destination: str
    new_source: str  # as it left
    new_destination: str
    verdict: str  # rewritten | unchanged | opaque | malformed | dropped
    before: str
    after: str
    changes: list[Change]
    summary: str = ""  # the start line's essence: "INVITE", "200 OK (INVITE)"
    call_id: str = ""
    note: str = ""
    bitten: list[str] = []  # the faults that have changed something about it


class ExpectationOpened(Event, tag="expectation-opened"):
    """An ALG lets a remote in; `expires_in` is in seconds."""

    expectation: int
    protocol: str
    external: str
    internal: str
    remote: str | None  # "192.0.2.1:0" is any port; None is anyone
    parent: str
    reason: str
    expires_in: float


class ExpectationUsed(Event, tag="expectation-used"):
    """The first packet came that was expected."""

    expectation: int
    protocol: str
    external: str
    internal: str
    remote: str
    parent: str


class ExpectationClosed(Event, tag="expectation-closed"):
    """The remote is let in no more."""

    expectation: int
    protocol: str
    external: str
    internal: str
    parent: str
    why: str  # expired | closed | flushed | renumbered | replaced
    remote: str | None = ""  # as in expectation-opened; empty in recordings that do not have it


class CallState(Event, tag="call-state"):
    """A call or registration moved on, as far as its messages tell."""

    call: str  # Call-ID
    kind: str  # "call" or "registration"
    state: str
    """trying | ringing | answered | ended | busy | cancelled | unanswered | failed, or
    registering | registered | refused | unregistered | expired"""
    caller: str
    callee: str
    detail: str = ""


class PacketLost(Event, tag="packet-lost"):
    """A packet that the NAT did not drop, and that reached nobody (simulation and lab: a NAT cannot
    know). Like losses within a second are one event with `count` > 1."""

    where: str  # "on the outside", "at alice"
    why: str
    protocol: str
    source: str
    destination: str
    summary: str = ""  # of a SIP message, as in message-passed
    count: int = 1
    first: float = 0.0
    last: float = 0.0


_CODE = re.compile(r"\d{3}[: ]")  # so the reason for an answer by a code begins


class MessageDiscarded(Event, tag="message-discarded"):
    """Its receiver made nothing of a message, or refused it (simulation and lab). Its cause is
    the message as it passed the NAT, if it did."""

    party: str
    summary: str
    reason: str
    field: str = ""  # as in a change
    rfc: str = ""
    call_id: str = ""

    @property
    def is_refusal(self) -> bool:
        """Did its receiver answer by a code ("404: …"), and not only leave it?"""
        return _CODE.match(self.reason) is not None


class MessageAccepted(Event, tag="message-accepted"):
    """Its receiver took a message, its cause, for what it is (simulation, lab)."""

    party: str
    summary: str
    does: str = ""  # what it does about it at once: "answers 401 Unauthorized"
    call_id: str = ""


class PartyLearnt(Event, tag="party-learnt"):
    """What a party will do now, and which field of which message told it so (simulation, lab)."""

    party: str
    does: str  # "sends audio to"
    target: str
    field: str = ""
    summary: str = ""
    rfc: str = ""


NAT = "NAT"
"""The `party` of a cause that is no party."""


class Cause(msgspec.Struct):
    """One step from the origin of a failure to what people notice. `event`: the event that it rests
    on; `inferred`: nothing that was seen says so, it only follows."""

    sentence: str
    party: str = ""
    event: int | None = None
    field: str = ""
    rule: str = ""
    inferred: bool = False


class CallOutcome(Event, tag="call-outcome"):
    """How it ended for the people on the phone (simulation, lab: the parties know). `causes`: why,
    the first cause first; none when everybody is heard, and in a lab."""

    outcome: str
    sentence: str
    evidence: dict[str, object]
    causes: list[Cause] = []


class SettingChanged(Event, tag="setting-changed"):
    """Somebody set a key to another value."""

    key: str
    old: object
    new: object
    who: str


class MediaStats(Event, tag="media-stats"):
    """Once a second while there is media: one direction of one call."""

    stream: str
    talker: str
    listener: str
    sent: int
    heard: int
    lost_at: str = ""


class Difference(msgspec.Struct):
    """What of a packet is not as it was at the point before."""

    field: str
    before: str
    after: str


class PacketSeen(Event, tag="packet-seen"):
    """A packet at one of the four points of its way (`watch --points`); never in the log, so it
    has no id. `packet` is the same number at all of its points."""

    packet: int
    point: str  # arrived | translated-in | translated-out | left
    side: str  # the wire it came from; once translated, the one it goes to
    protocol: str  # this and both ends are empty when it cannot be read
    source: str
    destination: str
    ttl: int | None
    size: int
    segments: int = 1  # that a super-packet stands for
    flow: int | None = None
    changes: list[Difference] = []
    own: bool = False  # the appliance's own answer
    end: str | None = None  # why it goes no further: a drop's reason, "held" or "consumed"
    skipped: int = 0  # packets before this one that were too many to be shown
    head: str = ""  # the first 64 bytes


class SilenceInferred(Event, tag="silence-inferred"):
    """Nothing has come back to an inside party of a call, as the NAT's counters have it; nobody has
    said so (appliance only: in a simulation the parties say what they hear)."""

    call: str
    sentence: str
    party: str
    media: str
    packets_out: int
    packets_in: int
    seconds: float  # since the call was answered
    inferred: bool = True


class AlgError(Event, tag="alg-error"):
    alg: str
    module: str
    error: str
    disabled: bool = False  # too many for this flow: the module is off for it


class NotOpened(Event, tag="not-opened"):
    """The NAT refused what a message asks for: a port, or an expectation. It was not announced."""

    alg: str
    flow: int | None
    source: str  # of the message, as it arrived
    destination: str
    reason: str  # a sentence for each thing that was asked for


class HintGiven(Event, tag="hint-given"):
    """A flow carries what nobody reads, as far as its first bytes tell; once for a flow."""

    about: str  # whose sign it was: "sip", "tftp"
    flow: int
    protocol: str
    internal: str
    external: str
    remote: str
    sentence: str
    setting: str = ""  # the key that changes it, if one does,
    value: str = ""  # and what to set it to


class StreamLetGo(Event, tag="stream-let-go"):
    """The messages of a TCP connection are not read any more; its bytes pass as they come."""

    alg: str
    flow: int
    source: str  # of the segment that was too much, as it arrived
    destination: str
    reason: str


class CaptureStarted(Event, tag="capture-started"):
    """Every packet is written to a file from now on."""

    file: str


class CaptureEnded(Event, tag="capture-ended"):
    """No packet is written any more; `why` is empty when somebody stopped it. `packets` were handed
    to the writer, and for `lost` ones it was too slow."""

    file: str
    why: str
    packets: int
    lost: int


AnyEvent = (
    Started
    | MappingOpened
    | MappingRefreshed
    | MappingExpired
    | FlowOpened
    | FlowExpired
    | PacketDropped
    | MessagePassed
    | ExpectationOpened
    | ExpectationUsed
    | ExpectationClosed
    | CallState
    | PacketLost
    | MessageDiscarded
    | MessageAccepted
    | PartyLearnt
    | CallOutcome
    | SettingChanged
    | MediaStats
    | SilenceInferred
    | PacketSeen
    | AlgError
    | NotOpened
    | HintGiven
    | StreamLetGo
    | CaptureStarted
    | CaptureEnded
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_DELETE = b"\x7f"


def encode(event: Event) -> bytes:
    """One line of JSON without its line end, in printable ASCII only."""
    line = _encoder.encode(event)
    if line.isascii() and _DELETE not in line:
        return line
    return printable(json.dumps(json.loads(line))).encode()


def decode(line: bytes) -> AnyEvent:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _decoder.decode(line)
