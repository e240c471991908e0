"""`glassnat set`, `flush` and `watch`: a running appliance is changed, emptied, followed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from appliance.cli.aloud import Aloud, standing
from appliance.cli.base import (
    JSON_OPTION,
    USAGE,
    WRONG_STATE,
    Command,
    Failure,
    OneOf,
    absolute_spec,
    emit,
    emit_json,
    emit_json_line,
    narrate,
)
from appliance.cli.configuration import warn
from appliance.cli.connection import (
    APPLIANCE_OPTIONS,
    as_option,
    connect,
    connect_to_look,
    socket_of,
)
from appliance.cli.tables import value_text
from appliance.cli.words import live_keys, offer, values
from appliance.control.client import Client, ClientError, caller
from appliance.control.filters import wanted
from appliance.journal.events import decode
from appliance.journal.plain import clean
from appliance.journal.sentences import Teller, wall_clock
from appliance.settings.hints import counted
from appliance.settings.table import SETTINGS, SettingError, Settings

START, WALL = "start", "wall"
"""What the times of `watch` count from."""


@click.command("set", cls=Command, short_help="Change a setting of a running appliance.")
@click.argument("key", shell_complete=offer(live_keys))
@click.argument("value", shell_complete=offer(values))
@APPLIANCE_OPTIONS
@JSON_OPTION
def set_(key: str, value: str, name: str | None, control: str | None, as_json: bool) -> None:
    """Change a setting of a running appliance; flows that exist follow at once.

    \b
    Examples:
      glassnat set alg.sip.module sip
      glassnat set alg.sip.module sip-poor:no-sdp
      glassnat set nat.timeouts.udp 30s
    """
    try:
        Settings().assign(key, value, "--set")  # a wrong key needs no appliance to be wrong
    except SettingError as error:
        raise Failure(f"{clean(key)}: {error}", USAGE) from None
    if key.endswith(".module"):
        value = absolute_spec(value)
    path = socket_of(name, control)
    follow = _who_follows(path) if key == "outside.external" else None
    with Client(path) as client:
        try:
            answer = client.ask("set", key=key, value=value, who=caller())
        except ClientError as error:
            named = str(error).startswith(f"{key}: ")  # what contradicts another key names its own
            raise Failure(str(error) if named else f"{key}: {error}", error.exit_code) from None
    if as_json:
        emit_json(answer)
    else:
        narrate(clean(f"{answer['key']} is {value_text(answer['key'], answer['value'])} now", 1000))
    if follow is not None:
        follow(answer["value"])
    if key in SETTINGS:
        changed = Settings()
        changed.assign(key, answer["value"], "set")
        warn(changed, key)


def _who_follows(path: Path) -> Callable[[Sequence[str]], None] | None:
    """What else has to be done when external addresses change, if anything. Raises Failure."""
    from appliance.cli import renumber  # few appliances stand between bridges

    name = renumber.made_by_up(path)
    return partial(renumber.follow, name) if name else None


@click.command(cls=Command, short_help="Forget flows of a running appliance.")
@click.option(
    "--protocol", type=OneOf("protocol", ("udp", "tcp", "icmp")), help="Only this protocol."
)
@click.option("--internal", metavar="ENDPOINT", help="Only of this internal address or endpoint.")
@click.option("--external", metavar="ENDPOINT", help="Only of this external address or endpoint.")
@APPLIANCE_OPTIONS
@JSON_OPTION
def flush(
    protocol: str | None,
    internal: str | None,
    external: str | None,
    name: str | None,
    control: str | None,
    as_json: bool,
) -> None:
    """Forget flows and what an ALG expects at their ports, and say how many.

    \b
    Examples:
      glassnat flush
      glassnat flush --protocol udp --internal 192.168.20.100:5060
    """
    filters = {"protocol": protocol, "internal": internal, "external": external}
    try:
        wanted("flows", {key: value for key, value in filters.items() if value is not None})
    except ValueError as error:
        raise Failure(as_option(error), USAGE) from None
    with connect(name, control) as client:
        answer = client.ask("flush", **filters)
    if as_json:
        emit_json(answer)
    else:
        said = [counted(answer["flushed"], "flow")]
        if answer["expectations"]:
            said.append(counted(answer["expectations"], "expectation"))
        emit(clean(f"{' and '.join(said)} forgotten"))


@click.command(cls=Command, short_help="The events of a running appliance.")
@click.option(
    "--since",
    metavar="ID",
    type=int,
    help="Begin with the event after this one; 0: all that is remembered.",
)
@click.option(
    "--plain",
    is_flag=True,
    help="All that the screen shows, in sentences: how things stand, then each event.",
)
@click.option(
    "--points",
    is_flag=True,
    help="Packets too: as they arrived, went into translation, came out of it, and left.",
)
@click.option(
    "--clock",
    type=OneOf("clock", (START, WALL)),
    default=START,
    show_default=True,
    help="Times as seconds since the start, or as time of day with its zone.",
)
@APPLIANCE_OPTIONS
@JSON_OPTION
def watch(
    since: int | None,
    points: bool,
    plain: bool,
    clock: str,
    name: str | None,
    control: str | None,
    as_json: bool,
) -> None:
    """Tell the events of a running appliance as they happen, until Ctrl-C.

    One sentence an event; with --json, one JSON object a line. With --clock wall the lines can be
    laid beside those of a phone's log, or of sngrep; in JSON it is one more key, "wall_clock".

    \b
    Examples:
      glassnat watch
      glassnat watch --points          what becomes of each packet, and where
      glassnat watch --plain           all that the screen shows, in sentences
      glassnat watch --clock wall      as 2026-03-01T14:05:09.123+01:00
      glassnat watch --json --since 0 > events.jsonl
    """
    with connect_to_look(name, control) as client:
        began = _began(client) if clock == WALL else None
        teller = Teller(began, brief=True)
        if plain and not as_json:
            _read_aloud(client, connect_to_look(name, control), teller, since, points)
            return
        for line in client.events(since, points):
            if as_json:
                emit_json_line(_read(line, began))
                continue
            for sentence in teller.tell(decode(line)):
                emit(sentence)
        for sentence in teller.rest():
            emit(sentence)
    narrate("the appliance has ended")


def _read_aloud(
    client: Client, looker: Client, teller: Teller, since: int | None, points: bool
) -> None:
    """All that the screen shows: how things stand, then each event."""
    with looker:
        if since is None:
            for sentence in standing(looker):
                emit(sentence)
        aloud = Aloud(looker, teller)
        for line in client.events(since, points):
            for sentence in aloud.tell(decode(line)):
                emit(sentence)
        for sentence in teller.rest():
            emit(sentence)
    narrate("the appliance has ended")


def _began(client: Client) -> float:
    """The wall clock at the appliance's t = 0, in seconds since 1970."""
    try:
        return float(client.ask("capture")["started"]["wall"])
    except (KeyError, TypeError, ValueError):
        raise Failure("what answers there does not say when it has begun", WRONG_STATE) from None


def _read(line: bytes, began: float | None) -> object:
    """An event as it came: whoever sends it may be no appliance of ours. When the wall clock at
    t = 0 is known, with its time of day."""
    try:
        event = json.loads(line)
    except ValueError:
        raise Failure("what answers there is no appliance: it sends no JSON", WRONG_STATE) from None
    at = event.get("t") if isinstance(event, dict) else None
    if began is None or not isinstance(at, float):
        return event
    return {**event, "wall_clock": wall_clock(began + at)}
