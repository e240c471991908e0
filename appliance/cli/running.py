"""Commands that run an appliance on real wires, and commands that talk to one."""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from alg.registry import SpecError
from appliance.cli.base import (
    CONTROL_OPTION,
    JSON_OPTION,
    USAGE,
    Chosen,
    Command,
    F,
    Failure,
    OneOf,
    absolute_spec,
    emit,
    emit_json,
    narrate,
    on_terminal,
    options,
    setting_options,
)
from appliance.cli.configuration import warn
from appliance.cli.words import (
    Words,
    appliances,
    live_keys,
    offer,
    profiles,
    protocols,
    states,
    values,
)
from appliance.control.client import Client, ClientError, caller, find
from appliance.control.filters import WHATS, wanted
from appliance.control.listener import ensure_free
from appliance.control.paths import default_path
from appliance.journal.events import decode
from appliance.journal.sentences import Teller, clean, table
from appliance.settings import files as configuration
from appliance.settings.duration import duration_text
from appliance.settings.rfc import report
from appliance.settings.table import SETTINGS, SettingError, Settings

START_PATIENCE = 10.0
"""Seconds that an appliance may take to open its control socket."""
START_LOOK = 0.05
LONGEST_REASON = 1000
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, linux/prctl.h

APPLIANCE_OPTIONS = options(
    click.option(
        "--name",
        metavar="NAME",
        shell_complete=offer(appliances),
        help="The appliance, when several are running.",
    ),
    CONTROL_OPTION,
)

COLUMNS: dict[str, dict[str, str]] = {
    "flows": {
        "id": "ID",
        "protocol": "PROTO",
        "internal": "INTERNAL",
        "external": "EXTERNAL",
        "remote": "REMOTE",
        "state": "STATE",
        "expires_in": "EXPIRES IN",
        "opened_by": "OPENED BY",
        "alg": "ALG",
        "packets_out": "OUT",
        "packets_in": "IN",
    },
    "mappings": {
        "protocol": "PROTO",
        "internal": "INTERNAL",
        "external": "EXTERNAL",
        "flows": "FLOWS",
        "expires_in": "EXPIRES IN",
    },
    "expectations": {
        "protocol": "PROTO",
        "external": "EXTERNAL",
        "internal": "INTERNAL",
        "remote": "REMOTE",
        "expires_in": "EXPIRES IN",
        "reason": "REASON",
    },
}


@click.command(cls=Command, short_help="Run the appliance on two TUN devices.")
@click.option("--config", "file", metavar="FILE", required=True, help="The configuration (TOML).")
@CONTROL_OPTION
@click.option("--tui", is_flag=True, help="Draw the screen as well.")
@setting_options
def run(file: str, control: str | None, tui: bool, chosen: Chosen) -> int:
    """Run the appliance on two TUN devices, in the foreground, until Ctrl-C.

    Needs root or CAP_NET_ADMIN to open the devices, and gives the privileges up after that.

    \b
    Examples:
      glassnat config init > lab.toml
      sudo glassnat run --config lab.toml
      sudo glassnat run --config lab.toml --alg sip --set nat.timeouts.udp=30s
    """
    settings = configuration.load(file, chosen.profile, chosen.all_sets)
    path = Path(control) if control is not None else default_path(settings["name"])
    ensure_free(path)
    if tui:
        return _run_with_screen(path)
    from appliance.loop import run as run_loop  # needs Linux; the other commands do not

    warn(settings)
    try:
        return run_loop(settings, path)
    except SpecError as error:
        raise Failure(f"alg.sip.module: {error} (see: glassnat alg list)", USAGE) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure(f"record.file: {clean(settings['record.file'])}: {reason}", USAGE) from None


