"""A glance at flows that no ALG reads, and the hints that come of it.

Whose phone speaks SIP on a port that nobody looks at sees a NAT without an ALG, and nothing that
says so. So the first bytes of each flow are compared with the signs that applications have given
(`alg/hint.py`), once, and a `hint-given` event says what is not read and which setting changes it.

The lookout stands in the place of a slot, for the first packets only:

    a new flow without a slot               the lookout stands in the leg of its first packet
    a packet without a payload (SYN, ACK)   it goes on looking, in both legs
    one that begins as no sign does         it leaves: nearly every flow, after one look
    one whose sign has something to say     the hint is told, and it leaves
    one whose sign wants to see more        the same, for `MOST_PACKETS` each way

After that the leg has no slot, and the datapath asks no further: a known flow costs nothing more.
What stands in a slot that is `off` is looked at in `inspection.py`, message by message.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from alg.hint import LOOKED_AT, Glimpse, Hint, Sign
from appliance.gateway.context import remote_of
from appliance.journal.events import HintGiven
from appliance.journal.log import EventLog
from appliance.journal.narrator import ends_of
from appliance.settings.table import Settings
from nat.endpoint import PROTOCOL_NAMES, UDP, Direction
from nat.mapping import FlowLeg, Leg
from nat.packet import Buffer, Packet

UDP_HEADER = 8  # bytes
MOST_PACKETS = 24
"""Of each direction of a flow that are looked at, as long as its sign has not told enough."""
MOST_REMEMBERED = 1000  # flows that had a hint


class Known(NamedTuple):
    """A sign, and whose it is."""

    name: str
    begins: Callable[[bytes | Buffer, int, int], re.Match[bytes] | None]
    sign: Sign


class Hints:
    """What was said of flows, once of each. `signs` are those of each application, by its name."""

    def __init__(
        self, signs: Mapping[str, Sequence[Sign]], settings: Settings, log: EventLog
    ) -> None:
        self.by_first: dict[int, list[Known]] = {}
        self.by_port: dict[int, list[Known]] = {}
        """The signs that may begin with a byte, and those of a server's port: none for most."""
        for name, its in signs.items():
            for sign in its:
                known = Known(name, re.compile(sign.begins).match, sign)
                for byte in sign.first:
                    self.by_first.setdefault(byte, []).append(known)
                if sign.port:
                    self.by_port.setdefault(sign.port, []).append(known)
        self._settings = settings
        self._log = log
        self._said: dict[int, Hint] = {}
        self.counters: Counter[str] = Counter()
        """Flows that had a hint, by whose sign it was."""

    def of(self, flow: int) -> Hint | None:
        """What was said of the flow of this number, unless it is long ago."""
        return self._said.get(flow)

    def glance(
        self, leg: FlowLeg, carried: bytes | Buffer, start: int, end: int, now: float
    ) -> bool:
        """Look at what a packet carries, the bytes `[start, end)`; answers whether to look at the
        next one, too."""
        goes_on = False
        ports = leg.flow.remote.port, leg.mapping.internal.port  # a server is outside, or inside
        by_port = (known for port in {*ports} for known in self.by_port.get(port, ()))
        for name, begins, sign in (*by_port, *self.by_first.get(carried[start], ())):
            if begins(carried, start, end):
                hint = self._ask(sign, leg, bytes(carried[start : min(end, start + LOOKED_AT)]))
                if hint is not None:
                    self._say(name, leg, hint, now)
                    return False
                goes_on = True
        return goes_on

    def _ask(self, sign: Sign, leg: FlowLeg, head: bytes) -> Hint | None:
        mapping, is_outward = leg.mapping, leg.direction is Direction.OUT
        seen = Glimpse(
            head,
            PROTOCOL_NAMES[mapping.protocol],
            mapping.internal,
            remote_of(leg),
            is_outward,
            self._settings.written,
        )
        return sign.tells(seen)

    def _say(self, name: str, leg: FlowLeg, hint: Hint, now: float) -> None:
        flow = leg.flow
        if flow.id in self._said:
            return
        self._said[flow.id] = hint
        if len(self._said) > MOST_REMEMBERED:
            del self._said[next(iter(self._said))]
        self.counters[name] += 1
        event = HintGiven(
            about=name,
            flow=flow.id,
            **ends_of(flow.mapping),
            remote=str(flow.remote),
            sentence=hint.sentence,
            setting=hint.setting,
            value=hint.value,
        )
        self._log.emit(event, now)


class Lookout:
    """What stands in the slot of flows that nobody reads until their first bytes have been seen.
    One is enough for all of them: how far a flow has come, its legs count themselves."""

    name = None
    handler = None  # it changes nothing

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._by_first = hints.by_first
        self._by_port = hints.by_port

    def look(self, packet: Packet, leg: Leg, now: float) -> None:
        """Look at a packet that is on its way."""
        buffer, length = packet.buffer, packet.length
        start = (buffer[0] & 15) * 4
        # Written out, because each new flow comes along here.
        start += UDP_HEADER if buffer[9] == UDP else (buffer[start + 12] >> 4) * 4
        leg.slot = None
        is_first = leg.packets == 1 and start < length
        if is_first and buffer[start] not in self._by_first and leg.key[4] not in self._by_port:
            return  # nearly always
        if isinstance(leg, FlowLeg):
            goes_on = start >= length or self._hints.glance(leg, buffer, start, length, now)
            goes_on = goes_on and leg.packets < MOST_PACKETS
            leg.slot = leg.opposite.slot = self if goes_on else None
