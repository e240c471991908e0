"""Faults below the messages: fragments that are not put together, checksums that are not counted
again."""

from __future__ import annotations

from alg.fault import Faults
from alg.sip_poor.case import Case

FAULTS = Faults[Case]()


def only_the_first(normal: bool, offset: int) -> bool:
    return normal and offset == 0


FAULTS.add(
    "drop-fragments",
    does="Drops every fragment of a datagram but the first.",
    seen_in="64characters/Telephone, issue 586; restcomm-android, issue 260",
    breaks="REGISTER is fine, and an INVITE that offers many codecs times out.",
    look_at="The drops counted as fragment-refused (glassnat show counters): some with every long "
    "INVITE.",
    rfc="RFC 4787 REQ-14",
    kind="takes_fragment",
    decisions={"takes_fragment": only_the_first},
)


def as_before(normal: int, before: int) -> int:
    return before


FAULTS.add(
    "bad-checksum",
    does="Leaves the UDP checksum as it was before the message was edited.",
    seen_in="Constructed",
    breaks="The message leaves and vanishes: its receiver throws it away without a word.",
    look_at="The first REGISTER in view 2, which leaves edited and is never answered; then the UDP "
    "checksum of that packet outside.",
    rfc="RFC 768",
    kind="finish",
    decisions={"finish": as_before},
)
