"""`glassnat up`, `down` and `status`: an appliance between two bridges, and nothing left of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from appliance.between import record as records
from appliance.between import undo, wishes, work
from appliance.between.background import Background
from appliance.between.bridges import Laptop
from appliance.between.plan import Plan
from appliance.between.record import Facts, Record
from appliance.between.step import Trace
from appliance.cli.base import (
    IMPOSSIBLE,
    JSON_OPTION,
    USAGE,
    Chosen,
    Command,
    Failure,
    OneOf,
    emit,
    narrate,
    setting_options,
)
from appliance.cli.configuration import warn
from appliance.cli.doctor import OK, bridged_frames, found_at, program
from appliance.cli.endpoints import AddressType, InterfaceType
from appliance.cli.running import carry
from appliance.cli.tables import emit_rows
from appliance.cli.words import appliances_up, offer
from appliance.control.listener import CONTROL_MODES, ControlMode, ensure_free
from appliance.control.paths import default_path
from appliance.settings import files as configuration
from appliance.settings.hints import nearest

TIDY_UP_INCOMPLETE = 5
UP, STALE = "up", "stale"


@click.command(cls=Command, short_help="The appliance between the bridges of virtual machines.")
@click.argument("name", required=False)
@click.option("--inside", "inside", metavar="BRIDGE", required=True, help="The phones' bridge.")
@click.option("--outside", "outside", metavar="BRIDGE", required=True, help="The world's bridge.")
@click.option(
    "--gateway",
    type=InterfaceType(),
    metavar="ADDRESS/PREFIX",
    help="What inside hosts have as their gateway; by default 192.168.20.1/24.",
)
@click.option(
    "--external",
    "externals",
    type=InterfaceType(),
    multiple=True,
    metavar="ADDRESS/PREFIX",
    help="What the outside sees; by default 203.0.113.1/24. Several are fine.",
)
@click.option("--dhcp", is_flag=True, help="Give inside machines their addresses (dnsmasq).")
@click.option(
    "--dns",
    "name_server",
    type=AddressType(),
    metavar="ADDRESS",
    help="The name server that --dhcp tells of.",
)
@click.option(
    "--one-port-one-address",
    is_flag=True,
    help="An inside address belongs to the card that used it first; drop it from any other.",
)
@click.option(
    "--uplink",
    metavar="BRIDGE",
    help="A bridge by which the outside reaches this machine's own network (double NAT).",
)
@click.option(
    "--uplink-address",
    type=InterfaceType(),
    metavar="ADDRESS/PREFIX",
    help="An address that is free on that bridge.",
)
@click.option("--config", "file", metavar="FILE", help="Settings (TOML); the wires are up's own.")
@click.option(
    "--control-mode",
    type=OneOf("control mode", CONTROL_MODES),
    default="owner",
    metavar="MODE",
    help="Who may change settings: owner (and the group may look) or group (and all may look).",
)
@click.option("--dry-run", is_flag=True, help="Print the commands, and do nothing.")
@setting_options
def up(
    name: str | None,
    file: str | None,
    control_mode: ControlMode,
    dry_run: bool,
    chosen: Chosen,
    **given: Any,
) -> int:
    """Put the appliance NAME between two bridges; it runs on in the background.

    Returns once packets flow. Each step is said as the command that it is; all of them act in two
    namespaces of their own, but for one port on each bridge. The machine itself is not changed.

    \b
    Examples:
      sudo glassnat up --inside virbr1 --outside virbr2
      sudo glassnat up classroom --inside virbr1 --outside virbr2 --alg sip
      sudo glassnat up --inside virbr1 --outside virbr2 --gateway 10.0.0.1/24 --dhcp
      glassnat up --inside virbr1 --outside virbr2 --dry-run
      glassnat attach classroom
      sudo glassnat down classroom
    """
    wished = wishes.Wishes(**given)
    settings = wishes.settings(wished, name, file, chosen.profile, chosen.all_sets)
    leases = default_path(settings["name"]).with_suffix(".leases")
    plan = wishes.plan(wished, settings, Laptop.here(), str(leases))
    control = default_path(plan.name)
    if dry_run:
        for step in plan.steps():
            emit(_said(step.command))
        emit(_said(_run_command(plan.name, control)))
        return 0
    _need_programs(wished)
    _need_root(f"up {plan.name}")
    warn(settings)
    _warn_of_firewall()
    background = _make(plan, control)
    if background.is_copy:
        return carry(settings, control, control_mode, background.is_ready)
    narrate(
        f"{plan.name} is up: {wished.inside} inside, {wished.outside} outside; "
        f"see it: glassnat attach {plan.name}, end it: sudo glassnat down {plan.name}"
    )
    return 0


def _need_programs(wished: wishes.Wishes) -> None:
    """Raises Failure that says what to install."""
    missing = [each for each in wished.programs() if found_at(each[0]) is None]
    if missing:
        programs = ", ".join(program for program, _ in missing)
        packages = " ".join(package for _, package in missing)
        hint = "; without --dhcp, docs/between-vms.md says what to type" if wished.dhcp else ""
        raise Failure(f"not installed: {programs}; sudo apt install {packages}{hint}", IMPOSSIBLE)


def _warn_of_firewall() -> None:
    found = bridged_frames()
    if found.state != OK:
        narrate(f"note: bridged frames: {found.detail}; {found.remedy}")


def _make(plan: Plan, control: Path) -> Background:
    """All of it, or nothing: what fails, or is interrupted, is taken down again. Answers twice: to
    who started it, and to the copy that is to carry packets."""
    facts = Facts(plan.name, plan.inside.bridge.name, plan.outside.bridge.name, str(control))
    record = Record.begin(facts)
    try:
        ensure_free(control)
        work.make(plan.steps(), record, _echo)
        written = control.with_suffix(".toml")
        log = control.with_suffix(".log")
        record.expect(*(Trace("file", str(each)) for each in (written, log)))
        written.write_text(configuration.effective(plan.settings))
        record.expect(Trace("sockets", str(control)))
        _echo(_run_command(plan.name, control))
        background = Background(log)
        if not background.is_copy:
            background.wait()
    except BaseException as error:
        _give_up(record, error)
        raise
    if background.is_copy:
        background.settle(record)
    record.close()
    return background


def _give_up(record: Record, error: BaseException) -> None:
    """Raises Failure when something is left."""
    failures = work.take_down(record, _echo)
    if failures:
        raise Failure(_incomplete(record.path.stem, [str(error), *failures]), TIDY_UP_INCOMPLETE)


def _incomplete(name: str, failures: Sequence[str]) -> str:
    reasons = "\n".join(failures)
    return f"not all of {name} is gone; try again: sudo {program()} down {name}\n{reasons}"


def _run_command(name: str, control: Path) -> tuple[str, ...]:
    """What the background process is: not a new program, but this one going on."""
    written = control.with_suffix(".toml")
    return ("glassnat", "run", "--config", str(written), "--control", str(control))


def _said(command: Sequence[str]) -> str:
    return f"[#] {shlex.join(command)}"


def _echo(command: Sequence[str]) -> None:
    narrate(_said(command))


def _need_root(arguments: str) -> None:
    """Raises Failure."""
    if os.geteuid() != 0:
        raise Failure(
            f"namespaces and devices are root's to make: sudo {program()} {arguments}", IMPOSSIBLE
        )


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
    _need_root(f"down {name or '--all'}")
    failures = [each for known in names if (each := _take_down(known))]
    if failures:
        raise Failure("\n".join(failures), TIDY_UP_INCOMPLETE)
    return 0


def _take_down(name: str) -> str:
    """A sentence when something is left, else nothing."""
    record = Record.open(name)
    if record is None:
        narrate(f"{name} is not up{nearest(name, records.names())}")
        return ""
    failures = work.take_down(record, _echo)
    return _incomplete(name, failures) if failures else ""


@click.command(cls=Command, short_help="The appliances that `up` has started.")
@JSON_OPTION
def status(as_json: bool) -> None:
    """What `up` has made: which appliances run, and which have ended but are not tidied up yet.

    \b
    Examples:
      glassnat status
      glassnat status --json
    """
    rows = [_row(name) for name in records.names()]
    columns = {"name": "NAME", "state": "STATE", "pid": "PID", "inside": "INSIDE",
               "outside": "OUTSIDE", "control": "CONTROL"}  # fmt: skip
    emit_rows(rows, columns, as_json)
    for row in rows:
        if row["state"] == STALE:
            narrate(f"{row['name']} has ended; tidy up: sudo {program()} down {row['name']}")


def _row(name: str) -> dict[str, Any]:
    facts, traces = records.read(name)
    process = next((trace for trace in traces if trace.kind == "process"), None)
    is_up = process is not None and undo.is_alive(process)
    return {
        "name": name,
        "pid": int(process.name) if process else None,
        "control": facts.control,
        "inside": facts.inside,
        "outside": facts.outside,
        "state": UP if is_up else STALE,
    }
