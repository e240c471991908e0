"""A page of the manual for each story: what people say, a run in which it goes wrong, and why.

    scenario.toml, guide.md ──►  what to look at, what to try, how it ends with what
    one run of it           ──►  the ladder, the line that decides, the causes, the remedies

`docs/generate.py` writes the pages. The run is that of the first step of the guide that ends badly,
or of the first step where none does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from appliance.journal.events import Cause, Change, MessagePassed
from appliance.journal.sentences import outcome_line
from appliance.journal.wording import in_words
from appliance.sim import staging
from appliance.sim.guide import command, guide_lines
from appliance.sim.outcome import BOTH_WAYS, WORDS
from appliance.sim.remedies import remedies
from appliance.sim.scenario import Expectation, Scenario, Step
from appliance.sim.simulation import Simulation
from appliance.sim.stories import list_scenarios, load_scenario, scenario_names
from tui.draw import ladder
from tui.model import Model

FOLDER = Path(__file__).resolve().parent / "pitfalls"
WIDTH = 100  # characters of the ladder
FIRST_ROWS, LAST_ROWS = 10, 30  # of a long ladder: what went wrong is nearer to its end
OUTCOME, WELL = "outcome: ", "outcome: both ways"


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.md"


def names() -> list[str]:
    return scenario_names()


def by_symptom() -> str:
    """The list of all pages, by what people say."""
    stories = sorted(list_scenarios(), key=lambda story: story.symptom)
    return "".join(
        f"* {each.symptom} [{each.title}](pitfalls/{each.name}.md)\n" for each in stories
    )


class Bite(NamedTuple):
    """A fault, as a SPEC, bites in a story: it ends otherwise than with the correct module."""

    fault: str
    story: str
    turned: Expectation
    correct: str  # how it ends with that


def bites() -> Iterator[Bite]:
    """What the expectations of all stories say of single faults, each beside the expectation that
    differs from it in the module alone."""
    for story in list_scenarios():
        for turned in story.expect.values():
            module, poor, _ = turned.alg.partition("-poor:")
            for right in story.expect.values():
                same = (right.set, right.profile) == (turned.set, turned.profile)
                if poor and right.alg == module and same and right.outcome != turned.outcome:
                    yield Bite(turned.alg, story.name, turned, right.outcome)


def by_fault() -> str:
    """One story for each fault, the first in which it bites."""
    found: dict[str, Bite] = {}
    for bite in bites():
        if "," not in bite.fault:
            found.setdefault(bite.fault, bite)
    rows = "".join(
        f"| `{each.fault}` | [`{each.story}`](pitfalls/{each.story}.md) | "
        f"`{each.turned.options()}` | {WORDS[each.turned.outcome]} | {WORDS[each.correct]} |\n"
        for _, each in sorted(found.items())
    )
    head = "| fault | story | turned | ends | with the correct module |\n|---|---|---|---|---|\n"
    return head + rows


def page(name: str) -> str:
    """The page of the story `name`."""
    story = load_scenario(name)
    step = _step(story)
    run = staging.simulation(story, step)
    run.run()
    parts = [
        f"# {story.title}",
        f"> {story.symptom}",
        f"{story.lesson} Told after: {', '.join(story.sources)}.",
        _without_title(story.guide),
        "## A run",
        f"`{command(story, step)}`: {step.title}.",
        _fenced(_ladder(run)),
        *_decided(run),
        *_why(run),
        *_what_helps(run),
        f"`{outcome_line(run.outcome().sentence)}`",
        "## What to try",
        "\n".join(guide_lines(story)).strip(),
        "## How it ends",
        _ends(story),
        "Each row is an expectation of the story: "
        f"`glassnat check {name}` plays them all. [All stories](../scenarios.md), "
        "[the screen and its views](../screen.md).",
    ]
    return "\n\n".join(each for each in parts if each) + "\n"


def _step(story: Scenario) -> Step:
    def fails(step: Step) -> bool:
        ends = [each for each in step.shows if each.startswith(OUTCOME)]
        return bool(ends) and not any(each.startswith(WELL) for each in ends)

    return next(filter(fails, story.steps), story.steps[0])


def _without_title(guide: str) -> str:
    return guide.partition("\n")[2].strip()


def _ladder(run: Simulation) -> Iterator[str]:
    """As view 2 of the screen draws it."""
    model = Model()
    for event in run.log.since(0):
        model.fold(event)
    model.now = run.now
    rows = ladder.rows(model, WIDTH, None)
    yield ladder.heading(model, WIDTH, None).plain.rstrip()
    left_out = len(rows) - FIRST_ROWS - LAST_ROWS
    for number, row in enumerate(rows):
        if left_out <= 0 or not FIRST_ROWS <= number < len(rows) - LAST_ROWS:
            yield row.plain.rstrip()
        elif number == FIRST_ROWS:
            yield f"… {left_out} rows …"


def _decided(run: Simulation) -> Iterator[str]:
    """The line that the chain of causes begins with, before and after."""
    passed = {each.id: each for each in run.log.since(0) if isinstance(each, MessagePassed)}
    for cause in run.causes():
        found = passed.get(cause.event or 0)
        message = None if found is None else in_words(found)
        change = None if message is None else _change(message, cause)
        if message is not None and change is not None:
            yield "The line that decides:"
            yield _fenced(_before_and_after(message, change))
            return


def _change(message: MessagePassed, cause: Cause) -> Change | None:
    return next((each for each in message.changes if each.field == cause.field), None)


def _before_and_after(message: MessagePassed, change: Change) -> Iterator[str]:
    start, end = change.span
    text = message.before
    begins = text.rfind("\n", 0, start) + 1
    ends = text.find("\r", end)
    head, tail = text[begins:start], text[end:] if ends < 0 else text[end:ends]
    yield f"as it came        {head}{change.before}{tail}"
    yield f"as it left        {head}{change.after}{tail}"
    if change.expected is not None:
        yield f"as it should be   {head}{change.expected}{tail}"


def _why(run: Simulation) -> Iterator[str]:
    causes = run.causes()
    if causes:
        yield "Why:"
        yield "\n".join(
            f"{number}. {_plain(each.sentence)}{' (inferred)' * each.inferred}"
            for number, each in enumerate(causes, 1)
        )


def _what_helps(run: Simulation) -> Iterator[str]:
    found = remedies(run)
    if found:
        yield "What helps, best first; each was tried:"
        yield "\n".join(
            f"* {_plain(each.sentence)} {_sets(each.set)}".rstrip() + _leaves(each.outcome)
            for each in found
        )


def _leaves(word: str) -> str:
    """What a remedy that mends only a part comes to."""
    return "" if word == BOTH_WAYS else f", which leaves {WORDS[word]}"


def _sets(turned: dict[str, object]) -> str:
    values = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in turned.items()
    }
    return " ".join(f"`--set {key}={value}`" for key, value in values.items())


def _ends(story: Scenario) -> str:
    rows = "".join(
        f"| `{each.options() or 'as it is'}` | {each.outcome} |\n" for each in story.expect.values()
    )
    return f"| turned | outcome |\n|---|---|\n{rows}".rstrip()


def _plain(sentence: str) -> str:
    """Not to be read as HTML."""
    return sentence.replace("<", "\\<")


def _fenced(lines: Iterator[str]) -> str:
    return "\n".join(["```text", *lines, "```"])
