"""`glassnat scenario` and `glassnat profile`: the stories and the sets of settings on the shelf."""

from __future__ import annotations

import click

from appliance.cli.base import JSON_OPTION, USAGE, Failure, Group, emit, emit_json
from appliance.cli.tables import emit_rows
from appliance.cli.words import offer, profiles, scenarios
from appliance.journal.sentences import clean
from appliance.settings import files as configuration
from appliance.sim.scenario import list_scenarios, load_scenario


@click.group(cls=Group)
def scenario() -> None:
    """Stories with parties and an outcome."""


@scenario.command("list")
@JSON_OPTION
def list_all(as_json: bool) -> None:
    """List the scenarios."""
    found = [
        {"name": each.name, "title": each.title, "lesson": each.lesson, "duration": each.duration}
        for each in list_scenarios()
    ]
    emit_rows(found, {"name": "NAME", "title": "TITLE"}, as_json)


@scenario.command("show")
@click.argument("name", shell_complete=offer(scenarios))
@JSON_OPTION
def show_one(name: str, as_json: bool) -> None:
    """Tell what happens in a scenario, and what to try in it."""
    try:
        story = load_scenario(name)
    except (LookupError, ValueError) as error:
        raise Failure(str(error.args[0]), USAGE) from None
    if as_json:
        emit_json(
            {
                "name": story.name,
                "title": story.title,
                "lesson": story.lesson,
                "duration": story.duration,
                "settings": story.settings,
                "guide": story.guide,
            }
        )
        return
    emit(f"{clean(story.title)}\n{'=' * len(story.title)}\n\n{story.lesson}\n")
    emit(story.guide)
    emit(f"Run it: glassnat sim {story.name}")


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
    """Print the settings of a profile, each with its source."""
    try:
        text = configuration.profile_text(name)
    except LookupError as error:
        raise Failure(str(error), USAGE) from None
    if as_json:
        emit_json(configuration.profile_table(name))
    else:
        emit(text.rstrip("\n"))
