"""Where the control sockets are: what an appliance that makes them and a client that looks for them
have to agree on.

An appliance has two: `NAME.sock`, by which it can be changed, and `NAME.ro.sock`, which only
answers questions. They are two files, so that the file's mode says who may do which.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

ROOT_FOLDER = Path("/run/glassnat")
READ_ONLY_SUFFIX = ".ro.sock"


class ControlError(Exception):
    """The socket cannot be opened. `exit_code`: 3 not possible, 4 already up."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def private_folder() -> Path:
    """Where an ordinary user's own things are. Without a session, as in a `su`, in a folder for
    temporary files, which counts only if it is this user's."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return Path(runtime) / "glassnat"
    return Path(tempfile.gettempdir()) / f"glassnat-{os.geteuid()}"


def own_folder() -> Path:
    """Where this user's appliances put their sockets."""
    if os.geteuid() == 0 or not os.environ.get("XDG_RUNTIME_DIR"):
        return ROOT_FOLDER
    return private_folder()


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
    own = private_folder()
    if not os.environ.get("XDG_RUNTIME_DIR") and not is_ours(own):
        return [ROOT_FOLDER]
    return [own, ROOT_FOLDER]


def is_ours(folder: Path) -> bool:
    """Is it there, and this user's own? Anybody can make folders beside temporary files."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
