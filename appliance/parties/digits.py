"""Digits that are pressed in a call, as packets beside the audio (RFC 4733).

    ┌─────────────────────┬───────┬───┬───┬────────┬──────────┐
    │ RTP header, 12 bytes│ event │ E │ R │ volume │ duration │
    └─────────────────────┴───────┴───┴───┴────────┴──────────┘
      payload type: the one   1: 1   1: the key is up     samples so far
      that a=rtpmap names

While a key is down each packet of audio is replaced by one that says for how long; the last is sent
three times (RFC 4733 2.5.1.4), because whoever misses it has not heard the digit.
"""

from __future__ import annotations

from struct import Struct

DIGITS = "0123456789*#ABCD"
"""By their numbers as events (RFC 4733 3.2)."""
EVENT_TYPE = 101
"""The payload type that is offered for them: a dynamic one, and this one by custom."""
ENCODING = "telephone-event/8000"
_EVENT = Struct("!BBH")
_END, _VOLUME = 0x80, 10
STEP = 160  # samples between two packets: 20 ms
DOWN = 5  # packets until the key is up: 100 ms
ENDS = 3


def payloads(digit: str) -> list[bytes]:
    """What is said while a key is pressed, packet by packet. Raises ValueError for what is no
    digit."""
    event = DIGITS.index(digit)
    held = [_EVENT.pack(event, _VOLUME, STEP * number) for number in range(1, DOWN)]
    return [*held, *[_EVENT.pack(event, _END | _VOLUME, STEP * DOWN)] * ENDS]


def read(payload: bytes) -> tuple[str, bool] | None:
    """The digit, and whether the key is up; None for what is no event with a digit."""
    if len(payload) != _EVENT.size or payload[0] >= len(DIGITS):
        return None
    return DIGITS[payload[0]], bool(payload[1] & _END)
