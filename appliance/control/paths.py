"""Where the control sockets are: what an appliance that makes one and a client that looks for one
have to agree on."""

from __future__ import annotations

import os
from pathlib import Path

ROOT_FOLDER = Path("/run/glassnat")


class ControlError(Exception):
    """The socket cannot be opened. `exit_code`: 3 not possible, 4 already up."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def own_folder() -> Path:
    """Where this user's appliances put their sockets."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if os.geteuid() == 0 or not runtime:
        return ROOT_FOLDER
    return Path(runtime) / "glassnat"


def default_path(name: str) -> Path:
    """The socket of the appliance called `name`."""
    return own_folder() / f"{name}.sock"


def folders() -> list[Path]:
    """Where clients look for sockets: this user's folder, then root's."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = (Path(runtime) / "glassnat",) if runtime else ()
    return [*own, ROOT_FOLDER]
