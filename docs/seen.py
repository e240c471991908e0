"""What was seen of the stories in reality: `docs/lab.jsonl`, as `lab check --all --json` wrote it.

A run counts for what a story expects as long as the story still turns the same for it, and still
ends in the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from appliance.sim.outcome import WORDS
from appliance.sim.scenario import Expectation, Scenario
from appliance.sim.stories import list_scenarios

FILE = Path(__file__).resolve().parent / "lab.jsonl"
HEAD = "| story | with `off` | with `sip` | agree | at speed | seen on | what does not |\n"
Seen = Mapping[tuple[str, str], dict[str, Any]]


def in_both_worlds() -> str:
    """A line for each story: how it ended there, and how many of its runs end in both worlds as it
    tells."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    seen = {(row["scenario"], row["expects"]): row for row in map(json.loads, lines)}
    rows = "".join(f"| {' | '.join(_row(story, seen))} |\n" for story in list_scenarios())
    return f"{HEAD}|---|---|---|---|---|---|---|\n{rows}"


def _row(story: Scenario, seen: Seen) -> Iterator[str]:
    found = {label: _of(story, label, each, seen) for label, each in story.expect.items()}
    known = [row for row in found.values() if row is not None]
    yield f"`{story.name}`"
    for alg in ("off", "sip"):
        yield _ended(found[alg]) if alg in found else "not told"
    yield f"{sum(row['agrees'] for row in known)} of {len(found)}"
    yield ", ".join(sorted({f"{row['speed']:g}" for row in known}))
    yield ", ".join(sorted({row["on"] for row in known}))
    yield "; ".join(_without(found))


def _of(story: Scenario, label: str, expected: Expectation, seen: Seen) -> dict[str, Any] | None:
    row = seen.get((story.name, label))
    if row is None or row["turned"] != expected.options():
        return None
    return row if row["simulated"] in ("", expected.outcome) else None


def _ended(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not tried"
    return WORDS[row["outcome"]] if row["outcome"] else "refused"


def _without(found: Mapping[str, dict[str, Any] | None]) -> Iterator[str]:
    """What does not end there as it is told, with what was said instead."""
    for label, row in found.items():
        if row is not None and not row["agrees"]:
            told = row["sentence"].partition(" (see: ")[0]
            yield f"{label}: {'refused' if row['refused'] else 'ends otherwise'}: {told}"
    if missing := sum(row is None for row in found.values()):
        yield f"{missing} not tried"
