"""A scenario is played: as text and for the screen (`glassnat sim`, `sim.py`), or to be judged
(`glassnat check`).

The same scenario, settings and seed give the same bytes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import msgspec

from alg.registry import SpecError
from appliance.cli.base import (
    NO,
    USAGE,
    Chosen,
    Command,
    Failure,
    emit,
    emit_json_line,
    narrate,
    setting_options,
)
from appliance.cli.files import CAPTURE_OPTION, Files
from appliance.cli.words import offer, scenarios
from appliance.journal.events import Event, encode
from appliance.journal.plain import clean
from appliance.journal.sentences import Teller, outcome_line
from appliance.settings.table import Settings
from appliance.sim import staging
from appliance.sim.outcome import BOTH_WAYS, WORDS
from appliance.sim.remedies import needless, remedies
from appliance.sim.scenario import Scenario, ScenarioError, Step, Turns
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario

Runs = Callable[..., Simulation]
"""Makes a run that has not begun, of what was turned by hand and by a step of the guide."""
Say = Callable[[str], None]
"""Takes a line."""
PACE = 0.05
"""Virtual seconds between two sleeps of a paced run."""
NO_EXPECTATION = "write into it what must come of it: [expect.off] and an outcome"


def tell(
    scenario: str,
    chosen: Chosen,
    seed: int | None,
    as_json: bool,
    until: float | None,
    speed: float | None,
    points: bool,
    files: Files,
) -> None:
    """A run as text."""
    simulation = _simulation(*_staged(_story(scenario), chosen), seed)
    files.begin(simulation)
    if as_json:
        _stream(simulation, lambda event: emit(encode(event).decode("ascii")), until, speed, points)
        emit_json_line(_document(simulation))
        return
    narrate(f"{simulation.scenario.title}: {simulation.scenario.lesson}")
    _tell(simulation, emit, until, speed, points)
    _tell_end(_document(simulation), emit)


def _story(name: str) -> Scenario:
    try:
        return load_scenario(name)
    except ScenarioError as error:
        raise Failure(str(error), USAGE) from None


def _staged(story: Scenario, chosen: Chosen) -> tuple[Scenario, Settings]:
    """The scenario and its settings, with what the command line lays over both."""
    turns = Turns(alg=chosen.alg or "", profile=chosen.profile or "")
    return staging.stage(story, turns, chosen.sets)


def _simulation(story: Scenario, settings: Settings, seed: int | None) -> Simulation:
    try:
        return Simulation(story, settings, seed)
    except SpecError as error:
        raise Failure(f"{error} (see: glassnat alg list)", USAGE) from None


def runs(scenario: str, chosen: Chosen, seed: int | None, files: Files) -> Runs:
    """Makes runs of a story for the screen. Knobs that are turned there are laid over the next run:
    over what the command line says, or over what a step of the guide turns. Raises Failure."""
    story, settings = _staged(_story(scenario), chosen)
    _simulation(story, settings.copy(), seed)  # what is wrong is said before a run is wanted

    def begin(by_hand: Mapping[str, Any], turns: Turns | None = None) -> Simulation:
        staged = (story, settings.copy()) if turns is None else staging.stage(story, turns)
        simulation = Simulation(*staging.turned_by_hand(*staged, by_hand), seed)
        files.begin(simulation)
        return simulation

    return begin


def _tell(
    simulation: Simulation,
    say: Say,
    until: float | None = None,
    speed: float | None = None,
    points: bool = False,
) -> None:
    """The events of a run as text, as they happen."""
    teller = Teller(brief=True)

    def tell(event: Event) -> None:
        for line in teller.tell(event):
            say(line)

    _stream(simulation, tell, until, speed, points)
    for line in teller.rest():
        say(line)


def _stream(
    simulation: Simulation,
    tell: Callable[[Event], None],
    until: float | None,
    speed: float | None,
    points: bool,
) -> None:
    """Play a run up to `until`, and tell its events as they happen."""
    for event in simulation.log.since(0):
        tell(event)
    simulation.log.subscribe(tell)
    if points:
        simulation.engine.points.begin(tell)
    _let_pass(simulation, simulation.duration if until is None else until, speed)


def _tell_end(document: Mapping[str, Any], say: Say) -> None:
    """Why it ended so, what helps, and what did no harm; the outcome last."""
    for cause in document["causes"]:
        say(f"  why: {clean(cause['sentence'])}{' (inferred)' * cause['inferred']}")
    for remedy in document["remedies"]:
        turns = " ".join(f"--set {key}={_as_text(value)}" for key, value in remedy["set"].items())
        word = remedy["outcome"]
        left = "" if word == BOTH_WAYS else f", which leaves {WORDS[word]}"
        say(f"  try: {remedy['sentence']} {turns}{left}")
    for sentence in document["harmless"]:
        say(f"  fine: {clean(sentence)}")
    say(outcome_line(document["sentence"]))


def _as_text(value: object) -> str:
    """A value as `--set` takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _let_pass(simulation: Simulation, until: float, speed: float | None) -> None:
    """Virtual time up to `until`, as fast as possible or in step with a person's."""
    if speed is None:
        simulation.run_until(until)
        return
    end = min(until, simulation.duration)
    while simulation.now < end:
        time.sleep(PACE / speed)
        simulation.run_until(min(simulation.now + PACE, end))


