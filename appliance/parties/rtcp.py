"""RTCP: what one side reports about its audio, beside it (RFC 3550 6).

    ┌──┬─┬────┬────────┬──────────────┐
    │V2│P│ RC │ PT=200 │    length    │  sender report: who, when, and how much was sent
    ├──┴─┴────┴────────┴──────────────┤
    │ SSRC, NTP time, RTP time, counts│
    ├──┬─┬────┬────────┬──────────────┤
    │V2│P│ SC │ PT=202 │    length    │  source description: the name of who speaks (CNAME)
    └──┴─┴────┴────────┴──────────────┘

Reports name nobody whom they hear (no report blocks), and their intervals are not spread at random
(6.2), because two parties never say anything at the same moment by accident.
"""

from __future__ import annotations

from struct import Struct

from nat.endpoint import Endpoint

INTERVAL = 5.0  # seconds between two reports, and half of it before the first (RFC 3550 6.2)
VERSION_2 = 0x80
SENDER_REPORT = 200
SOURCE_DESCRIPTION = 202
CNAME = 1
NTP_EPOCH = 3944678400  # 2025-01-01 in seconds since 1900, when all simulations begin

_SENDER = Struct("!BBHIIIIII")
_SOURCE = Struct("!BBHI")


class Control:
    """The reports about one stream, from `local` to `remote` (None: nobody knows where to)."""

    __slots__ = ("heard", "local", "remote", "sent")

    def __init__(self, local: Endpoint) -> None:
        self.local = local
        self.remote: Endpoint | None = None
        self.sent = 0
        self.heard = 0

    @property
    def source(self) -> Endpoint:
        """Where its reports come from (symmetric RTCP, RFC 4961 4)."""
        return self.local

    def say(self, ssrc: int, timestamp: int, packets: int, name: str, now: float) -> bytes:
        """A report on a stream (its SSRC, next timestamp and count) at a time (seconds)."""
        self.sent += 1
        fraction = int(now % 1 * (1 << 32))
        octets = packets * 160
        report = _SENDER.pack(
            VERSION_2, SENDER_REPORT, 6, ssrc, NTP_EPOCH + int(now), fraction, timestamp, packets,
            octets,
        )  # fmt: skip
        item = bytes((CNAME, len(name))) + name.encode("latin-1")
        item += bytes(4 - len(item) % 4)  # ends with a zero, at a multiple of four
        source = _SOURCE.pack(VERSION_2 | 1, SOURCE_DESCRIPTION, 1 + len(item) // 4, ssrc)
        return report + source + item

    def hear(self, packet: bytes) -> bool:
        """Count a packet if it begins as RTCP does (RFC 3550 A.2)."""
        if len(packet) < _SENDER.size or packet[0] >> 6 != 2 or packet[1] != SENDER_REPORT:
            return False
        self.heard += 1
        return True
