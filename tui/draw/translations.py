"""The NAT's table as the screen shows it: a row for each flow, counting down.

Three kinds of row share the table. A *flow* is alive and has a timer. A row that *waits* is a hole
that an ALG has opened and nothing has used yet. A *ghost* is a flow that has ended: it stays for a
while, because a translation that is missed is seen best where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from appliance.journal.events import Event, FlowExpired, PacketDropped, SettingChanged
from tui.draw.endpoint import address_of, port_of, shares, shortened
from tui.draw.lines import Line, Style

GHOST = 20.0
"""Seconds that an ended flow stays on the screen."""
_FLASH = 3.0
"""Seconds that a refused packet shows on the row it was meant for."""
_SOON = 5.0
"""Seconds left from which on a countdown asks for attention."""
_BAR = 5

_BY = {"packet": "pkt", "static": "1:1", "forward": "fwd"}


@dataclass(frozen=True, slots=True)
class Translation:
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
    refused: str = ""
    refused_at: float = 0.0
    note: str = ""

    @property
    def waits(self) -> bool:
        return self.state == "waiting"

    def left(self, now: float) -> float | None:
        return None if self.ends_at is None else max(self.ends_at - now, 0.0)


class Translations:
    """The rows, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._rows: dict[str, Translation] = {}

    def rows(self) -> list[Translation]:
        return list(self._rows.values())

    def find(self, key: str) -> Translation | None:
        return self._rows.get(key)

    def fold(self, event: Event) -> None:
        """Follow what happened to a row that is on the screen."""
        if isinstance(event, FlowExpired):
            self._lay_to_rest(event)
        elif isinstance(event, PacketDropped) and event.side == "outside":
            self._flash(event)
        elif isinstance(event, SettingChanged) and event.key.startswith("nat.timeouts"):
            for key, row in self._rows.items():
                self._rows[key] = replace(row, span=0.0)

    def _lay_to_rest(self, event: FlowExpired) -> None:
        key = _flow_key(event.flow)
        was = self._rows.get(key)
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
                reason = event.reason.lower().replace("_", " ")
                self._rows[key] = replace(row, refused=reason, refused_at=event.t)

    def take(
        self,
        flows: Iterable[Mapping[str, Any]],
        expectations: Iterable[Mapping[str, Any]],
        now: float,
    ) -> None:
        """Replace what is known by a snapshot of `show flows` and `show expectations`."""
        fresh = {row.key: row for row in (self._flow(flow, now) for flow in flows)}
        used = {(row.protocol, row.external, address_of(row.remote)) for row in fresh.values()}
        for expectation in expectations:
            row = _waiting(expectation, now)
            if (row.protocol, row.external, address_of(row.remote)) not in used:
                fresh.setdefault(row.key, row)
        kept = {
            key: fresh.pop(key, row)
            for key, row in self._rows.items()
            if key in fresh or _still_haunts(row, now)
        }
        self._rows = kept | fresh

    def _flow(self, flow: Mapping[str, Any], now: float) -> Translation:
        key = _flow_key(flow["id"])
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
            refused=was.refused if was else "",
            refused_at=was.refused_at if was else 0.0,
        )


def _flow_key(number: int) -> str:
    return f"flow {number}"


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


# --- drawing ----------------------------------------------------------------------------------

_LEFT_WITH_BAR = _BAR + 1 + 6
_LEFT = 6
"""Characters of a countdown: `120h4m`, `no end`, `3s !`."""
_REFUSED = 9
"""Characters of `✗filtered`, in the place of packets."""
_ENDPOINT = len("255.255.255.255:65535")
_FEWER = ((), ("proto",), ("proto", "by"))
"""What is left out where there is no room for everything, the first that fits."""


@dataclass(frozen=True)
class Layout:
    """The columns of the table and their widths, each with a space behind what stands in it.

    `bars`: is there room for bars beside the seconds? `needs`: the widest cell of each column that
    was ever seen.
    """

    widths: Mapping[str, int]
    bars: bool
    needs: Mapping[str, int]


def layout(rows: Sequence[Translation], room: int, before: Layout | None = None) -> Layout:
    """The columns for these rows in `room` characters: as wide as what stands in them, because an
    endpoint without its last digit would be another one. Nothing shrinks after `before`. Only
    where two endpoints of version 6 cannot stand side by side they lose their middles."""
    needs = {name: len(head) for name, head in HEADS.items()} | {"by": 3, "pkts": _REFUSED}
    for row in rows:
        for name, text in _texts(row).items():
            needs[name] = max(needs[name], len(text))
    if before is not None:
        needs = {name: max(need, before.needs[name]) for name, need in needs.items()}
    with_bars = _widths(needs, _LEFT_WITH_BAR, ())
    if sum(with_bars.values()) <= room:
        return Layout(with_bars, True, needs)
    candidates = [_widths(needs, _LEFT, without) for without in _FEWER]
    fitting = [widths for widths in candidates if sum(widths.values()) <= room]
    return Layout(fitting[0] if fitting else _squeezed(candidates[-1], room), False, needs)