def _document(simulation: Simulation, with_remedies: bool = True) -> dict[str, Any]:
    """The outcome as JSON has it. Remedies are tried, which takes some runs more."""
    outcome = simulation.outcome()
    tried = remedies(simulation) if with_remedies else []
    idle = needless(simulation) if with_remedies else ""
    return {
        "type": "outcome",
        "outcome": outcome.outcome,
        "sentence": outcome.sentence,
        "evidence": outcome.evidence,
        "causes": [msgspec.to_builtins(cause) for cause in simulation.causes()],
        "remedies": [each._asdict() for each in tried],
        "harmless": [*simulation.harmless(), *([idle] if idle else [])],
    }


@click.command(cls=Command, short_help="Do a scenario's expectations hold?")
@click.argument("scenario", shell_complete=offer(scenarios))
@setting_options
@click.option("--seed", type=int, help="Another seed than the scenario's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON outcome a line for each module.")
@click.option("--junit", type=click.Path(), metavar="FILE", help="Write a JUnit report there.")
@CAPTURE_OPTION
def check(
    scenario: str,
    chosen: Chosen,
    seed: int | None,
    as_json: bool,
    junit: str | None,
    capture: str | None,
) -> int:
    """Do the expectations of SCENARIO hold? Exit code 1 if not.

    A scenario says what must come of it under each ALG module; all of them are run, or only the
    one named by --alg. Of several, each has a capture of its own, named after it.

    Unless something is turned, its guide is held against its runs too: a step whose run does not
    print what it shows is told, and the exit code is 1.

    \b
    Examples:
      glassnat check one-way-audio
      glassnat check one-way-audio --alg sip --json
      glassnat check one-way-audio --capture call.pcapng   call-off.pcapng, call-sip.pcapng, …
    """
    story = _story(scenario)
    expected = _expected(story, chosen)
    results = []
    for label in expected:
        path = capture and (_own(capture, label) if len(expected) > 1 else capture)
        results.append(_judge(story, label, chosen, seed, as_json, Files(capture=path)))
    steps = [] if chosen != Chosen() or seed is not None else _steps_not_shown(story)
    for found, said in ((steps, _step_failure), (results, _verdict)):
        for each in found:
            if as_json:
                emit_json_line(each)
            else:
                emit(said(each))
    if junit is not None:
        _write_junit(junit, story.name, results, steps)
    return 0 if all(result["holds"] for result in results) and not steps else NO


def _steps_not_shown(story: Scenario) -> list[dict[str, Any]]:
    """The steps of the guide whose runs do not print all that they show."""
    found = []
    for number, step in enumerate(story.steps, 1):
        missing = _not_printed(story, step)
        if missing:
            found.append(
                {"type": "step", "scenario": story.name, "step": number, "title": step.title}
                | {"not_shown": missing, "holds": False}
            )
    if story.steps and not found:
        narrate(f"{clean(story.name)}: each of the {len(story.steps)} steps shows what it says")
    return found


