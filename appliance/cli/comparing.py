"""`glassnat lab check --all`: whatever the stories expect, played in both worlds and compared.

Each play is a `lab check` of its own, in a process of its own. Several stories are under way at a
time, since they mostly wait; the runs of one story follow each other, because what a lab makes is
named after its story.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple

from appliance.cli.base import emit, emit_json_line, narrate
from appliance.journal.plain import clean
from appliance.journal.sentences import table
from appliance.sim.scenario import Scenario

LONG_ENOUGH, FAST_ENOUGH = 15.0, 12.0
"""Seconds that a story takes at least, unless it is shorter, and seconds of it in one at most: the
faster it is played, the longer in the story is a pause of the machine."""
PER_PROCESSOR = 3
COLUMNS = {
    "scenario": "SCENARIO",
    "expects": "EXPECTS",
    "simulated": "SIMULATION",
    "outcome": "LAB",
    "speed": "SPEED",
    "seconds": "SECONDS",
    "differs": "",
}
Row = dict[str, Any]
NOTHING: Row = {"outcome": "", "simulated": "", "agrees": False}
"""What is known of how a run ended that there was none of."""


class Play(NamedTuple):
    """One run: what the story calls its expectation, what is turned for it, the counts that must be
    met, how many seconds of it pass in one, and why it cannot be played, if so."""

    scenario: str
    expects: str
    turned: str
    counts: Mapping[str, int]
    speed: float
    only_simulated: str = ""


def plays(
    stories: Mapping[str, Scenario], alg: str | None, speed: float | None
) -> list[list[Play]]:
    """All that the stories expect, by the names or paths that they were asked for by, or what they
    expect of one module; the runs of a story stand together. Without `speed` each is played as fast
    as its length allows."""
    found = []
    for name, story in stories.items():
        pace = speed or fitting(story.duration)
        found.append(
            [
                Play(name, label, each.options(), each.evidence, pace, each.only_simulated)
                for label, each in story.expect.items()
                if alg is None or each.alg == alg
            ]
        )
    return [each for each in found if each]


def fitting(duration: float) -> float:
    """How many of so many seconds of a story may pass in one."""
    return round(min(max(duration / LONG_ENOUGH, 1.0), FAST_ENOUGH), 1)


def at_a_time() -> int:
    """How many stories this machine can play beside each other."""
    return PER_PROCESSOR * (os.cpu_count() or 1)


def compare(
    all_plays: Sequence[Sequence[Play]], beside: int, as_json: bool, player: Callable[[Play], Row]
) -> bool:
    """Play them, `beside` stories at a time, and say how each ended; answers whether all agree that
    reality can have. Progress goes to stderr, and to stdout a table, or as JSON each run as it
    ends."""
    count = sum(map(len, all_plays))
    rows: list[Row] = []

    is_over = threading.Event()

    def play(of_a_story: Sequence[Play]) -> None:
        for each in of_a_story:
            if is_over.is_set():
                return
            row = _not_played(each) if each.only_simulated else player(each)
            rows.append(row)
            narrate(f"{len(rows):4} of {count}  {_line(row)}")
            if as_json:
                emit_json_line(row)

    with ThreadPoolExecutor(beside) as pool:
        try:
            list(pool.map(play, all_plays))
        finally:  # after Ctrl-C nothing is begun any more, and what is under way tidies up
            is_over.set()
    agree = sum(bool(row["agrees"]) for row in rows)
    simulated = sum(bool(row["only_simulated"]) for row in rows)
    if not as_json:
        for line in table(list(_told(rows)), COLUMNS):
            emit(line)
        others = f", {simulated} only simulated" if simulated else ""
        emit(f"{agree} of {count} end in reality as in the simulation{others}")
    return agree + simulated == count


def play_in_a_process(play: Play) -> Row:
    """Played as anybody plays one: `glassnat lab check`."""
    words = ["lab", "check", play.scenario, "--json", "--speed", f"{play.speed:g}"]
    began = datetime.now(UTC)
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", *words, *shlex.split(play.turned)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    took = datetime.now(UTC) - began
    row = {
        **play._asdict(),
        "seconds": round(took.total_seconds(), 1),
        "on": began.date().isoformat(),
    }
    try:
        said = json.loads(done.stdout)
    except ValueError:  # it was not played, and has said why
        why = done.stderr.strip().rpartition("\n")[2].removeprefix("glassnat: ")
        return {**row, **NOTHING, "sentence": why}
    row |= {key: said[key] for key in ("outcome", "simulated", "sentence", "agrees")}
    for name, count in play.counts.items():
        if said["evidence"].get(name) != count:
            row["agrees"] = False
            row["sentence"] += f"; {name}: {said['evidence'].get(name)}, not {count}"
    return row


def _not_played(play: Play) -> Row:
    return {**play._asdict(), "seconds": 0.0, **NOTHING, "sentence": play.only_simulated}


def _line(row: Row) -> str:
    verdict = f"{row['outcome']}, as simulated" if row["agrees"] else _difference(row)
    return clean(f"{row['scenario']}, {row['expects']}: {verdict} ({row['seconds']:g} s)")


def _difference(row: Row) -> str:
    if row["simulated"]:
        return f"DIFFERS: in the simulation {row['simulated']}, here {row['sentence']}"
    return f"{'only simulated' if row['only_simulated'] else 'NOT PLAYED'}: {row['sentence']}"


def _told(rows: Sequence[Row]) -> Iterator[Mapping[str, str]]:
    for row in sorted(rows, key=lambda each: str(each["scenario"])):
        differs = "" if row["agrees"] else _difference(row)
        yield {**{key: str(value) for key, value in row.items()}, "differs": clean(differs)}
