"""What the parties of a lab say of messages, and what their sockets say of packets, for the
appliance: it has no way to know what became of them.

A packet that a real network loses on its way is not seen by anybody here; one that its own host
will not send is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from appliance.journal.events import CallOutcome, Event, PacketLost
from appliance.parties.party import Report, Send
from appliance.sim.losses import LossLog
from appliance.sim.outcome import Outcome
from appliance.sim.testimony import as_event, in_words

LONGEST = 8192
"""Bytes of a message by which the appliance is told which one it was."""

Tell = Callable[[Any, str], None]
"""Tells the appliance an event, as JSON has it, and the message that it is about."""


class Witness:
    """Hears the parties and their sockets, and tells by `tell`. Times are seconds of the story."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._losses = LossLog(self)

    def hear(self, party: str, report: Report) -> None:
        event = as_event(party, report)
        if event is not None and report.ground is not None:
            self._say(event, report.ground.message)

    def lose(self, party: str, send: Send, why: str, now: float) -> None:
        """The host of `party` would not send a datagram."""
        said = in_words(send.payload)
        event = PacketLost(
            where=f"at {party}",
            why=why,
            protocol="udp",
            source=str(send.source),
            destination=str(send.destination),
            summary=said or "",
        )
        if said is None:
            kind = (why, send.source, send.destination)
            self._losses.add(kind, lambda: (event, None), now)
        else:
            self._say(event, send.payload)

    def flush(self, now: float) -> None:
        """Call it once a second."""
        self._losses.flush(now)

    def end(self, outcome: Outcome) -> None:
        """How it ended for the people on the phone."""
        word, sentence, evidence = outcome
        self._say(CallOutcome(outcome=word, sentence=sentence, evidence=evidence))

    def _say(self, event: Event, message: bytes = b"") -> None:
        text = message.decode("latin-1") if len(message) <= LONGEST else ""
        self._tell(msgspec.to_builtins(event), text)

    # --- as the log of losses ---------------------------------------------------------------

    def emit(self, entry: PacketLost, now: float, cause: int | None) -> int:
        self._say(entry)
        return 0

    def since_start(self, now: float) -> float:
        return now
