"""The NAT's table as the screen knows it: a row for each flow, counting down.

Three kinds of row share the table. A *flow* is alive and has a timer. A row that *waits* is an
expectation that an ALG has opened and nothing has used yet. A *ghost* is a flow that has ended: it
stays for a while, because a translation that is missed is seen best where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from appliance.journal.events import Event, FlowExpired, FlowOpened, PacketDropped, SettingChanged
from tui.endpoint import address_of

RECORDED = "recorded"
"""The state of a flow in a recording: it was opened and has not ended, and more is not known."""
GHOST = 20.0
"""Seconds that an ended flow stays on the screen."""


class Refused(NamedTuple):
    """A packet that came for a row's external endpoint, and was not let in."""

    at: float
    reason: str
    source: str
    sentence: str


class Translation(msgspec.Struct, frozen=True):
    """One row. Times are seconds on the appliance's clock."""

    key: str
    protocol: str
    internal: str
    external: str
    remote: str
    opened_by: str
    state: str
    ends_at: float | None
    span: float
    packets_out: int = 0
    packets_in: int = 0
    gone_at: float | None = None
    why_gone: str = ""
    refused: Refused | None = None
    note: str = ""
    opened_at: float | None = None
    timer: str = ""
    """The timeout that it lives under, by its name in `nat.timeouts`."""

    @property
    def waits(self) -> bool:
        return self.state == "waiting"

    @property
    def is_known_by_its_ends(self) -> bool:
        """Are its timer and its packets in no recording?"""
        return self.state == RECORDED and self.gone_at is None

    def left(self, now: float) -> float | None:
        return None if self.ends_at is None else max(self.ends_at - now, 0.0)


class Translations:
    """The rows, in the order in which they were first seen."""

    changes: int
    """Another number whenever a row says something else, or there are others."""

    def __init__(self) -> None:
        self.changes = 0
        self._rows: dict[str, Translation] = {}
        self._opened: dict[str, float] = {}

    def rows(self) -> list[Translation]:
        return list(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def ended_by(self, timer: str, before: float, after: float, now: float) -> list[Translation]:
        """The flows that end at once when a timeout is set from `before` to `after` seconds: they
        have been silent for longer."""
        living = [row for row in self._rows.values() if row.timer == timer and row.gone_at is None]
        return [
            row for row in living if (left := row.left(now)) is not None and before - left >= after
        ]

    def find(self, key: str) -> Translation | None:
        return self._rows.get(key)

    def fold(self, event: Event) -> None:
        """Follow what happened to a row that is on the screen."""
        if isinstance(event, FlowOpened):
            self._opened[flow_key(event.flow)] = event.t
        elif isinstance(event, FlowExpired):
            self._lay_to_rest(event)
        elif isinstance(event, PacketDropped) and event.side == "outside":
            self._flash(event)
        elif isinstance(event, SettingChanged) and event.key.startswith("nat.timeouts"):
            for key, row in self._rows.items():
                self._rows[key] = msgspec.structs.replace(row, span=0.0)

    def _lay_to_rest(self, event: FlowExpired) -> None:
        key = flow_key(event.flow)
        was = self._rows.get(key)
        self._opened.pop(key, None)
        self.changes += 1
        self._rows[key] = Translation(
            key,
            event.protocol,
            event.internal,
            event.external,
            event.remote,
            was.opened_by if was else "",
            "gone",
            None,
            0.0,
            event.packets_out,
            event.packets_in,
            gone_at=event.t,
            why_gone=event.why,
        )

    def _flash(self, event: PacketDropped) -> None:
        for key, row in self._rows.items():
            if row.external == event.destination and row.protocol == event.protocol:
                at = max(event.t, event.last)
                refused = Refused(at, event.reason, event.source, event.sentence)
                self._rows[key] = msgspec.structs.replace(row, refused=refused)
                self.changes += 1

    def take(
        self,
        flows: Iterable[Mapping[str, Any]],
        expectations: Iterable[Mapping[str, Any]],
        now: float,
    ) -> None:
        """Replace what is known by a snapshot of `show flows` and `show expectations`."""
        fresh = {row.key: row for row in (self._flow(flow, now) for flow in flows)}
        if waiting := [_waiting(each, now) for each in expectations]:
            used = {_use(row) for row in fresh.values()}
            for row in waiting:
                if _use(row) not in used:
                    fresh.setdefault(row.key, row)
        kept = {
            key: fresh.pop(key, row)
            for key, row in self._rows.items()
            if key in fresh or _still_haunts(row, now)
        }
        self._rows = kept | fresh
        self.changes += 1

    def _flow(self, flow: Mapping[str, Any], now: float) -> Translation:
        key = flow_key(flow["id"])
        was = self._rows.get(key)
        if was is not None and was.gone_at is not None:
            return was
        left = flow["expires_in"]
        return Translation(
            key,
            flow["protocol"],
            flow["internal"],
            flow["external"],
            flow["remote"],
            flow["opened_by"],
            flow["state"],
            None if left is None else now + left,
            max(was.span if was else 0.0, left or 0.0),
            flow["packets_out"],
            flow["packets_in"],
            refused=was.refused if was else None,
            note=flow.get("hint", ""),
            opened_at=self._opened.get(key),
            timer=flow.get("timer", ""),
        )


def _use(row: Translation) -> tuple[str, str, str]:
    """What a flow and the expectation that let it in have in common."""
    return row.protocol, row.external, address_of(row.remote)


def flow_key(number: int) -> str:
    return f"flow {number}"


def flow_of(key: str) -> int | None:
    """The number of the flow; None for a row that is none."""
    what, _, number = key.partition(" ")
    return int(number) if what == "flow" else None


def _still_haunts(row: Translation, now: float) -> bool:
    return row.gone_at is not None and now - row.gone_at < GHOST


def _waiting(expectation: Mapping[str, Any], now: float) -> Translation:
    remote = expectation["remote"]
    if remote is None:
        remote = "anyone"
    elif remote.endswith(":0"):
        remote = f"{remote[:-1]}*"
    left = expectation["expires_in"]
    return Translation(
        f"hole {expectation['external']} {remote}",
        expectation["protocol"],
        expectation["internal"],
        expectation["external"],
        remote,
        "alg",
        "waiting",
        None if left is None else now + left,
        left or 0.0,
        note=str(expectation.get("reason", "")),
    )
