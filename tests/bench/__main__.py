"""`make bench`: five interleaved rounds, medians, ratios; a table, a JSON file and a chart.

python -m tests.bench [--rounds 5] [--seconds 2] [--only bare,glassnat] [--no-alone]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench import between, captures, matrix, sip
from tests.bench.alone import figures
from tests.bench.chart import draw
from tests.bench.contestants import CONTESTANTS, Road, Unable, enter
from tests.bench.figure import Figure, compared
from tests.bench.measures import MEASURES

Results = dict[str, dict[str, list[float]]]


def main(words: Sequence[str] | None = None) -> int:
    options = _options(words)
    if os.geteuid() != 0:
        print("needs root: network namespaces and TUN devices", file=sys.stderr)
        return 3
    with contextlib.ExitStack() as stack:
        roads = _set_up(stack, options.only.split(","))
        results = _run(roads, options.rounds, options.seconds)
    medians = {
        name: {measure: statistics.median(values) for measure, values in row.items()}
        for name, row in results.items()
    }
    titles = {road.name: road.title for road in roads}
    print(_table(titles, medians))
    reached = compared(medians)
    if options.alone:
        reached += [*figures(), *sip.figures(), *matrix.figures()]
        reached += [*between.figures(), *captures.figures()]
    for figure in reached:
        print(figure.line())
    _write(options.out, titles, medians, results, reached)
    return 0


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each iperf3 run")
    parser.add_argument("--only", default=",".join(CONTESTANTS), help="contestants")
    parser.add_argument(
        "--alone", action=argparse.BooleanOptionalAction, default=True,
        help="also measure what much state costs",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("tests/bench/results"))
    return parser.parse_args(words)


def _set_up(stack: contextlib.ExitStack, names: Sequence[str]) -> list[Road]:
    roads = []
    for name in names:
        try:
            roads.append(enter(stack, name))
        except Unable as reason:
            print(f"{name} stands out: {reason}", file=sys.stderr)
    return roads


def _run(roads: Sequence[Road], rounds: int, seconds: float) -> Results:
    """Interleaved, so that whatever else the machine does hits everybody alike."""
    results: Results = {road.name: {} for road in roads}
    for number in range(rounds):
        for measure in MEASURES:
            for road in roads:
                value = measure.take(road, seconds)
                if value is None:
                    continue
                results[road.name].setdefault(measure.name, []).append(value)
                said = f"round {number + 1}: {measure.title}, {road.title}: {value:.3g}"
                print(f"{said} {measure.unit}", file=sys.stderr)
    return results


def _table(titles: dict[str, str], medians: dict[str, dict[str, float]]) -> str:
    """Medians, and behind each what glassnat has beside it."""
    ours = medians.get("glassnat", {})
    lines = ["".join([f"{'':28}", *(f"{m.title + ', ' + m.unit:>26}" for m in MEASURES)])]
    for name, row in medians.items():
        cells = []
        for measure in MEASURES:
            if measure.name not in row:
                cells.append(f"{'-':>26}")
                continue
            value = row[measure.name]
            beside = f"×{ours[measure.name] / value:.2f}" if ours and name != "glassnat" else ""
            cells.append(f"{value:>17.3g} {beside:>8}")
        lines.append(f"{titles[name]:28}" + "".join(cells))
    return "\n".join([*lines, "×: glassnat divided by this"])


def _write(
    folder: Path,
    titles: dict[str, str],
    medians: dict[str, dict[str, float]],
    results: Results,
    reached: Sequence[Figure],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": {
            "kernel": platform.release(),
            "python": platform.python_version(),
            "processors": os.cpu_count(),
        },
        "titles": titles,
        "units": {measure.name: measure.unit for measure in MEASURES},
        "medians": medians,
        "rounds": results,
        "figures": [asdict(figure) for figure in reached],
    }
    (folder / "bench.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "bench.svg").write_text(draw(MEASURES, titles, medians))
    print(f"written: {folder / 'bench.json'}, {folder / 'bench.svg'}")


if __name__ == "__main__":
    sys.exit(main())