def _squeezed(widths: dict[str, int], room: int) -> dict[str, int]:
    """The columns of the endpoints in what room the others leave, none narrower than any endpoint
    of version 4 needs."""
    ends = ("internal", "remote")
    room -= sum(width for name, width in widths.items() if name not in ends)
    shared = zip(ends, shares(widths["internal"], widths["remote"], room), strict=True)
    return widths | {name: max(width, min(widths[name], _ENDPOINT + 1)) for name, width in shared}


def _widths(needs: Mapping[str, int], left: int, without: tuple[str, ...]) -> dict[str, int]:
    wanted = {**needs, "left": left}
    return {name: width + 1 for name, width in wanted.items() if name not in without}


def _texts(row: Translation) -> dict[str, str]:
    """What stands in the columns whose width nobody can know beforehand."""
    return {
        "internal": row.internal,
        "external": ":" + port_of(row.external),
        "remote": row.remote,
        "pkts": _counts(row),
    }


HEADS = {
    "proto": "Prot",
    "internal": "Internal",
    "external": "Extern",
    "remote": "Remote",
    "by": "By",
    "left": "Left",
    "pkts": "pkts ↑/↓",
}


def fitted(row: Translation, now: float, chosen: Layout) -> dict[str, Line]:
    """The row's text by column name, as it fits into these columns."""
    drawn = cells(row, now, chosen.bars)
    for name in ("internal", "remote"):
        room = chosen.widths[name] - 1
        if len(drawn[name]) > room:
            (span,) = drawn[name].spans
            drawn[name] = Line(shortened(span.text, room), span.style)
    return drawn


def cells(row: Translation, now: float, bars: bool) -> dict[str, Line]:
    """The row's text by column name. `bars`: is there room for bars beside the seconds?"""
    quiet = Style.FAINT if row.gone_at is not None else Style.PLAIN
    return {
        "proto": Line(row.protocol, quiet),
        "internal": Line(row.internal, quiet),
        "external": Line(":" + port_of(row.external), quiet),
        "remote": Line(row.remote, quiet),
        "by": Line(_BY.get(row.opened_by, row.opened_by), quiet),
        "left": _countdown(row, now, bars),
        "pkts": _packets(row, now),
    }


def _countdown(row: Translation, now: float, bars: bool) -> Line:
    if row.gone_at is not None:
        return Line(f"gone {now - row.gone_at:.0f}s" if bars else "gone", Style.FAINT)
    left = row.left(now)
    if left is None:
        return Line("no end", Style.FAINT)
    soon = left < _SOON
    style = Style.BAD if soon else Style.GOOD
    line = Line()
    if bars:
        full = 0 if row.span <= 0 else min(round(_BAR * left / row.span), _BAR)
        line.add("▓" * full + "░" * (_BAR - full) + " ", style)
    return line.add(duration(left), style if soon else Style.PLAIN).add(" !" if soon else "", style)


def _packets(row: Translation, now: float) -> Line:
    if row.refused and 0 <= now - row.refused_at < _FLASH:
        return Line(f"✗{row.refused}", Style.BAD).cut(_REFUSED)
    if row.waits:
        return Line("waits", Style.FAINT)
    return Line(_counts(row))


def _counts(row: Translation) -> str:
    return f"{_count(row.packets_out)}/{_count(row.packets_in)}"


def _count(packets: int) -> str:
    """At most five characters up to a thousand million."""
    if packets < 100_000:
        return str(packets)
    return f"{packets // 1000}k" if packets < 10_000_000 else f"{packets // 1_000_000}M"


def duration(seconds: float) -> str:
    """`"4s"`, `"178s"`, `"59m"`, `"2h4m"`: at most six characters up to 99 hours."""
    whole = int(seconds)
    if whole < 1000:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 100:
        return f"{minutes}m"
    return f"{minutes // 60}h{minutes % 60}m"


def explain(row: Translation, now: float) -> str:
    """What the selected row means, in one sentence."""
    port = port_of(row.external)
    if row.gone_at is not None:
        return (
            f"This flow ended {now - row.gone_at:.0f}s ago ({row.why_gone}): what {row.remote} "
            f"sends to :{port} now reaches {row.internal} no more."
        )
    if row.waits:
        said = f" {row.note}" if row.note else ""
        return f"The ALG lets {row.remote} send to :{port} before {row.internal} has sent.{said}"
    opener = "The ALG's hole was used" if row.opened_by == "alg" else "A packet opened this"
    answered = (
        "nothing came back yet, so the short timer runs"
        if row.state == "unanswered"
        else f"{row.state}"
    )
    return f"{opener}: {row.remote} sees {row.internal} as {row.external}; {answered}."
