"""Namespaces of one's own, for who is not root: everybody is root in them, and nothing in them is
the machine's (user_namespaces(7)).

They live as long as a process in them does, and have no name by which others find them. So the
record of the lab, in a folder of this user's, is what tells a process to follow. In them that
folder is where root's is: the program does there what it does as root, and need not know.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from appliance.control.paths import ROOT_FOLDER, is_ours, private_folder
from appliance.namespaces.between import record as records
from appliance.namespaces.between import undo

BEGIN = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--")
FOLLOW = ("nsenter", "--user", "--preserve-credentials", "--net", "--mount", "--target")
TOOLS = 'PATH="$PATH:/usr/sbin:/sbin"'  # an ordinary user's may not have what only root needs
FURNISH = (
    f'{TOOLS}; (cd "$0" && mount -t tmpfs tmpfs /run && mkdir {ROOT_FOLDER}'
    f' && mount --no-canonicalize --bind . {ROOT_FOLDER}) && exec "$@"'
)
"""A /run of its own, where namespaces have their names, and in it the user's folder."""
RETURN = f'{TOOLS}; cd "$0"; exec "$@"'
"""To the folder of before: who comes to other mounts stands in their root."""
UID_MAP = Path("/proc/self/uid_map")
NOBODY_ELSE = "1"


class NotAllowed(Exception):
    """Nobody but root has namespaces here. The text says what is in the way."""


def way_to(name: str) -> list[str]:
    """What to put before a command that is to run in the namespaces of this user's lab of that
    name; new ones, if nothing of it lives. Raises NotAllowed."""
    for process in _processes(name):
        way = [*FOLLOW, process.name, "--", "sh", "-c", RETURN, os.getcwd()]
        if undo.is_alive(process) and not _complaint(way):
            return way
    try:
        folder = private_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NotAllowed(f"{folder}: {error.strerror}") from None
    if not is_ours(folder):
        raise NotAllowed(f"{folder} is somebody else's")
    way = [*BEGIN, "sh", "-c", FURNISH, str(folder)]
    complaint = _complaint(way)
    if complaint:
        raise NotAllowed(complaint)
    return way


def _complaint(way: list[str]) -> str:
    """What is said when it is tried; nothing, if it can be gone."""
    try:
        tried = subprocess.run([*way, "true"], capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return (tried.stderr.strip() or "it fails") if tried.returncode else ""


def is_known(name: str) -> bool:
    """Has this user a lab of that name, be it only to tidy up?"""
    folder = private_folder()
    return is_ours(folder) and records.path_of(name, folder).exists()


def are_entered() -> bool:
    """Is this process in such namespaces? Who has made them is the only user there."""
    return UID_MAP.read_text().split()[-1:] == [NOBODY_ELSE]


def _processes(name: str) -> list[records.Trace]:
    if not is_known(name):
        return []
    return [trace for trace in records.read(name)[1] if trace.kind == "process"]
