"""The faults of a poor module as a list to choose from, with what the story comes to under each.

The story's own come first. A fault under which the story ends as it does with the correct module
has no effect here, and is folded away once that is known; typing finds it all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tui.draw.lines import Line, Style
from tui.draw.outcome import in_short

_NAME, _OUTCOME = 21, 14
"""Characters of the columns."""


class FaultRow(NamedTuple):
    """A fault, as `glassnat alg list` has it."""

    name: str
    does: str
    breaks: str = ""
    seen_in: str = ""


@dataclass
class FaultList:
    """What stands in the list, which of it is ticked, and where the cursor is.

    `spec`: the name of the poor module; `correct`: that of the correct one; `own`: the names of the
    faults that the story is about; `outcomes`: outcome words by SPEC, as far as they are known,
    None where nobody can foresee anything; `typed`: what somebody looks for; `at`: the name of the
    fault under the cursor, empty while nobody has moved it.
    """

    spec: str
    correct: str
    faults: Sequence[FaultRow]
    own: Sequence[str] = ()
    ticked: set[str] = field(default_factory=set)
    outcomes: Mapping[str, str] | None = None
    typed: str = ""
    unfolded: bool = False
    at: str = ""

    def outcome_of(self, name: str) -> str:
        """The outcome word; empty while it is not known."""
        return (self.outcomes or {}).get(f"{self.spec}:{name}", "")

    def has_no_effect(self, name: str) -> bool:
        return bool(word := self.outcome_of(name)) and word == (self.outcomes or {}).get(
            self.correct
        )

    def shown(self) -> list[FaultRow]:
        """Those that stand in the list."""
        own_first = sorted(self.faults, key=lambda fault: fault.name not in self.own)
        return [fault for fault in own_first if self._is_shown(fault)]

    def _is_shown(self, fault: FaultRow) -> bool:
        if self.typed:
            return self.typed in fault.name or self.typed in f"{fault.does} {fault.breaks}".lower()
        stays = self.unfolded or fault.name in self.own or fault.name in {*self.ticked, self.at}
        return stays or not self.has_no_effect(fault.name)

    @property
    def chosen(self) -> FaultRow | None:
        """The fault under the cursor: the first while nobody has moved it."""
        shown = self.shown()
        named = [fault for fault in shown if fault.name == self.at]
        return next(iter(named or shown), None)

    @property
    def place(self) -> int:
        """The row of the cursor."""
        names = [fault.name for fault in self.shown()]
        return names.index(self.chosen.name) if self.chosen is not None else 0

    def move(self, step: int) -> None:
        shown = self.shown()
        if shown:
            self.at = shown[min(max(self.place + step, 0), len(shown) - 1)].name

    def tick(self) -> None:
        """Tick the fault under the cursor, or take its tick away."""
        if self.chosen is not None:
            self.at = self.chosen.name
            self.ticked ^= {self.chosen.name}

    def answer(self) -> str:
        """The SPEC of what is ticked; with nothing ticked, of the fault under the cursor; empty
        where there is none."""
        names = [fault.name for fault in self.faults if fault.name in self.ticked]
        if not names and self.chosen is not None:
            names = [self.chosen.name]
        return f"{self.spec}:{','.join(names)}" if names else ""

    def rows(self, width: int) -> list[Line]:
        """The list; below it what is folded."""
        shown = self.shown()
        lines = [self._row(fault, fault is self.chosen).cut(width) for fault in shown]
        if folded := len(self.faults) - len(shown):
            if self.typed:
                lines.append(Line(f"  … {folded} others are not like that", Style.FAINT))
            else:
                said = f"  … {folded} others have no effect here: "
                lines.append(Line(said, Style.FAINT).add("u", Style.KEY, "u").add(" shows them"))
        return lines

    def _row(self, fault: FaultRow, is_chosen: bool) -> Line:
        line = Line("▸" if is_chosen else " ", Style.CURSOR)
        line.add("[x] " if fault.name in self.ticked else "[ ] ", Style.KEY)
        line.add(f"{fault.name:<{_NAME}} ", Style.STRONG)
        if self.outcomes is not None:
            text, style = in_short(self.outcome_of(fault.name))
            line.add(f"{text:<{_OUTCOME}} ", style)
        return line.add(fault.does)
