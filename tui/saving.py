"""`S`: what is on the screen as a picture, and the run so far as a page to read."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from appliance.forensics.exporting import as_markdown
from appliance.forensics.recordings import Recording
from tui.keys import SAVING
from tui.paper import ladder_of, without_fonts
from tui.stage import Stage

_SAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Saving:
    """Writes into the folder that the program was started in, and over nothing."""

    keys = SAVING

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def save(self) -> None:
        """A picture (SVG) and a page (Markdown), both with the same name."""
        model = self._stage.look.model
        if model.started is None:
            self._stage.say("Nothing has happened yet that could be saved.")
            return
        recording = Recording(model.started, list(model.log))
        texts = {
            ".svg": without_fonts(self._stage.picture()),
            ".md": as_markdown(recording, ladder_of(recording.events)),
        }
        try:
            name = _write(model.started.scenario or model.started.name, texts)
        except OSError as error:
            self._stage.say(f"Not saved: {error.strerror or error}.")
            return
        self._stage.say(f"Saved: {name}.svg (this screen) and {name}.md (what happened so far).")


def _write(name: str, texts: dict[str, str]) -> str:
    """Under the first name that nothing has; answers it. Raises OSError."""
    stem = _SAFE.sub("-", name).strip("-.")[:64] or "glassnat"
    taken = (f"{stem}-{number}" for number in count(1))
    free = next(each for each in taken if not any(Path(each + end).exists() for end in texts))
    for end, text in texts.items():
        with Path(free + end).open("x", encoding="utf-8") as file:
            file.write(text)
    return free