def _not_printed(story: Scenario, step: Step) -> list[str]:
    """What a step shows, and `sim --plain` does not print of its run. Remedies are tried, which
    takes many runs more, where something is missing without them."""
    simulation = Simulation(*staging.stage(story, step))
    lines: list[str] = []
    _tell(simulation, lines.append)
    for with_remedies in (False, True):
        _tell_end(_document(simulation, with_remedies), lines.append)
        printed = "\n".join(lines)
        missing = [text for text in step.shows if text not in printed]
        if not missing:
            break
    return missing


def _step_failure(step: Mapping[str, Any]) -> str:
    shows = ", ".join(f'"{clean(text)}"' for text in step["not_shown"])
    return (
        f"{step['scenario']}, step {step['step']} ({clean(step['title'])}): its run does not print "
        f"{shows}"
    )


def _own(path: str, label: str) -> str:
    """The name of a file with an expectation's in it."""
    name = re.sub(r"[^\w.-]+", "-", label)
    return str(Path(path).with_stem(f"{Path(path).stem}-{name}"))


def _expected(story: Scenario, chosen: Chosen) -> list[str]:
    """The labels of the expectations to judge: all, or those about the module that was chosen."""
    module = chosen.module
    labels = [label for label, each in story.expect.items() if module is None or each.alg == module]
    if not labels:
        wanted = "" if module is None else f" of {clean(module)}"
        known = f"it knows: {', '.join(story.expect)}" if story.expect else NO_EXPECTATION
        raise Failure(f"{clean(story.name)} expects nothing{wanted}; {known}", USAGE)
    return labels


def _judge(
    story: Scenario,
    label: str,
    chosen: Chosen,
    seed: int | None,
    with_remedies: bool,
    files: Files,
) -> dict[str, Any]:
    """One run, against what the scenario expects of it. What the command line turns is laid over
    what the expectation turns."""
    expected = story.expect[label]
    own = replace(
        chosen,
        alg=expected.alg,
        profile=chosen.profile or expected.profile or None,
        sets=(*expected.sets(), *chosen.sets),
    )
    simulation = _simulation(*_staged(story, own), seed)
    files.begin(simulation)
    try:
        outcome = simulation.run()
    finally:
        files.end()
    differs = {
        name: outcome.evidence.get(name)
        for name, count in expected.evidence.items()
        if outcome.evidence.get(name) != count
    }
    return {
        **_document(simulation, with_remedies),
        "scenario": story.name,
        "about": label,
        "alg": expected.alg,
        "expected": expected.outcome,
        "expected_evidence": expected.evidence,
        "holds": outcome.outcome == expected.outcome and not differs,
    }


def _verdict(result: Mapping[str, Any]) -> str:
    if result["holds"]:
        return (
            f"{result['scenario']} with {result['about']}: as expected: {clean(result['sentence'])}"
        )
    counts = ", ".join(f"{name} {count}" for name, count in result["expected_evidence"].items())
    return (
        f"{result['scenario']} with {result['about']}: NOT as expected: "
        f"{clean(result['sentence'])}; expected {result['expected']}"
        f"{' with ' if counts else ''}{counts}"
    )


def _write_junit(
    path: str, name: str, results: list[dict[str, Any]], steps: list[dict[str, Any]]
) -> None:
    failures = [result for result in results if not result["holds"]]
    suite = ElementTree.Element(
        "testsuite",
        name=f"glassnat {name}",
        tests=str(len(results) + len(steps)),
        failures=str(len(failures) + len(steps)),
    )
    for result in results:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=result["about"])
        if not result["holds"]:
            ElementTree.SubElement(case, "failure", message=_verdict(result))
    for step in steps:
        case = ElementTree.SubElement(
            suite, "testcase", classname=name, name=f"step {step['step']}"
        )
        ElementTree.SubElement(case, "failure", message=_step_failure(step))
    try:
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise Failure(f"--junit {clean(path)}: {error.strerror or error}", USAGE) from None
