"""`glassnat matrix` plays stories under every combination of what is given, before anybody chooses.

A table of outcomes for people, JSON for programs, Markdown for a page; and for two cells of it the
first packet in which they differ.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from alg.registry import SpecError
from appliance.cli.base import (
    IMPOSSIBLE,
    JSON_OPTION,
    USAGE,
    Command,
    Failure,
    OneOf,
    emit,
    emit_json,
)
from appliance.cli.words import axes as axis_words
from appliance.cli.words import offer, scenarios
from appliance.journal.plain import clean
from appliance.journal.sentences import Teller, table
from appliance.settings.checks import Problem
from appliance.settings.files import ConfigError
from appliance.settings.hints import shown
from appliance.sim.axes import Axes, Choice, found_wrong, read
from appliance.sim.difference import Difference, Shown, first_difference, first_other_event
from appliance.sim.matrix import BACKENDS, HERE, Cell, Plan, cells, cluster, plan
from appliance.sim.scenario import Scenario, ScenarioError
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario

STORY = "scenario"
LONGEST = 200  # characters of a sentence in a table


@click.command(cls=Command, short_help="Play scenarios under all combinations of settings.")
@click.argument("scenarios", metavar="SCENARIO...", nargs=-1, shell_complete=offer(scenarios))
@click.option(
    "--axis",
    "axes",
    metavar="KEY=V1,V2",
    multiple=True,
    shell_complete=axis_words,
    help="What to vary: alg, profile, seed, a setting, or a party's trait. alg=all: every module.",
)
@click.option("--seed", type=int, help="Another seed than the scenarios'.")
@JSON_OPTION
@click.option("--md", "as_markdown", is_flag=True, help="The table as Markdown.")
@click.option(
    "--diff",
    "pair",
    nargs=2,
    metavar="A B",
    shell_complete=axis_words,
    help="The first packet in which two cells differ; each is KEY=VALUE, or several.",
)
@click.option(
    "--backend",
    type=OneOf("backend", BACKENDS),
    default=HERE,
    help="Who plays them: the processors of this machine (loky), or a Dask cluster (dask).",
)
@click.pass_context
def matrix(
    context: click.Context,
    scenarios: tuple[str, ...],
    axes: tuple[str, ...],
    seed: int | None,
    as_json: bool,
    as_markdown: bool,
    pair: tuple[str, str] | None,
    backend: str,
) -> int:
    """Play every SCENARIO with each combination of the given axes, and show how each ends.

    Every cell is a run of its own with the scenario's seed: the same cell has the same outcome as
    `glassnat sim` with the same settings. Exits 0 whatever the outcomes.

    \b
    Axes:
      alg=off,sip,sip-poor:no-sdp        modules as for --alg; alg=all is each there is
      profile=linux,symmetric            profiles as for --profile
      nat.timeouts.udp=30s,5m            any setting, as for --set
      parties.pbx.comedia=true,false     any trait of a party
      seed=1,2,3                         other throws of the dice

    \b
    Examples:
      glassnat matrix one-way-audio --axis alg=all
      glassnat matrix one-way-audio incoming-call --axis alg=off,sip --md
      glassnat matrix incoming-call --axis alg=off,sip --axis parties.pbx.comedia=true,false
      glassnat matrix one-way-audio --diff alg=off alg=sip

    With --backend dask the cells are played by a Dask cluster, at the address in
    DASK_SCHEDULER_ADDRESS or else one made for this run; it is installed by
    `pip install glassnat[dask]`, on each of its machines.
    """
    if not scenarios:
        raise click.UsageError("which SCENARIO? (see: glassnat scenario list)", context)
    if as_json and as_markdown:
        raise click.UsageError("--json and --md exclude each other", context)
    stories, chosen = _read(scenarios, axes)
    if pair is not None:
        if as_markdown or len(stories) > 1:
            raise click.UsageError("--diff is about one scenario, as text or --json", context)
        one, other = (_named(each, chosen, stories[0], seed) for each in pair)
        _tell_difference(one, other, as_json)
        return 0
    _show(_played(plan(stories, chosen, seed), backend), as_json, as_markdown)
    return 0


def _read(names: Sequence[str], texts: Sequence[str]) -> tuple[list[Scenario], Axes]:
    """The stories and the axes. Raises ConfigError with all that is wrong with either."""
    stories: list[Scenario] = []
    problems: list[Problem] = []
    for name in dict.fromkeys(names):
        try:
            stories.append(load_scenario(name))
        except ScenarioError as error:
            problems.append(Problem(STORY, str(error).replace("\n", "\n  ")))
    axes: Axes = {}
    try:
        axes = read(texts, stories)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError("matrix", problems)
    return stories, axes


def _played(plans: Sequence[Plan], backend: str) -> list[Cell]:
    """All cells, with a bar on stderr that says how far it is."""
    try:
        where = cluster(backend)
    except ImportError:
        raise Failure(
            "Dask is not installed here; install it: pip install 'glassnat[dask]'", IMPOSSIBLE
        ) from None
    except OSError as error:
        raise Failure(
            f"no Dask cluster: {error}; DASK_SCHEDULER_ADDRESS says where it is", IMPOSSIBLE
        ) from None
    try:
        with where, _bar(cells(plans, backend), len(plans)) as coming:
            return list(coming)
    except SpecError as error:
        raise Failure(f"{error} (see: glassnat alg list)", USAGE) from None


def _bar(coming: Iterable[Cell], length: int) -> Any:
    return click.progressbar(coming, length, label="playing", file=sys.stderr, show_pos=True)


# --- the table -----------------------------------------------------------------------------------


def _show(found: Sequence[Cell], as_json: bool, as_markdown: bool) -> None:
    if as_json:
        emit_json([cell._asdict() for cell in found])
        return
    rows, columns = arranged(found)
    for line in _markdown(rows, columns) if as_markdown else table(rows, columns):
        emit(line)


def arranged(found: Sequence[Cell]) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Rows and columns for people. Of what varies, that with the fewest values goes across and all
    else down; what varies alone goes down, with the sentences beside it."""
    varied = _varied(found)
    across = min(reversed(varied), key=lambda key: len(varied[key])) if len(varied) > 1 else ""
    down = [key for key in varied if key != across] or [STORY]
    columns = {key: key for key in down}
    if across:
        columns |= {f"{across}={value}": f"{across}={value}" for value in varied[across]}
    else:
        columns |= {"outcome": "outcome", "sentence": "sentence"}
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    for cell in found:
        values = _values(cell)
        row = rows.setdefault(
            tuple(values[key] for key in down), {key: values[key] for key in down}
        )
        if across:
            row[f"{across}={values[across]}"] = cell.outcome
        else:
            row |= {"outcome": cell.outcome, "sentence": _detail(cell)}
    return list(rows.values()), columns


