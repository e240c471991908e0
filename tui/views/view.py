"""What a view is: a name, keys, and a page of lines that it draws when it is asked.

A view is plain Python: it reads the `Look` that all share, and whatever it keeps for itself; the
widget around it (`tui/widgets/pane.py`) knows nothing about what it shows. So a view is tested by
asking it for its page. To add one, write its file and its row in `tui/views/table.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, overload

from tui.draw.lines import Line
from tui.key import Key
from tui.look import Look


class Lazy(Sequence[Line]):
    """Lines that are made when they are looked at: of ten thousand rows only those in sight."""

    def __init__(self, count: int, make: Callable[[int], Line]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> list[Line]: ...
    def __getitem__(self, at: int | slice) -> Line | list[Line]:
        if isinstance(at, slice):
            return [self._make(each) for each in range(*at.indices(self._count))]
        return self._make(range(self._count)[at])

    def __iter__(self) -> Iterator[Line]:
        return map(self._make, range(self._count))


@dataclass(frozen=True)
class Page:
    """What stands in a pane: `head` and `foot` stay where they are, `body` scrolls.

    `span`: the first and the last row of the body that are to be in sight; `starts`: rows that may
    stand at the top where it has to scroll for that (None: any). `about`: what it is a page of;
    another one begins at its first row. `tail`: new rows come at the end, and who looks at the end
    goes on looking at it.
    """

    title: Line
    body: Sequence[Line]
    head: Sequence[Line] = ()
    foot: Sequence[Line] = ()
    span: tuple[int, int] | None = None
    starts: Sequence[int] | None = None
    about: object = None
    tail: bool = False

    @property
    def rows(self) -> int:
        """How many rows it needs to be seen whole."""
        return len(self.head) + len(self.body) + len(self.foot)


class View:
    """The base of all views. `name` is its own, `label` what stands in the tab, `does` what stands
    beside its key. Its other keys call methods of it."""

    name: ClassVar[str]
    label: ClassVar[str]
    does: ClassVar[str]
    keys: ClassVar[tuple[Key, ...]] = ()
    filter: str | None = None
    """What its rows must have, if it has rows that can be looked for; None where it has none."""

    def __init__(self, look: Look) -> None:
        self.look = look

    def page(self, width: int, height: int) -> Page:
        """What is to be seen in `width` columns and `height` rows."""
        raise NotImplementedError

    def move(self, step: int) -> bool:
        """The arrows. False: there is nothing to select, so that the pane scrolls."""
        return False

    def open(self) -> None:
        """Enter on what is selected."""

    def click(self, row: int) -> None:
        """The mouse on a row of the body."""
