"""Reading a screen as text: what goldens compare and a person can review.

A golden is a `.txt` file beside the tests. After a wanted change, run the tests once with
`GLASSNAT_GOLDENS=write` and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from textual.app import App

GOLDENS = Path(__file__).parent / "goldens"


def screen_of(app: App[Any]) -> str:
    """What stands on the screen, without trailing space."""
    strips = app.screen._compositor.render_strips()
    rows = ("".join(segment.text for segment in strip).rstrip() for strip in strips)
    return "\n".join(rows) + "\n"


def assert_golden(name: str, app: App[Any]) -> None:
    """The screen is what the golden of this name says."""
    path = GOLDENS / f"{name}.txt"
    shown = screen_of(app)
    if os.environ.get("GLASSNAT_GOLDENS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
