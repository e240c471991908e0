"""What the appliance and a worker say to each other: one frame, one datagram of their socket pair.

    appliance                        worker
    Load ─────────────────────────►  imports the file (it holds its descriptor)
      ◄──────────────────────────── Loaded | Unusable
    Inspect ──────────────────────►  module.inspect(message, context)
      ◄───────────────────────────── Map(192.168.20.100:4000)          a verb of the context
    Granted | Denied ─────────────►
      ◄──────────────────────────── Edited | Refused | Failed
    Explain ──────────────────────►  module.explain(rule)
      ◄──────────────────────────── Explained | Failed
    Decide ───────────────────────►  module.decisions[point](normal, *facts)
      ◄──────────────────────────── Decided | Failed

The worker is a stranger. What it says is decoded into the types below and nothing else: numbers in
their range, texts that are UTF-8 (so no surrogates) and short, lists of bounded length. Whatever
does not fit is a `BadFrame`. Nothing that it says is ever unpickled or evaluated; what a module
remembers comes and goes as bytes that the appliance does not open.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

LARGEST_FRAME = 160 * 1024
"""Bytes: a message of 64 KiB and edits that replace all of it."""
MOST_EDITS = 256
"""In one answer; to compare them with the correct ones and to tell of them takes 5 ms."""
LARGEST_KEY = 512
"""Bytes of a key that something is remembered under, packed."""
LARGEST_VALUE = 1024
"""Bytes of what is remembered, packed; so the 10,000 values of a memory are less than 16 MB."""
LONGEST = 365 * 86400.0
"""Seconds: nothing that a module asks for lasts longer."""

Address = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Ends = tuple[Address, Port]
Remote = tuple[Address, Annotated[int, Meta(ge=0, le=65535)]]
Transport = Literal["udp", "tcp"]
Word = Annotated[str, Meta(max_length=200)]
Sentence = Annotated[str, Meta(max_length=1000)]
Seconds = Annotated[float, Meta(ge=0, le=LONGEST)]
Key = Annotated[bytes, Meta(max_length=LARGEST_KEY)]
Position = Annotated[int, Meta(ge=0, le=LARGEST_FRAME)]
Plain = int | Annotated[str, Meta(max_length=500)]
Parent = Plain | Annotated[tuple[Plain, ...], Meta(max_length=8)]


class BadFrame(ValueError):
    """Something that nobody who keeps to the rules would have said."""


class Frame(Struct, array_like=True, tag=True):
    """An array that begins with its name."""


# --- said by the appliance -------------------------------------------------------------


class Load(Frame):
    """`path` is how the file is called in sentences: the worker has it open already."""

    path: str
    class_name: str
    application: str


class Inspect(Frame):
    """`settings` are packed by themselves; None: they are the same as last time."""

    message: bytes
    direction: str
    internal: tuple[int, int]
    external: tuple[int, int]
    remote: tuple[int, int]
    transport: str
    settings: bytes | None


class Explain(Frame):
    rule: str


class Decide(Frame):
    """A decision point of `nat/policy.py`. `facts` are laid out by `wishes.py`."""

    point: str
    normal: object
    facts: list[object]


class Granted(Frame):
    """The answer to a verb."""

    value: object


class Denied(Frame):
    """A verb that was not granted. `unavailable`: the NAT cannot give it (`alg.base.Unavailable`),
    otherwise nobody could."""

    sentence: str
    unavailable: bool


ToWorker = Load | Inspect | Explain | Decide | Granted | Denied


# --- said by the worker ----------------------------------------------------------------


class Loaded(Frame):
    """`manners` in the order of `alg.stream.Manners`."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    application: Annotated[str, Meta(max_length=64)]
    points: Annotated[list[Word], Meta(max_length=32)]
    manners: tuple[bool, bool, bool]


class Unusable(Frame):
    """The file or its class cannot be used."""

    sentence: Sentence


class Edited(Frame):
    """An `alg.base.Edits`: start, end, replacement, field and rule of each."""

    edits: Annotated[
        list[tuple[Position, Position, bytes, Word, Word]], Meta(max_length=MOST_EDITS)
    ]
    reading: Literal["message", "opaque", "malformed"]
    note: Sentence


class Refused(Frame):
    rule: Word


class Explained(Frame):
    sentence: Sentence
    rfc: Word


class Decided(Frame):
    answer: bool | int | Ends | None


class Failed(Frame):
    """The module raised. `unavailable`: it let an `Unavailable` of its context through."""

    error: Sentence
    unavailable: bool


class ExternalOf(Frame):
    internal: Ends
    transport: Transport


class InternalOf(Frame):
    external: Ends
    transport: Transport


class IsExternalAddress(Frame):
    address: Address


class Map(Frame):
    internal: Ends
    transport: Transport


class MapPair(Frame):
    internal: tuple[Address, Annotated[int, Meta(ge=1, le=65534)]]


class Expect(Frame):
    internal: Ends
    remote: Remote | None
    transport: Transport
    parent: Parent
    reason: Word
    lifetime: Seconds
    used_lifetime: Seconds | None
    silence: Seconds | None = None


class Close(Frame):
    parent: Parent
    internal: Ends | None


class Keep(Frame):
    seconds: Seconds


class Remember(Frame):
    key: Key
    value: Annotated[bytes, Meta(max_length=LARGEST_VALUE)]
    lifetime: Seconds


class Recall(Frame):
    key: Key


class Forget(Frame):
    key: Key


class AskWish(Frame):
    """A question about the facts of a decision (`nat.policy.PortWish`): is this port free, had this
    endpoint it before, another one at random."""

    question: Literal["is_free", "was_given_up", "at_random"]
    argument: Annotated[int, Meta(ge=0, le=65535)]


Verb = (
    ExternalOf
    | InternalOf
    | IsExternalAddress
    | Map
    | MapPair
    | Expect
    | Close
    | Keep
    | Remember
    | Recall
    | Forget
)
FromWorker = Loaded | Unusable | Edited | Refused | Explained | Decided | Failed | AskWish | Verb

OPENING = (Map, MapPair, Expect)
"""What may have to be undone."""
QUESTIONS = (AskWish, *get_args(Verb))
"""What a worker may ask while it is asked something itself."""

encode = msgspec.msgpack.Encoder().encode
_from_appliance: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_from_worker: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)


def decode_from_appliance(data: bytes) -> ToWorker:
    return _from_appliance.decode(data)


def decode_from_worker(data: bytes) -> FromWorker:
    """Raises BadFrame."""
    if len(data) > LARGEST_FRAME:
        raise BadFrame(f"it said more than {LARGEST_FRAME} bytes at once")
    try:
        return _from_worker.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadFrame(f"what it said is not allowed: {error}") from None
