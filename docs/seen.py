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
        yield _ended(story.expect[alg], found[alg]) if alg in found else "not told"
    unreal = sum(bool(each.only_simulated) for each in story.expect.values())
    yield f"{sum(row['agrees'] for row in known)} of {len(found) - unreal}"
    yield ", ".join(sorted({f"{row['speed']:g}" for row in known}))
    yield ", ".join(sorted({row["on"] for row in known}))
    yield "; ".join(_without(story, found))


def _of(story: Scenario, label: str, expected: Expectation, seen: Seen) -> dict[str, Any] | None:
    row = seen.get((story.name, label))
    if row is None or expected.only_simulated or row["turned"] != expected.options():
        return None
    return row if row["simulated"] in ("", expected.outcome) else None


def _ended(expected: Expectation, row: dict[str, Any] | None) -> str:
    if expected.only_simulated:
        return "only simulated"
    if row is None:
        return "not tried"
    return WORDS[row["outcome"]] if row["outcome"] else "not played"


def _without(story: Scenario, found: Mapping[str, dict[str, Any] | None]) -> Iterator[str]:
    """What does not end there as it is told, with what was said instead."""
    missing = 0
    for label, row in found.items():
        if why := story.expect[label].only_simulated:
            yield f"{label}: only simulated: {why}"
        elif row is None:
            missing += 1
        elif not row["agrees"]:
            how = "ends otherwise" if row["outcome"] else "not played"
            yield f"{label}: {how}: {row['sentence'].partition(' (see: ')[0]}"
    if missing:
        yield f"{missing} not tried"
