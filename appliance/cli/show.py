"""`glassnat show`: what a running appliance knows, as text or as JSON."""

from __future__ import annotations

from collections.abc import Callable

import click

from appliance.cli.base import (
    JSON_OPTION,
    USAGE,
    Command,
    F,
    Failure,
    OneOf,
    emit,
    emit_json,
    options,
)
from appliance.cli.connection import APPLIANCE_OPTIONS, as_option, connect_to_look
from appliance.cli.tables import lines
from appliance.cli.words import Words, offer, profiles, protocols, states
from appliance.control.filters import WHATS, wanted
from appliance.settings import files as configuration
from appliance.settings.rfc import report


def _filter_option(
    name: str, metavar: str, text: str, words: Words | None = None
) -> Callable[[F], F]:
    complete = None if words is None else offer(words)
    return click.option(f"--{name}", metavar=metavar, help=text, shell_complete=complete)


FILTER_OPTIONS = options(
    _filter_option("protocol", "P", "Only udp, tcp or icmp.", protocols),
    _filter_option("internal", "E", "Only this internal endpoint, host, network or :port."),
    _filter_option("external", "E", "Only this external one."),
    _filter_option("remote", "E", "Only this remote one."),
    _filter_option("state", "STATE", "Only flows (or calls) in this state, e.g. answered.", states),
)


@click.command(cls=Command, short_help="What a running appliance knows.")
@click.argument("what", type=OneOf("what", WHATS))
@FILTER_OPTIONS
@click.option(
    "--config", "file", metavar="FILE", help="rfc: of this file; nothing need be running."
)
@click.option(
    "--profile",
    metavar="NAME",
    shell_complete=offer(profiles),
    help="rfc: of this profile; nothing need be running.",
)
@APPLIANCE_OPTIONS
@JSON_OPTION
def show(
    what: str,
    file: str | None,
    profile: str | None,
    name: str | None,
    control: str | None,
    as_json: bool,
    **filters: str | None,
) -> None:
    """Show what a running appliance knows.

    WHAT is flows, mappings, calls, expectations, counters, settings, or rfc: which requirements
    of the RFCs for NATs the settings meet, and why not.

    \b
    Examples:
      glassnat show flows
      glassnat show flows --protocol udp --internal 192.168.20.0/24 --state answered
      glassnat show counters --json
      glassnat show rfc --profile symmetric
    """
    chosen = {key: value for key, value in filters.items() if value is not None}
    try:
        wanted(what, chosen)  # a wrong filter needs no appliance to be wrong
    except ValueError as error:
        raise Failure(as_option(error), USAGE) from None
    if file is None and profile is None:
        with connect_to_look(name, control) as client:
            answer = client.ask("show", what=what, filters=chosen)
    else:
        answer = _report(what, file, profile)
    if as_json:
        emit_json(answer)
        return
    for line in lines(what, answer):
        emit(line)


def _report(what: str, file: str | None, profile: str | None) -> list[dict[str, object]]:
    """What a file's, or a profile's, settings would meet."""
    if what != "rfc":
        raise Failure("--config and --profile are for show rfc (see also: config show)", USAGE)
    if file is None:
        return report(configuration.defaults(profile))
    return report(configuration.load(file, profile))
