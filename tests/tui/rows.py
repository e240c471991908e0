"""Rows of the translation table for tests: how flows end, what is dropped, and what a row shows."""

from __future__ import annotations

from typing import Any

from appliance.journal.events import FlowExpired, FlowOpened, PacketDropped
from tests.tui.stories import EXTERNAL, PBX, PHONE
from tui.draw.translations import cells
from tui.translations import Translations


def expired(t: float, why: str = "expired") -> FlowExpired:
    return FlowExpired(
        t=t,
        flow=1,
        mapping=1,
        protocol="udp",
        internal=PHONE,
        external=EXTERNAL,
        remote=PBX,
        why=why,
        packets_out=6,
        packets_in=5,
        bytes_out=1,
        bytes_in=1,
    )


def opened(t: float) -> FlowOpened:
    return FlowOpened(
        t=t,
        flow=1,
        mapping=1,
        protocol="udp",
        internal=PHONE,
        external=EXTERNAL,
        remote=PBX,
        opened_by="packet",
    )


def dropped(reason: str, t: float) -> PacketDropped:
    return PacketDropped(
        t=t,
        side="outside",
        reason=reason,
        sentence="It is not let in.",
        rfc="",
        protocol="udp",
        source="198.51.100.7:9",
        destination=EXTERNAL,
        size=60,
    )


def refused(
    summary: str, call_id: str, side: str = "outside", reason: str = "no-mapping"
) -> PacketDropped:
    """A message that the NAT dropped."""
    event = dropped(reason, 1.0)
    event.summary, event.call_id, event.side = summary, call_id, side
    return event


HOLE: dict[str, Any] = {
    "protocol": "udp",
    "external": "203.0.113.1:4000",
    "internal": "192.168.20.100:4000",
    "remote": "203.0.113.9:0",
    "parent": "call",
    "reason": "Audio of the call.",
    "expires_in": 180.0,
}


def table(*flows: dict[str, Any], holes: tuple[dict[str, Any], ...] = ()) -> Translations:
    made = Translations()
    made.take(flows, holes, 100.0)
    return made


def shown(made: Translations, now: float = 100.0, bars: bool = True) -> list[str]:
    """Each row's cells, joined."""
    drawn = [cells(row, now, bars) for row in made.rows()]
    return [" ".join(cell.plain for cell in row.values()) for row in drawn]
