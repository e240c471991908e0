"""What has come from the other side of a TCP connection, put in order (RFC 9293 3.10.7.4, seventh).

    delivered        expected next      early, kept         may not come yet
──────────────────┼───────────────────▒▒▒▒▒▒───▒▒▒▒──────┼──────────────────►  sequence numbers
               RCV.NXT                            RCV.NXT + RCV.WND
"""

from __future__ import annotations

from appliance.sim.segment import WINDOW, Segment, advanced, distance
from nat.tcp import FIN

MOST_EARLY = 64  # segments kept for the time when what goes before them has come


class Incoming:
    """One direction of a connection, from the byte with the sequence number `expected` on."""

    def __init__(self, expected: int) -> None:
        self.expected = expected  # RCV.NXT
        self._early: dict[int, bytes] = {}
        self._end: int | None = None  # the sequence number of the FIN

    def ahead(self, segment: Segment) -> int:
        """How far the segment begins behind what is expected; negative: it repeats something."""
        return distance(segment.sequence, self.expected)

    def is_in_window(self, segment: Segment) -> bool:
        """3.10.7.4, first: does a part of it, or an empty segment's number, lie in the window?"""
        ahead = self.ahead(segment)
        return 0 <= ahead < WINDOW or ahead < 0 < ahead + segment.length

    def take(self, segment: Segment) -> bytes:
        """The bytes that are next in order now that this segment has come; perhaps none."""
        if segment.flags & FIN:
            self._end = advanced(segment.sequence, len(segment.payload))
        ahead = self.ahead(segment)
        payload = segment.payload[: WINDOW - ahead]
        if ahead > 0:
            self._keep(segment.sequence, payload)
            return b""
        in_order = self._next_of(payload, ahead)
        for sequence in sorted(self._early, key=lambda each: distance(each, self.expected)):
            ahead = distance(sequence, self.expected)
            if ahead <= 0:
                in_order += self._next_of(self._early.pop(sequence), ahead)
        return in_order

    def take_end(self) -> bool:
        """Is the FIN next in order? Then it is taken, and nothing can come behind it."""
        if self._end != self.expected:
            return False
        self.expected = advanced(self.expected, 1)
        self._early.clear()
        return True

    def _keep(self, sequence: int, payload: bytes) -> None:
        known = self._early.get(sequence)
        if known is not None and len(known) >= len(payload):
            return
        if payload and (known is not None or len(self._early) < MOST_EARLY):
            self._early[sequence] = payload

    def _next_of(self, payload: bytes, ahead: int) -> bytes:
        """What of it has not been delivered yet."""
        new = payload[-ahead:]
        self.expected = advanced(self.expected, len(new))
        return new
