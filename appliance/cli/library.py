"""`glassnat scenario` and `glassnat profile`: the stories and the sets of settings on the shelf."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from appliance.cli.base import JSON_OPTION, USAGE, Failure, Group, emit, emit_json, narrate
from appliance.cli.tables import emit_rows
from appliance.cli.words import offer, profiles, scenarios
from appliance.journal.plain import clean
from appliance.settings import files as configuration
from appliance.settings.table import Settings
from appliance.sim.guide import guide_lines
from appliance.sim.scenario import Scenario, ScenarioError
from appliance.sim.stories import list_scenarios, load_scenario, mistakes_on


@click.group(cls=Group)
def scenario() -> None:
    """Stories with parties and an outcome."""


@scenario.command("list")
@click.argument("shelf", type=click.Path(exists=True, file_okay=False), required=False)
@click.option(
    "--by",
    type=click.Choice(["name", "symptom", "lesson", "source"]),
    default="name",
    help="What people would say, what is to be learnt, or the report that it is told after.",
)
@JSON_OPTION
def list_all(shelf: str | None, by: str, as_json: bool) -> None:
    """List the scenarios, or those in the folders of SHELF."""
    folder = None if shelf is None else Path(shelf)
    stories = list_scenarios(folder)
    found = [
        {
            "name": each.name,
            "title": each.title,
            "symptom": each.symptom,
            "lesson": each.lesson,
            "sources": each.sources,
            "duration": each.duration,
        }
        for each in stories
    ]
    broken = [] if folder is None else mistakes_on(folder)
    for mistakes in broken:
        narrate(mistakes)
    if not stories and not broken:
        narrate(f"no folder in {shelf} has a story; of one story: glassnat scenario show {shelf}")
    if by == "name" or as_json:
        emit_rows(found, {"name": "NAME", "title": "TITLE"}, as_json)
    elif by == "source":
        rows = [
            {"source": source, "name": each.name, "title": each.title}
            for each in stories
            for source in each.sources
        ]
        rows.sort(key=lambda row: (row["source"], row["name"]))
        emit_rows(rows, {"source": "SOURCE", "name": "NAME", "title": "TITLE"}, False)
    else:
        found.sort(key=lambda row: str(row[by]))
        emit_rows(found, {by: by.upper(), "name": "NAME"}, False)


@scenario.command("validate")
@click.argument("name", metavar="SCENARIO", shell_complete=offer(scenarios))
def validate(name: str) -> None:
    """Say everything that is wrong with a story: a name, a folder or a TOML file.

    \b
    Example:
      glassnat scenario validate ./my-story
    """
    try:
        story = load_scenario(name)
    except ScenarioError as error:
        raise Failure(str(error), USAGE) from None
    emit(f"{clean(story.name)}: nothing wrong with it; try: glassnat check {clean(name)}")


@scenario.command("show")
@click.argument("name", shell_complete=offer(scenarios))
@JSON_OPTION
def show_one(name: str, as_json: bool) -> None:
    """Tell what happens in a scenario, and what to try in it."""
    try:
        story = load_scenario(name)
    except ScenarioError as error:
        raise Failure(str(error), USAGE) from None
    if as_json:
        emit_json({**msgspec.to_builtins(story), "parties": _parties(story)})
        return
    emit(f"{clean(story.title)}\n{'=' * len(story.title)}\n\n{clean(story.lesson)}\n")
    emit(story.guide.removeprefix(f"# {story.title}\n").lstrip("\n"))
    for line in guide_lines(story, name):
        emit(line)
    emit(f"Run it: glassnat sim {clean(name)}")


def _parties(story: Scenario) -> dict[str, object]:
    return {name: msgspec.to_builtins(party) for name, party in story.parties.items()}


@click.group(cls=Group)
def profile() -> None:
    """Named sets of settings."""


@profile.command("list")
@JSON_OPTION
def list_profiles(as_json: bool) -> None:
    """List the profiles."""
    found = configuration.list_profiles()
    emit_rows(found, {"name": "NAME", "title": "TITLE"}, as_json)


@profile.command("show")
@click.argument("name", shell_complete=offer(profiles))
@JSON_OPTION
def show_profile(name: str, as_json: bool) -> None:
    """Print the settings of a profile, each with its source.

    NAME may be a file of your own, FILE.toml: all mistakes in it are told at once.
    """
    try:
        text = configuration.profile_text(name)
    except LookupError as error:
        raise Failure(str(error), USAGE) from None
    configuration.lay_profile(Settings(), name)
    if as_json:
        emit_json(configuration.profile_table(name))
    else:
        emit(text.rstrip("\n"))
