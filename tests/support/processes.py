"""Which processes there are, by who started them."""

from __future__ import annotations

from pathlib import Path


def children(process: int) -> set[int]:
    """The living processes that this one has started (its own, not theirs)."""
    return {each for each in _all() if _parent_and_state(each) == (process, True)}


def is_alive(process: int) -> bool:
    return _parent_and_state(process)[1]


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent_and_state(process: int) -> tuple[int, bool]:
    """Who started it, and is it more than a record of its end?"""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, False
    return int(fields[1]), fields[0] not in "ZX"