def _run_with_screen(path: Path) -> int:
    """The appliance in a process of its own, so that drawing never delays a packet."""
    _need_terminal("run without --tui, or look on with: glassnat watch")
    arguments = [word for word in sys.argv[1:] if word != "--tui"]
    with tempfile.TemporaryFile("w+") as narration:
        appliance = subprocess.Popen(
            [sys.executable, "-m", "appliance.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=narration,
            stderr=narration,
            start_new_session=True,  # Ctrl-C is for the screen
            preexec_fn=_end_with_the_screen,
        )
        drawn = 0
        try:
            if _has_started(appliance, path):
                drawn = _draw(path, read_only=False)
        finally:
            appliance.terminate()
            code = appliance.wait()
            narration.seek(0)
            narrate(narration.read().rstrip("\n"))
    return max(code, 0) or drawn


def _end_with_the_screen() -> None:
    """Whatever becomes of the screen, a closed terminal or `kill -9`, no appliance is left behind
    that nobody sees."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _has_started(appliance: subprocess.Popen[bytes], path: Path) -> bool:
    """Wait for the control socket; False when the appliance ends before, or takes too long."""
    for _ in range(round(START_PATIENCE / START_LOOK)):
        if path.is_socket():
            return True
        try:
            appliance.wait(START_LOOK)
        except subprocess.TimeoutExpired:
            continue
        return False
    return False


@click.command(cls=Command, short_help="The screen of a running appliance.")
@click.argument("name", required=False, shell_complete=offer(appliances))
@CONTROL_OPTION
@click.option("--read-only", is_flag=True, help="Look, but change nothing.")
def attach(name: str | None, control: str | None, read_only: bool) -> int:
    """Draw the screen of a running appliance; `q` leaves it running."""
    path = Path(control) if control is not None else find(name)
    _need_terminal("use: glassnat watch")
    with Client(path) as client:
        client.ask("hello")
    return _draw(path, read_only)


def _draw(path: Path, read_only: bool) -> int:
    from tui.app import run_attached  # Textual is for drawing only

    return run_attached(str(path), read_only)


def _need_terminal(instead: str) -> None:
    if not on_terminal():
        raise Failure(f"this needs a terminal; {instead}", USAGE)


def _connect(name: str | None, control: str | None) -> Client:
    return Client(control if control is not None else find(name))


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
        raise Failure(_as_option(error), USAGE) from None
    if file is None and profile is None:
        with _connect(name, control) as client:
            answer = client.ask("show", what=what, filters=chosen)
    else:
        answer = _report(what, file, profile)
    if as_json:
        emit_json(answer)
        return
    for line in _rfc_lines(answer) if what == "rfc" else _shown(what, answer):
        emit(line)


def _as_option(error: ValueError) -> str:
    """What is wrong with a filter, named as it was typed."""
    sentence = str(error)
    return sentence if sentence.startswith("show ") else f"--{sentence}"


def _report(what: str, file: str | None, profile: str | None) -> list[dict[str, object]]:
    """What a file's, or a profile's, settings would meet."""
    if what != "rfc":
        raise Failure("--config and --profile are for show rfc (see also: config show)", USAGE)
    if file is None:
        return report(configuration.defaults(profile))
    return report(configuration.load(file, profile))


def _rfc_lines(requirements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each requirement; below what is not met, why."""
    for each in requirements:
        mark = click.style("✓", fg="green") if each["met"] else click.style("✗", fg="red")
        yield f"{mark} {each['id']:<18} {each['level']:<11}  {clean(each['title'])}"
        if not each["met"]:
            yield f"{'':4}because {clean(each['why'], LONGEST_REASON)}"
    met = sum(bool(each["met"]) for each in requirements)
    narrate(f"{met} of {len(requirements)} are met; tests and reasons of each: --json")


def _shown(what: str, answer: Any) -> list[str]:
    if isinstance(answer, list):
        rows: list[Mapping[str, object]] = [_row(row) for row in answer]
        columns = COLUMNS.get(what) or {key: key.upper() for row in rows[:1] for key in row}
        if not rows:
            narrate(f"no {what}")
            return []
        return list(table(rows, columns))
    if what == "settings":
        return _settings_lines(answer)
    return [f"{key} = {clean(str(value))}" for key, value in _flat(answer)]


def _row(row: Mapping[str, Any]) -> dict[str, object]:
    """A row with its countdown as a person reads it: tenths only where they matter."""
    left = row.get("expires_in")
    if not isinstance(left, int | float):
        return dict(row)
    shown = f"{max(left, 0.0):.1f}s" if left < 60 else duration_text(round(left))
    return {**row, "expires_in": shown}


def _settings_lines(answer: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = []
    for key, entry in answer.items():
        line = f"{key} = {_value_text(key, entry['value'])}"
        lines.append(clean(f"{line:<60} # {entry.get('origin', '')}"))
    return lines


def _flat(answer: Mapping[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = []
    for key, value in answer.items():
        if isinstance(value, Mapping) and value:
            lines += _flat(value, f"{prefix}{clean(key)}.")
        else:
            lines.append((f"{prefix}{clean(key)}", value))
    return lines


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
    with _connect(name, control) as client:
        try:
            answer = client.ask("set", key=key, value=value, who=caller())
        except ClientError as error:
            named = str(error).startswith(f"{key}: ")  # what contradicts another key names its own
            raise Failure(str(error) if named else f"{key}: {error}", error.exit_code) from None
    if as_json:
        emit_json(answer)
    else:
        narrate(f"{answer['key']} is {_value_text(answer['key'], answer['value'])} now")
    if key in SETTINGS:
        changed = Settings()
        changed.assign(key, answer["value"], "set")
        warn(changed, key)


def _value_text(key: str, value: object) -> str:
    """The value as a configuration would have it; one that lies in a table as it came."""
    if key in SETTINGS:
        return clean(configuration.setting_text(SETTINGS[key], value))
    return json.dumps(value)


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
    """Forget flows, and say how many.

    \b
    Examples:
      glassnat flush
      glassnat flush --protocol udp --internal 192.168.20.100:5060
    """
    filters = {"protocol": protocol, "internal": internal, "external": external}
    try:
        wanted("flows", {key: value for key, value in filters.items() if value is not None})
    except ValueError as error:
        raise Failure(_as_option(error), USAGE) from None
    with _connect(name, control) as client:
        answer = client.ask("flush", **filters)
    if as_json:
        emit_json(answer)
    else:
        count = answer["flushed"]
        emit(f"{count} flow{'' if count == 1 else 's'} forgotten")


@click.command(cls=Command, short_help="The events of a running appliance.")
@click.option(
    "--since",
    metavar="ID",
    type=int,
    help="Begin with the event after this one; 0: all that is remembered.",
)
@click.option(
    "--points",
    is_flag=True,
    help="Packets too: as they arrived, went into translation, came out of it, and left.",
)
@APPLIANCE_OPTIONS
@JSON_OPTION
def watch(
    since: int | None, points: bool, name: str | None, control: str | None, as_json: bool
) -> None:
    """Tell the events of a running appliance as they happen, until Ctrl-C.

    One sentence an event; with --json, one JSON object a line.

    \b
    Examples:
      glassnat watch
      glassnat watch --points          what becomes of each packet, and where
      glassnat watch --json --since 0 > events.jsonl
    """
    teller = Teller()
    with _connect(name, control) as client:
        for line in client.events(since, points):
            if as_json:
                emit(line.decode("ascii"))
                continue
            for sentence in teller.tell(decode(line)):
                emit(sentence)
    narrate("the appliance has ended")
