"""What the clock and the knobs need of the screen that they work for."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from tui.feed import Feed
from tui.look import Look


class Stage(Protocol):
    """The screen, as those see it that have keys but no place on it."""

    look: Look
    paused: bool

    @property
    def feed(self) -> Feed:
        """Where the news comes from."""

    async def advance(self, elapsed: float) -> None:
        """Take the news of `elapsed` seconds and draw them."""

    def draw(self) -> None:
        """Draw what is in sight."""

    def say(self, text: str) -> None:
        """One sentence in the place of the advice, until the next key."""

    def picture(self) -> str:
        """What is on the screen, as SVG."""

    def ask(self, question: Any, answer: Any) -> Any:
        """Open a dialogue, and hand what comes of it to `answer`."""

    def do_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this while the screen goes on, instead of what is being done so far."""
