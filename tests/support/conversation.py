"""A phone behind a NAT, a server outside, and the messages between them."""

from __future__ import annotations

import re
from typing import Any

from alg.base import Alg, Edits, Reading, Refuse
from alg.edits import apply
from appliance.gateway.trial import Situation, Trial
from appliance.settings.table import Settings
from nat.endpoint import PROTOCOL_NUMBERS, Direction, Endpoint
from nat.mapping import Expectation, Mapping

PHONE = Endpoint.parse("192.168.20.100:5060")
SEEN = Endpoint.parse("203.0.113.1:1024")  # what the server sees of the phone
SERVER = Endpoint.parse("203.0.113.9:5060")


def small_nat(
    direction: Direction = Direction.OUT,
    internal: Endpoint = PHONE,
    external: Endpoint = SEEN,
    remote: Endpoint = SERVER,
    settings: dict[str, Any] | None = None,
    **more: Any,
) -> Trial:
    """A context for one message, in a NAT with nothing else in it, as `alg diff` makes one.
    `settings` are those of `[alg.sip]`. Here alone do tests make one."""
    chosen = Settings()
    for key, value in (settings or {}).items():
        chosen.assign(f"alg.sip.{key}", value, "test")
    return Trial(Situation(direction, internal, external, remote, **more), chosen, "sip")


def occupy(context: Trial, internal: Endpoint, transport: str = "udp") -> None:
    """An inside endpoint has a mapping already, whoever's it is."""
    mappings = context.nat.table.mappings
    mapping = mappings.pin(PROTOCOL_NUMBERS[transport], internal, 0.0)
    assert isinstance(mapping, Mapping)
    mappings.hold(mapping, 86_400.0)


def wire(text: str) -> bytes:
    """A message as it is written in a test: line ends become CRLF, `Content-Length: ?` is counted,
    indentation and the first line end go."""
    lines = text.strip("\n").split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    head, empty, body = "\r\n".join(line[margin:] for line in lines).partition("\r\n\r\n")
    if not empty:
        empty = "\r\n\r\n"
    head = head.rstrip("\r\n")
    return (
        head.replace("Content-Length: ?", f"Content-Length: {len(body)}") + empty + body
    ).encode()


class Conversation:
    """Messages through one module and one small NAT, each committed like the datapath does.

    `out` and `into` answer the bytes that leave; `answer` is what the module said. Of a message
    that is refused only what was remembered stays.
    """

    def __init__(self, module: Alg, external: str = str(SEEN), **settings: Any) -> None:
        self.module = module
        self.context = small_nat(external=Endpoint.parse(external), settings=settings)
        self.kept: float | None = None
        self.answer: Edits | Refuse = Edits()

    def out(self, text: str | bytes, remote: str = "203.0.113.9:5060") -> bytes:
        return self._pass(Direction.OUT, text, remote)

    def into(self, text: str | bytes, remote: str = "203.0.113.9:5060") -> bytes:
        return self._pass(Direction.IN, text, remote)

    def _pass(self, direction: Direction, text: str | bytes, remote: str) -> bytes:
        message = text if isinstance(text, bytes) else wire(text)
        context = self.context.facing(direction, Endpoint.parse(remote))
        self.answer = self.module.inspect(message, context)
        if isinstance(self.answer, Refuse):
            context.refuse()
            return b""
        edited = apply(message, self.answer.edits)
        context.commit()
        self.kept = context.ground.kept if context.ground.kept is not None else self.kept
        for edit in self.answer.edits:
            assert self.module.explain(edit.rule).sentence
        return edited

    @property
    def edited(self) -> dict[str, str]:
        """What the last message's edits wrote, by field."""
        assert isinstance(self.answer, Edits)
        return {edit.field: edit.replacement.decode("latin-1") for edit in self.answer.edits}

    @property
    def reading(self) -> Reading:
        assert isinstance(self.answer, Edits)
        return self.answer.reading

    @property
    def note(self) -> str:
        assert isinstance(self.answer, Edits)
        return self.answer.note

    @property
    def open(self) -> list[str]:
        """The pinholes: `internal-port<-remote`."""
        return sorted({_pinhole(known) for known in self.context.expectations})

    @property
    def lifetimes(self) -> set[float]:
        """Seconds from the beginning; the clock stands still in a conversation."""
        return {known.deadline for known in self.context.expectations}


def _pinhole(known: Expectation) -> str:
    remote = "anyone" if known.remote is None else re.sub(r":0$", "", str(known.remote))
    return f"{known.mapping.internal.port}<-{remote}"
