"""Where the control sockets are: what an appliance that makes them and a client that looks for them
have to agree on.

An appliance has two: `NAME.sock`, by which it can be changed, and `NAME.ro.sock`, which only
answers questions. They are two files, so that the file's mode says who may do which.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT_FOLDER = Path("/run/glassnat")
READ_ONLY_SUFFIX = ".ro.sock"


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


def read_only_path(path: Path) -> Path:
    """The socket that only answers questions, beside the control socket at `path`. The name of an
    appliance has no dot, so this is never another's."""
    if path.name.endswith(READ_ONLY_SUFFIX):
        return path
    return path.with_name(path.name.removesuffix(".sock") + READ_ONLY_SUFFIX)


def folders() -> list[Path]:
    """Where clients look for sockets: this user's folder, then root's."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = (Path(runtime) / "glassnat",) if runtime else ()
    return [*own, ROOT_FOLDER]
