"""The NAT's table drawn: columns that fit, countdowns, and what a row says when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from tui.draw.lines import Line, Style
from tui.endpoint import port_of, shares, shortened
from tui.translations import Translation

_FLASH = 3.0
"""Seconds that a refused packet shows on the row it was meant for."""
_SOON = 5.0
"""Seconds left from which on a countdown asks for attention."""
_BAR = 5

_BY = {"packet": "pkt", "static": "1:1", "forward": "fwd"}

_LEFT_WITH_BAR = _BAR + 1 + 6
_LEFT = 6
"""Characters of a countdown: `120h4m`, `no end`, `3s !`."""
_REFUSED = 9
"""Characters of `✗filtered`, in the place of packets; a longer reason begins further left."""
_TOLD = 20.0
"""Seconds for which a row says in sentences what was refused."""
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
    for name, text in _TEXTS.items():
        needs[name] = max(needs[name], max(map(len, map(text, rows)), default=0))
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


HEADS = {
    "proto": "Prot",
    "internal": "Internal",
    "external": "Extern",
    "remote": "Remote",
    "by": "By",
    "left": "Left",
    "pkts": "pkts ↑/↓",
}


def head(chosen: Layout) -> Line:
    """The names of the columns, above `line`s of the same layout."""
    text = "".join(HEADS[name].ljust(width) for name, width in chosen.widths.items())
    return Line(" " + text.rstrip(), Style.FAINT)


def line(row: Translation, now: float, chosen: Layout, selected: bool) -> Line:
    """The row; `▸` says that it is the selected one."""
    drawn = Line("▸" if selected else " ", Style.CURSOR)
    flash = flashing(row, now)
    for name, cell in fitted(row, now, chosen).items():
        if flash is not None and name == "left":
            return drawn.extend(flash.cut(chosen.widths["left"] + chosen.widths["pkts"]))
        if name in chosen.widths:
            drawn.extend(cell.pad(chosen.widths[name]))
    return drawn


def flashing(row: Translation, now: float) -> Line | None:
    """Why a packet for it was refused, while that is news: in the place of its time and counts."""
    if row.refused is None or not 0 <= now - row.refused.at < _FLASH:
        return None
    return Line(f"✗ {row.refused.reason}", Style.BAD)


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
        "pkts": _packets(row),
    }


def _countdown(row: Translation, now: float, bars: bool) -> Line:
    if row.gone_at is not None:
        return Line(f"gone {now - row.gone_at:.0f}s" if bars else "gone", Style.FAINT)
    left = row.left(now)
    if left is None:
        return Line("?" if row.is_known_by_its_ends else "no end", Style.FAINT)
    soon = left < _SOON
    style = Style.BAD if soon else Style.GOOD
    line = Line()
    if bars:
        full = 0 if row.span <= 0 else min(round(_BAR * left / row.span), _BAR)
        line.add("▓" * full + "░" * (_BAR - full) + " ", style)
    return line.add(duration(left), style if soon else Style.PLAIN).add(" !" if soon else "", style)


def _packets(row: Translation) -> Line:
    if row.waits:
        return Line("waits", Style.FAINT)
    return Line("?", Style.FAINT) if row.is_known_by_its_ends else Line(_counts(row))


def _counts(row: Translation) -> str:
    return f"{_count(row.packets_out)}/{_count(row.packets_in)}"


def _count(packets: int) -> str:
    """At most five characters up to a thousand million."""
    if packets < 100_000:
        return str(packets)
    return f"{packets // 1000}k" if packets < 10_000_000 else f"{packets // 1_000_000}M"


_TEXTS: Mapping[str, Callable[[Translation], str]] = {
    "internal": attrgetter("internal"),
    "external": lambda row: ":" + port_of(row.external),
    "remote": attrgetter("remote"),
    "pkts": _counts,
}
"""What stands in the columns whose width nobody can know beforehand."""


def duration(seconds: float) -> str:
    """`"4s"`, `"178s"`, `"59m"`, `"2h4m"`: at most six characters up to 99 hours."""
    whole = int(seconds)
    if whole < 1000:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 100:
        return f"{minutes}m"
    return f"{minutes // 60}h{minutes % 60}m"


def explain(row: Translation, now: float, name: Callable[[str], str]) -> list[str]:
    """The row in sentences: who opened it, what keeps it, what ends with it. `name`: what people
    call the host of an endpoint."""
    note = [f"{row.note}."] if row.note and not row.waits else []
    return [*_told(row, now, name), *note, *_refused(row, now)]


def _refused(row: Translation, now: float) -> list[str]:
    if row.refused is None or now - row.refused.at > _TOLD:
        return []
    ago = f"{now - row.refused.at:.0f}s ago"
    return [f"A packet of {row.refused.source} was refused {ago}: {row.refused.sentence}"]


def _told(row: Translation, now: float, name: Callable[[str], str]) -> list[str]:
    port = port_of(row.external)
    inside, outside = name(row.internal), name(row.remote)
    if row.gone_at is not None:
        return [
            f"This flow ended {now - row.gone_at:.0f}s ago ({row.why_gone}).",
            f"What {outside} sends to :{port} now reaches {inside} no more.",
        ]
    seen = f"{row.remote} sees {row.internal} as {row.external}."
    if row.waits:
        said = f"The ALG lets {row.remote} send to :{port} before {row.internal} has sent."
        return [said, *([row.note] if row.note else [])]
    return [
        f"{_opener(row, inside, outside)} {seen}",
        _keeper(row, now, inside),
        f"When it ends, what {outside} sends to :{port} reaches nobody.",
    ]


def _opener(row: Translation, inside: str, outside: str) -> str:
    when = "" if row.opened_at is None else f" at {row.opened_at:.3f} s"
    return {
        "alg": f"The ALG opened this{when} for a message.",
        "static": "A 1:1 rule of the configuration made this.",
        "forward": f"A forward of the configuration let {outside} in{when}.",
    }.get(row.opened_by, f"A packet of {inside} opened this{when}.")


def _keeper(row: Translation, now: float, inside: str) -> str:
    left = row.left(now)
    if row.is_known_by_its_ends:
        return "Its timer and its packets are in no recording."
    if left is None:
        return "It has no timer."
    if row.state == "unanswered":
        return f"Nothing came back yet, so the short timer runs: it ends in {duration(left)}."
    return f"A packet of {inside} keeps it; without one it ends in {duration(left)}."
