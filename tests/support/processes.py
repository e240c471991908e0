"""Which processes there are, by who started them."""

from __future__ import annotations

import os
from pathlib import Path


def children(process: int) -> set[int]:
    """The living processes that this one has started (its own, not theirs)."""
    return {each for each in _all() if _parent_and_state(each) == (process, True)}


def is_alive(process: int) -> bool:
    return _parent_and_state(process)[1]


def processor_time(process: int) -> float:
    """Seconds that it has computed, of its own."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent_and_state(process: int) -> tuple[int, bool]:
    """Who started it, and is it more than a record of its end?"""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, False
    return int(fields[1]), fields[0] not in "ZX"
