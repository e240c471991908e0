"""One call as one side sees it.

caller   CALLING ──1xx──► RINGING ──2xx──► TALKING ──BYE──► ENDED
callee                    RINGING ─answers─► TALKING ──BYE──► ENDED
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf

from appliance.parties.machine import Timer
from appliance.parties.rtp import Stream
from appliance.parties.sipua import SipMessage, parameter_of
from nat.endpoint import Endpoint


class Phase(Enum):
    CALLING = "calling"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


@dataclass(slots=True)
class Call:
    """`local` and `remote` are the From and To values of the dialog, tags included; requests go to
    the URI `target`, by way of `hop` and the proxies in `route`. `source` is where the INVITE came
    from. One that `waits_to_cancel` is over here, and the other side has not been heard yet.
    `chosen` is the key that the other side has pressed in a menu."""

    call_id: str
    me: str
    peer: str
    local: str
    remote: str
    target: str
    hop: Endpoint
    invite: SipMessage
    source: Endpoint
    stream: Stream
    phase: Phase
    cseq: int = 1
    ack: bytes = b""
    route: Sequence[str] = ()
    answering: Timer | None = None
    saying: Timer | None = None
    talks_until: float = inf
    waits_to_cancel: bool = False
    chosen: str = ""

    @property
    def tag(self) -> str:
        """Our own, which is how the other side names this dialog (RFC 3261 12)."""
        return parameter_of(self.local, "tag")

    def is_meant_by(self, request: SipMessage) -> bool:
        """Does this request belong to the dialog (RFC 3261 12.2.2)?"""
        tag = parameter_of(request.get("to"), "tag")
        return request.get("call-id") == self.call_id and tag == self.tag

    def stop_timer(self) -> None:
        """Nobody needs to pick up any more, or to repeat the answer."""
        if self.answering is not None:
            self.answering.cancel()