def _varied(found: Sequence[Cell]) -> dict[str, list[str]]:
    """What has several values in a matrix, the stories before the axes."""
    values: dict[str, dict[str, None]] = {}
    for cell in found:
        for key, value in _values(cell).items():
            values.setdefault(key, {})[value] = None
    return {key: [*each] for key, each in values.items() if len(each) > 1}


def _values(cell: Cell) -> dict[str, str]:
    return {STORY: cell.scenario, **cell.axes}


def _detail(cell: Cell) -> str:
    """Its sentence without the word for the outcome, which stands beside it."""
    return clean(cell.sentence.partition(": ")[2], LONGEST)


def _markdown(rows: Sequence[Mapping[str, str]], columns: Mapping[str, str]) -> Iterator[str]:
    yield _markdown_line(columns.values())
    yield _markdown_line(["---"] * len(columns))
    for row in rows:
        yield _markdown_line(row.get(key, "") for key in columns)


def _markdown_line(cells_of_a_row: Iterable[str]) -> str:
    texts = (clean(each, LONGEST).replace("|", r"\|") for each in cells_of_a_row)
    return f"| {' | '.join(texts)} |"


# --- two cells -----------------------------------------------------------------------------------


def _named(text: str, axes: Axes, story: Scenario, seed: int | None) -> Plan:
    """The cell that `--diff` means: KEY=VALUE for each axis that has several values, and whatever
    else. Raises ConfigError."""
    pairs = [each.partition("=") for each in re.split(r"[,\s]+(?=[\w.-]+=)", text.strip())]
    named = {key: value for key, _, value in pairs}
    problems = [Problem(key, "write KEY=VALUE") for key, equals, _ in pairs if not equals]
    problems = problems or found_wrong({key: [value] for key, value in named.items()}, [story])
    open_axes = [key for key, values in axes.items() if key not in named and len(values) > 1]
    for key in open_axes:
        problems.append(Problem(key, f"say which: {', '.join(shown(x) for x in axes[key])}"))
    if problems:
        raise ConfigError(f"--diff {clean(text)}", problems)
    fixed: Choice = {key: values[0] for key, values in axes.items()}
    (found,) = plan([story], {key: [value] for key, value in {**fixed, **named}.items()}, seed)
    return found


