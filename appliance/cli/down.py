"""`glassnat down` and `status`: what `up` has made goes away again, by its name."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import Any

import click

from appliance.cli.base import (
    IMPOSSIBLE,
    JSON_OPTION,
    USAGE,
    WRONG_STATE,
    Command,
    Failure,
    narrate,
)
from appliance.cli.doctor import program
from appliance.cli.words import appliances_up, offer
from appliance.namespaces.between import pinning, undo
from appliance.namespaces.between import record as records
from appliance.namespaces.between.record import Record
from appliance.namespaces.lab import own
from appliance.settings.hints import counted, nearest

TIDY_UP_INCOMPLETE = 5
UP, STALE = "up", "stale"


@click.command(cls=Command, short_help="All that `up` made is gone.")
@click.argument("name", required=False, shell_complete=offer(appliances_up))
@click.option("--all", "every", is_flag=True, help="All appliances that `up` has started.")
def down(name: str | None, every: bool) -> int:
    """End the appliance NAME, and remove all that `up` has made for it.

    By its name alone: neither the configuration nor the appliance itself is needed, and it does not
    matter how that ended. Without NAME, the only one there is.

    \b
    Examples:
      sudo glassnat down
      sudo glassnat down classroom
      sudo glassnat down --all
    """
    if every and name is not None:
        raise Failure("--all and a name exclude each other", USAGE)
    names = [name] if name is not None else records.names()
    if len(names) > 1 and not every:
        raise Failure(f"several are up: {', '.join(names)}; say which, or --all", USAGE)
    if not names:
        narrate("nothing is up")
        return 0
    mine = "" if os.geteuid() == 0 else next(filter(own.is_known, names), "")
    if mine:
        raise Failure(f"{mine} is a lab of your own: {program()} lab down {mine}", WRONG_STATE)
    need_root(f"down {name or '--all'}")
    failures = [each for known in names if (each := _take_down(known))]
    if failures:
        raise Failure("\n".join(failures), TIDY_UP_INCOMPLETE)
    return 0


def _take_down(name: str) -> str:
    """A sentence when something is left, else nothing."""
    record = Record.open(name)
    if record is None:
        from appliance.control.client import running  # who is up does not wait for it

        if name in running():
            sentence = f"{name} was started by `glassnat run`; end it where it runs, with Ctrl-C"
            raise Failure(sentence, WRONG_STATE)
        narrate(f"{name} is not up{nearest(name, records.names())}")
        return ""
    failures = undo.take_down(record, echo)
    return incomplete(name, failures) if failures else ""


@click.command(cls=Command, short_help="The appliances that `up` has started.")
@JSON_OPTION
def status(as_json: bool) -> None:
    """What `up` has made: which appliances run, and which have ended but are not tidied up yet.

    As root, also how many frames `--one-port-one-address` has dropped.

    \b
    Examples:
      glassnat status
      glassnat status --json
    """
    from appliance.cli.tables import emit_rows  # `down` has no table, and is to be quick

    rows = [row_of(name) for name in records.names()]
    columns = {"name": "NAME", "state": "STATE", "pid": "PID", "inside": "INSIDE",
               "outside": "OUTSIDE", "control": "CONTROL"}  # fmt: skip
    emit_rows(rows, columns, as_json)
    for row in rows:
        if row["state"] == STALE:
            is_own = own.is_known(row["name"])
            command = f"{program()} lab down" if is_own else f"sudo {program()} down"
            narrate(f"{row['name']} has ended; tidy up: {command} {row['name']}")
        if row.get("impostors"):
            frames = counted(row["impostors"], "frame")
            narrate(f"{row['name']}: {frames} dropped that came with another machine's address")


def row_of(name: str) -> dict[str, Any]:
    """What is told of an appliance that has a record."""
    facts, traces = records.read(name)
    process = next((trace for trace in traces if trace.kind == "process"), None)
    is_up = process is not None and undo.is_alive(process)
    rooms = [trace.name for trace in traces if trace.kind == "namespace"]
    may_look = is_up and os.geteuid() == 0
    dropped = [frames for room in rooms if may_look and (frames := pinning.dropped(room))]
    return {
        **({"impostors": sum(dropped)} if dropped else {}),
        "name": name,
        "pid": int(process.name) if process else None,
        "control": facts.control,
        "inside": facts.inside,
        "outside": facts.outside,
        "state": UP if is_up else STALE,
    }


def incomplete(name: str, failures: Sequence[str]) -> str:
    """What is said when something is left."""
    reasons = "\n".join(failures)
    return f"not all of {name} is gone; try again: sudo {program()} down {name}\n{reasons}"


def said(command: Sequence[str]) -> str:
    """A step as it is told."""
    return f"[#] {shlex.join(command)}"


def echo(command: Sequence[str]) -> None:
    """Tell of a step before it is done."""
    narrate(said(command))


def need_root(arguments: str) -> None:
    """Raises Failure with the command to type."""
    if os.geteuid() != 0:
        raise Failure(
            f"only root can make namespaces and devices: sudo {program()} {arguments}", IMPOSSIBLE
        )
