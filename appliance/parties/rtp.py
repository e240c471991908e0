"""Audio: one side's part of a conversation (RFC 3550, RFC 3551).

    ┌──┬─┬─┬────┬─┬───────┬───────────────┐
    │V2│P│X│ CC │M│  PT   │  sequence     │
    ├──┴─┴─┴────┴─┴───────┴───────────────┤
    │              timestamp              │  counts samples: 160 for each 20 ms
    ├─────────────────────────────────────┤
    │               SSRC                  │  then 160 bytes of G.711 µ-law
    └─────────────────────────────────────┘

What is said is a steady tone, a different one for everybody, so that a capture opened in a player
lets you hear who was heard. A tone whose period divides 160 samples gives the same 160 bytes in
every packet; only sequence number and timestamp change.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from math import pi, sin
from random import Random
from struct import Struct

from appliance.parties import digits, fax
from appliance.parties.description import Description
from appliance.parties.rtcp import Control
from nat.endpoint import Endpoint

HEADER = Struct("!BBHII")  # version and flags, marker and payload type, sequence, timestamp, SSRC
RTCP_TYPES = frozenset(bytes([kind]) for kind in range(192, 224))  # RFC 5761 4
VERSION_2 = 0x80
MARKER = 0x80  # RFC 3551 4.1: the first packet of a talkspurt
PCMU = 0

MEDIA = "media"
"""The field of what is no message."""
INTERVAL = 0.020  # seconds between packets; RFC 3551 4.2
SAMPLES = 160  # of 8,000 a second
KEY_LENGTH = len(digits.payloads("0"))  # packets
MOST_KEYS = 16 * KEY_LENGTH  # packets that wait
TONES = (400, 500, 800, 1000)  # Hz; each has a whole number of periods in 160 samples


def ulaw(sample: int) -> int:
    """A 16-bit sample as G.711 µ-law: sign, 3 bits of exponent, 4 of mantissa, all inverted."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    mantissa = magnitude >> (exponent + 3) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


def is_audio(payload: bytes) -> bool:
    """RTP (RFC 3550 5.1), at a port where something else might come."""
    is_control = payload[1:2] in RTCP_TYPES
    return len(payload) >= HEADER.size and payload[0] == VERSION_2 and not is_control


@cache
def tone(frequency: int) -> bytes:
    """20 ms of a sine, at a quarter of full loudness."""
    return bytes(ulaw(round(8192 * sin(2 * pi * frequency * n / 8000))) for n in range(SAMPLES))


class Stream:
    """One side's audio in one call: what it says to `remote`, and how much it hears.

    `remote` is None while nobody knows where to send; nothing is said unless both sides want it
    (`may_send`), and the other side is to be heard if it does not hold the call (`expects`).
    `control` are the reports beside it, if there are any. `said` is what was last described to the
    other side, `session` and `version` name it there. `public` is what `local` is outside, if it
    was asked. `sends_from` is the port that it sends from (0: the one that it listens on). `events`
    is the payload type by which the other side takes digits (0: it takes none). A stream that
    `faxes` has become one of T.38. `heard_before` is how much was heard at the last look whether
    the other side is still there; None if since then there was a time when nothing was to be heard.
    `speaker` is whose voice it is: a server speaks for each of its users.
    """

    __slots__ = (
        "_key_down_at",
        "_key_heard",
        "_keys",
        "_own_ssrc",
        "_sequence",
        "_tone",
        "control",
        "events",
        "expects",
        "faxes",
        "heard",
        "heard_before",
        "local",
        "may_send",
        "public",
        "remote",
        "said",
        "sends_from",
        "sent",
        "session",
        "speaker",
        "ssrc",
        "timestamp",
        "version",
    )

    def __init__(self, local: Endpoint, remote: Endpoint | None, rng: Random) -> None:
        self.local = local
        self.public: Endpoint | None = None
        self.remote = remote
        self.sends_from = 0
        self.sent = 0
        self.heard = 0
        self.heard_before: int | None = None
        self.may_send = True
        self.expects = True
        self.faxes = False
        self.said: Description | None = None
        self.session: int | None = None
        self.speaker = ""
        self.version = 0
        self.control: Control | None = None
        self.events = 0
        self._keys: deque[bytes] = deque()
        self._key_down_at: int | None = None
        self._key_heard: bytes = b""
        # RFC 3550 5.1: all three start at random values.
        self.ssrc = rng.getrandbits(32)
        self._own_ssrc = self.ssrc.to_bytes(4, "big")
        self._sequence = rng.getrandbits(16)
        self.timestamp = rng.getrandbits(32)
        self._tone = tone(rng.choice(TONES))

    @property
    def source(self) -> Endpoint:
        """Where its packets come from."""
        return self.local._replace(port=self.sends_from) if self.sends_from else self.local

    def say(self) -> bytes:
        """The next 20 ms as an RTP packet; or of a fax."""
        if self.faxes:
            self.sent += 1
            return fax.packet(self.sent)
        if self._keys:
            return self._say_key()
        kind = PCMU if self.sent else MARKER | PCMU
        packet = HEADER.pack(VERSION_2, kind, self._sequence, self.timestamp, self.ssrc)
        self._sequence = self._sequence + 1 & 0xFFFF
        self.timestamp = self.timestamp + SAMPLES & 0xFFFFFFFF
        self.sent += 1
        return packet + self._tone

    def press(self, digit: str) -> bool:
        """From the next packet on, in the place of audio; False if nobody would understand it, or
        too many keys wait."""
        if not self.events or len(self._keys) > MOST_KEYS:
            return False
        self._keys += digits.payloads(digit)
        return True

    def _say_key(self) -> bytes:
        """All packets of one key have the time at which it went down (RFC 4733 2.2.1)."""
        begins = self._key_down_at is None
        began = self.timestamp if self._key_down_at is None else self._key_down_at
        kind = MARKER | self.events if begins else self.events
        packet = HEADER.pack(VERSION_2, kind, self._sequence, began, self.ssrc)
        packet += self._keys.popleft()
        self._sequence = self._sequence + 1 & 0xFFFF
        self.timestamp = self.timestamp + SAMPLES & 0xFFFFFFFF
        self._key_down_at = began if len(self._keys) % KEY_LENGTH else None
        return packet

    def hear_key(self, packet: bytes) -> str | None:
        """The digit whose key has just come up; empty while it is down or was told already. None:
        it is no packet of a key, or was not asked for."""
        taken = self.said.events if self.said else 0
        if not taken or packet[:1] != b"\x80" or packet[1] & 0x7F != taken:
            return None
        found = digits.read(packet[HEADER.size :])
        if found is None:
            return None
        digit, is_up = found
        if not is_up or self._key_heard == packet[4:8]:
            return ""
        self._key_heard = packet[4:8]
        return digit

    def hear(self, packet: bytes) -> bool:
        """Count a packet if it is RTP with this codec (RFC 3550 A.1); or of a fax, which may come
        as soon as one was asked for (RFC 3264 5.1)."""
        asked = self.said is not None and self.said.fax
        if (self.faxes or asked) and fax.is_fax(packet):
            self.heard += 1
            return True
        if len(packet) < HEADER.size or packet[0] >> 6 != 2 or packet[1] & 0x7F != PCMU:
            return False
        self.heard += 1
        return True

    def is_own(self, packet: bytes) -> bool:
        """Did this stream say it? Then somebody has sent it back (RFC 3550 8.2)."""
        return packet[8:12] == self._own_ssrc