def _tell_difference(one: Plan, other: Plan, as_json: bool) -> None:
    try:
        runs = [Simulation(each.scenario, each.settings, each.seed) for each in (one, other)]
    except SpecError as error:
        raise Failure(f"{error} (see: glassnat alg list)", USAGE) from None
    found = first_difference(*runs)
    events = first_other_event(*runs)
    ended = [
        Cell(each.scenario.name, each.axes, each.seed, *run.run()[:2])
        for each, run in zip((one, other), runs, strict=True)
    ]
    if as_json:
        emit_json(_difference_document(ended, found))
        return
    if one.axes == other.axes:
        emit(f"both are the same cell, so nothing can differ: {_name(ended[0], one.axes)}")
        emit(clean(ended[0].sentence, LONGEST))
        return
    names = _names(ended)
    for line in _difference_lines(found, names):
        emit(line)
    for name, event in zip(names, events, strict=True):
        if event is not None and (found is None or event.t < found.t):
            emit(f"before that, only with {name}:")
            for line in Teller().tell(event):
                emit(f"  {line}")
    for name, cell in zip(names, ended, strict=True):
        emit(f"{name}: {clean(cell.sentence, LONGEST)}")


def _names(ended: Sequence[Cell]) -> list[str]:
    """What each is called: by the axes in which they differ, or where one of them has none of these
    by all axes."""
    one, other = (cell.axes for cell in ended)
    keys = [key for key in {**one, **other} if one.get(key) != other.get(key)]
    found = [_name(cell, keys) for cell in ended]
    return found if all(found) else [_name(cell, cell.axes) for cell in ended]


def _name(cell: Cell, keys: Iterable[str]) -> str:
    return clean(" ".join(f"{key}={cell.axes[key]}" for key in keys if key in cell.axes))


def _difference_lines(found: Difference | None, names: Sequence[str]) -> Iterator[str]:
    if found is None:
        yield "no packet differs: not one byte, and none comes earlier or later"
        return
    yield f"the first difference: {found.t:.3f} s, {found.place}"
    for name, packet in zip(names, (found.one, found.other), strict=True):
        yield f"  {name}: {_packet_text(packet)}"
    if found.what == "presence":
        return
    where = f", byte {found.offset} of what it carries" if found.offset is not None else ""
    yield f"what differs: {found.field or found.what}{where}"
    assert found.one is not None
    assert found.other is not None
    for lines in zip(found.one.lines, found.other.lines, strict=True):
        for sign, line in zip("-+", lines, strict=True):
            yield f"  {sign} {clean(line)}"
    if found.reason and found.edited is not None:
        yield f"  {names[found.edited]}: {clean(found.reason, LONGEST)}"


def _packet_text(packet: Shown | None) -> str:
    return "no such packet" if packet is None else packet.text


def _difference_document(ended: Sequence[Cell], found: Difference | None) -> dict[str, Any]:
    """As JSON has it; `difference` is null when no packet differs."""
    one, other = (cell._asdict() for cell in ended)
    if found is None:
        return {"one": one, "other": other, "difference": None}
    packets = {
        name: None if packet is None else packet._asdict()
        for name, packet in (("one", found.one), ("other", found.other))
    }
    return {"one": one, "other": other, "difference": {**found._asdict(), **packets}}
