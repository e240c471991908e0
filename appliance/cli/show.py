"""`glassnat show`: what a running appliance knows, as text or as JSON."""

from __future__ import annotations

from collections.abc import Callable

import click

from appliance.cli.base import (
    JSON_OPTION,
    NO,
    USAGE,
    Command,
    F,
    Failure,
    OneOf,
    emit,
    emit_json,
    options,
)
from appliance.cli.connection import APPLIANCE_OPTIONS, as_option, connect
from appliance.cli.tables import lines
from appliance.cli.words import Words, offer, profiles, protocols, states
from appliance.control.filters import ONE_CALL, WHATS, wanted
from appliance.settings import files as configuration
from appliance.settings.hints import shown
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
@click.argument("what", type=OneOf("what", (*WHATS, ONE_CALL)))
@click.argument("call", metavar="[ID]", required=False)
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
    call: str | None,
    file: str | None,
    profile: str | None,
    name: str | None,
    control: str | None,
    as_json: bool,
    **filters: str | None,
) -> None:
    """Show what a running appliance knows.

    WHAT is flows, mappings, calls, expectations, counters, settings, or rfc: which requirements
    of the RFCs for NATs the settings meet, and why not. Or it is call ID: one call (its Call-ID, or
    how that begins) with its flows, expectations and announced ports, and who hears nothing.

    In `show calls`, SINCE is when the state began, in seconds since the appliance started, as in
    `watch`; a registration EXPIRES IN what the registrar has granted. In `show flows`, ALG is the
    module that handles the flow now, none under `off`.

    \b
    Examples:
      glassnat show flows
      glassnat show flows --protocol udp --internal 192.168.20.0/24 --state answered
      glassnat show call a84b4c76e667
      glassnat show counters --json
      glassnat show rfc --profile symmetric
    """
    chosen = {key: value for key, value in filters.items() if value is not None}
    if (what == ONE_CALL) != (call is not None):
        said = "needs its ID: glassnat show call ID" if call is None else f"takes no {shown(call)}"
        raise Failure(f"show {what} {said}", USAGE)
    try:
        wanted(what, chosen)  # a wrong filter needs no appliance to be wrong
    except ValueError as error:
        raise Failure(as_option(error), USAGE) from None
    if file is None and profile is None:
        with connect(name, control) as client:
            answer = client.ask("show", what=what, filters=chosen, call=call)
    else:
        answer = _report(what, file, profile)
    if what == ONE_CALL and answer is None:
        raise Failure(f"no call, or more than one, begins with {shown(call or '')}", NO)
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
