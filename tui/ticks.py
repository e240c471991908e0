"""The letters of the timeline: which events are worth a mark, and which one."""

from __future__ import annotations

from typing import NamedTuple

from appliance.journal.events import (
    Event,
    FlowExpired,
    MessagePassed,
    PacketDropped,
    SettingChanged,
)

FLUSHED = "F"
_REQUESTS = {"REGISTER": "R", "INVITE": "I", "ACK": "A", "BYE": "B", "CANCEL": "C"}


class Tick(NamedTuple):
    """A mark at a time, in seconds."""

    t: float
    mark: str


def mark(event: Event) -> str:
    """The event's letter; empty when it has none."""
    if isinstance(event, MessagePassed):
        return "X" if event.verdict == "dropped" else _message_mark(event.summary)
    if isinstance(event, FlowExpired):
        return {"expired": "E", "flushed": FLUSHED}.get(event.why, "")
    if isinstance(event, PacketDropped):
        return "X"
    return "S" if isinstance(event, SettingChanged) else ""


def _message_mark(summary: str) -> str:
    if summary[:3].isdecimal():
        interesting = "INVITE" in summary and summary[:3] != "100"
        return summary[0] if interesting else ""
    return _REQUESTS.get(summary.partition(" ")[0], "")
