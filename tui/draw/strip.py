"""The state strip and the tabs: which ALG is active must be readable at any moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.draw import outcome
from tui.draw.lines import Line, Style
from tui.look import Look
from tui.model import Model

_SHORT = {
    "endpoint-independent": "EI",
    "address-dependent": "AD",
    "address-and-port-dependent": "APD",
}


@dataclass(frozen=True)
class Clock:
    """How time runs here."""

    live: bool
    paused: bool
    ended: bool
    speed: float
    lost: str = ""  # why there is no connection any more
    read_only: bool = False
    kind: str = ""
    coming: str = ""

    @property
    def name(self) -> str:
        """What the screen shows, in a word; and that it may only look."""
        kind = self.kind or ("LIVE" if self.live else "SIM")
        return f"{kind} read-only" if self.live and self.read_only else kind

    @property
    def stands_still(self) -> bool:
        """Does the display show how things were, and no longer how they are?"""
        return bool(self.lost) or (self.live and self.paused)


def strip(model: Model, clock: Clock, width: int) -> Line:
    """`SIM one-way-audio │ ALG [off] │ UDP [120s new · 300s] │ map EI filt AD │ T+0:12.4 ► x1`"""
    settings = model.settings
    parts = [
        Line(f" {clock.name} {_title(model)}", Style.STRONG),
        Line("ALG ").add(f"[{_modules(model, width)}]", Style.KEY, "a"),
        Line("UDP ").add(_timeouts(model, width), Style.KEY, "t"),
        Line(f"map {_short(settings, 'nat.mapping')} filt {_short(settings, 'nat.filtering')}"),
        _time(model, clock),
    ]
    if clock.coming:
        said = Line("loading what plays it", Style.FAINT)
        parts = [Line(f" {clock.name} {clock.coming}", Style.STRONG), said]
    elif width < 100:
        del parts[3]
    if clock.stands_still:
        while len(parts) > 3 and sum(len(part) + 3 for part in parts) > width:
            del parts[-2]
    parts[0] = parts[0].cut(max(width - sum(len(part) + 3 for part in parts[1:]), 8))
    line = Line()
    for index, part in enumerate(parts):
        line.add(" │ " if index else "", Style.FAINT).extend(part)
    return line.cut(width)


def _title(model: Model) -> str:
    return "" if model.started is None else model.started.scenario or model.started.name


def _short(settings: Mapping[str, Any], key: str) -> str:
    value = str(settings.get(key, "?"))
    return _SHORT.get(value, value)


def _modules(model: Model, width: int) -> str:
    """The SPEC of each slot that is not off; where there is little room, its first fault and how
    many there are besides."""
    specs = list(model.modules.values())
    active = [spec for spec in specs if spec != "off"] or specs[:1] or ["?"]
    text = " · ".join(active)
    return text if len(text) <= width // 3 else " · ".join(map(_first_fault, active))


def _first_fault(spec: str) -> str:
    first, *others = spec.split(",")
    return f"{first} +{len(others)}" if others else spec


def _timeouts(model: Model, width: int) -> str:
    new = _seconds(model.settings.get("nat.timeouts.udp_unanswered"))
    answered = _seconds(model.settings.get("nat.timeouts.udp"))
    return f"[{new}s new · {answered}s]" if width >= 100 else f"[{new}/{answered}s]"


def _seconds(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "?"


def _time(model: Model, clock: Clock) -> Line:
    if clock.lost:
        return Line(f"NO CONNECTION: {clock.lost}", Style.BAD)
    minutes, seconds = divmod(model.now, 60)
    line = Line(f"T+{int(minutes)}:{seconds:04.1f} ")
    if clock.live:
        frozen = "DISPLAY FROZEN, traffic goes on"
        return line.add(
            frozen if clock.paused else "live", Style.BAD if clock.paused else Style.GOOD
        )
    if clock.ended:
        return line.add("end", Style.STRONG)
    return line.add("|| paused" if clock.paused else "►", Style.STRONG).add(f" x{clock.speed:g}")


def tabs(look: Look, labels: Sequence[str], view: int, width: int) -> Line:
    """The views' labels, that of the open one (from 1) in brackets, and the outcome at the right
    unless it is hidden."""
    line = Line(" ")
    for number, name in enumerate(labels, 1):
        open_ = number == view
        title = f"[{number} {name}]" if open_ else f" {number} {name} "
        line.add(title, Style.STRONG if open_ else Style.FAINT, str(number))
    line.add(" ")
    text, style = ("predict", Style.KEY)
    if not look.hidden:
        text, style = outcome.headline(look.model, look.call)
    return line.pad(max(width - len(text) - 1, len(line))).add(text, style).cut(width)


def keys(hints: Sequence[tuple[str, str]], width: int) -> Line:
    """As many keys with their meanings as fit, from the most important on."""
    line = Line()
    for key, does in hints:
        if len(line) + len(key) + len(does) + 3 > width:
            break
        line.add(" ").add(key, Style.KEY, key).add(f" {does} ", Style.PLAIN, key)
    return line
