"""Keys that are pressed in a call, and who hears them.

    events    erin ══ telephone-event in RTP ══► office     beside the audio (RFC 4733)
    info      erin ── INFO, Signal=1 ──────────► office     beside the signalling (RFC 6086)

The first goes the way of the audio and is lost with it; the second goes the way of the signalling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from typing import Annotated, ClassVar, Literal

from appliance.parties.call import Call, Phase
from appliance.parties.changing import ChangingTraits
from appliance.parties.description import FIRST_DYNAMIC
from appliance.parties.digits import DIGITS, EVENT_TYPE
from appliance.parties.party import Ground, Order, What
from appliance.parties.rtp import Stream
from appliance.parties.sipua import NO_SUCH_CALL, SipMessage
from appliance.parties.traits import about
from appliance.parties.transferring import TransferringTelephone
from nat.endpoint import Endpoint

EVENTS, INFO = "events", "info"
HEARS = "hears the digit"
RELAY = "application/dtmf-relay"
_SIGNAL = re.compile(rb"^Signal= *([0-9*#A-D])\s*$", re.MULTILINE)


class PressingTraits(ChangingTraits, kw_only=True):
    """Of everybody who may press keys in a call, or hear them."""

    digits_by: Annotated[
        Literal["none", "events", "info"],
        about(
            "What carries the keys that it presses in a call: telephone-event beside the audio, "
            "which its descriptions offer (RFC 4733 2.4.1), or INFO (RFC 6086; application/"
            "dtmf-relay, as Cisco's phones send it). With either it hears both, as far as it "
            "offers them; with none it knows no keys."
        ),
    ] = "none"

    def check(self) -> None:
        super().check()
        if self.digits_by == EVENTS and self.more_codecs > EVENT_TYPE - FIRST_DYNAMIC:
            raise ValueError(f"more_codecs: payload type {EVENT_TYPE} is for keys")


class PressingTelephone(TransferringTelephone):
    """A telephone with keys that work in a call."""

    ORDERS: ClassVar[Mapping[str, Order]] = {
        **TransferringTelephone.ORDERS,
        "press": Order(
            "press a key in whatever call there is",
            lambda one, digit, now: one.press(digit, now),
            "the key",
        ),
    }

    def __init__(self, name: str, traits: PressingTraits, rng: Random) -> None:
        super().__init__(name, traits, rng)
        self._digits_by = traits.digits_by
        self._audio.takes_digits = traits.digits_by == EVENTS
        self._audio.on_digit = self._heard_in_audio
        if traits.digits_by != "none":
            self._methods["INFO"] = self._informed

    def heard_digit(self, call: Call, digit: str, ground: Ground, now: float) -> None:
        """Whoever is called has pressed a key."""
        does = f"{HEARS} {digit}, which {call.peer} has pressed, at"
        at = call.stream.local if ground.rfc == "RFC 4733 2.3" else self.own
        self.learn(self.name, does, at, ground)

    def press(self, digit: str, now: float) -> None:
        """Raises ValueError for what is no key."""
        if digit not in tuple(DIGITS):
            raise ValueError(f"{digit!r} is no key of a telephone")
        for call in self._talking():
            if self._digits_by == INFO:
                self._inform(call, digit, now)
            elif self._digits_by != EVENTS or not call.stream.press(digit):
                why = f"the key {digit} was pressed, and nothing carries it in this call"
                ground = Ground(b"", "sdp", "RFC 4733 2.4.1")
                self.object_to(What.MESSAGE_DISCARDED, self.name, why, ground)

    def _inform(self, call: Call, digit: str, now: float) -> None:
        call.cseq += 1
        request = self._in_dialog(call, "INFO", call.cseq)
        request.headers += [("Contact", self.contact(call.me)), ("Content-Type", RELAY)]
        request.body = f"Signal={digit}\r\nDuration=100\r\n".encode()
        self._transactions.mention(request, call.hop, now)

    def _informed(self, request: SipMessage, source: Endpoint, now: float) -> None:
        call = self._dialog(request)
        if call is None or call.phase is not Phase.TALKING:
            self._refuse(request, 481, source, NO_SUCH_CALL)
            return
        self._answer(request, 200, source)
        said = _SIGNAL.search(request.body) if request.get("content-type") == RELAY else None
        if said is not None:
            self.heard_digit(call, said[1].decode(), Ground(request.wire, "", "RFC 6086 4.2"), now)

    def _heard_in_audio(self, stream: Stream, digit: str, now: float) -> None:
        for call in self._talking():
            if call.stream is stream:
                self.heard_digit(call, digit, Ground(b"", "", "RFC 4733 2.3"), now)
