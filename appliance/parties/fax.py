"""A fax over UDP: what goes to and fro once a call has been changed to T.38 (UDPTL).

    ┌──────────┬────────┬──────────────┬────────────────┐
    │ sequence │ length │ what the fax │ older packets, │
    │ 2 bytes  │ 1 byte │ machine says │ none here      │
    └──────────┴────────┴──────────────┴────────────────┘

No page is sent: both machines say that they are there (the calling tone, a T.30 indicator), which
is enough to see whether packets arrive.
"""

from __future__ import annotations

from struct import Struct

_SEQUENCE = Struct("!H")
RTP_VERSION = 2
CALLING_TONE = 0x02  # the indicator `cng` (ITU-T T.38 7.3.1)
NO_OLDER_PACKETS = b"\x00\x00"


def packet(number: int) -> bytes:
    """The one with this number, from 0 on."""
    return _SEQUENCE.pack(number & 0x3FFF) + bytes((1, CALLING_TONE)) + NO_OLDER_PACKETS


def is_fax(payload: bytes) -> bool:
    """Is it no RTP, and long enough to say something?"""
    return len(payload) > _SEQUENCE.size and payload[0] >> 6 != RTP_VERSION
