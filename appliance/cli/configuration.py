"""`glassnat config`: write, check and explain configurations."""

from __future__ import annotations

import click

from appliance.cli.base import (
    JSON_OPTION,
    Chosen,
    Group,
    emit,
    emit_json,
    narrate,
    setting_options,
)
from appliance.settings import files as configuration
from appliance.settings.checks import Problem, warnings
from appliance.settings.table import Settings


@click.group(cls=Group)
def config() -> None:
    """Write, check and explain configurations.

    \b
    Examples:
      glassnat config init > lab.toml
      glassnat config validate lab.toml
      glassnat config show lab.toml --set nat.timeouts.udp=30s
      glassnat config schema > glassnat.schema.json
    """


@config.command()
def init() -> None:
    """Print a complete configuration with comments, ready to use."""
    emit(configuration.sample().rstrip("\n"))


@config.command()
def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    emit_json(configuration.schema())


@config.command()
@click.argument("file", type=click.Path())
@JSON_OPTION
def validate(file: str, as_json: bool) -> int:
    """Check FILE: every problem at once, exit code 2 if there is one."""
    try:
        settings = configuration.load(file)
    except configuration.ConfigError as error:
        if not as_json:
            raise
        emit_json({"file": file, "valid": False, "problems": _listed(error.problems)})
        return error.exit_code
    if as_json:
        found = _listed(warnings(settings.forms))
        emit_json({"file": file, "valid": True, "problems": [], "warnings": found})
    else:
        warn(settings)
        narrate(f"{file} is fine")
    return 0


@config.command()
@click.argument("file", type=click.Path(), required=False)
@setting_options
@JSON_OPTION
def show(file: str | None, chosen: Chosen, as_json: bool) -> None:
    """Print what FILE, a profile and --set come to, and where each value is from.

    Without FILE, the sample of `config init` stands in for it.
    """
    settings = (
        configuration.load(file, chosen.profile, chosen.all_sets)
        if file is not None
        else configuration.defaults(chosen.profile, chosen.all_sets)
    )
    if as_json:
        emit_json(
            {
                key: {"value": value, "origin": settings.origins[key]}
                for key, value in settings.values.items()
            }
        )
    else:
        emit(configuration.effective(settings).rstrip("\n"))


def warn(settings: Settings, only: str = "") -> None:
    """Say on stderr what is allowed but not as the RFCs want it; of one key, or of all."""
    for key, sentence in warnings(settings.forms):
        if key == only or not only:
            narrate(f"note: {key} {sentence}")


def _listed(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"key": key, "problem": sentence} for key, sentence in problems]
