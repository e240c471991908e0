"""`glassnat up`: an appliance between two bridges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from appliance.cli.base import (
    IMPOSSIBLE,
    NO,
    USAGE,
    Chosen,
    Command,
    Failure,
    emit,
    narrate,
    setting_options,
)
from appliance.cli.configuration import warn
from appliance.cli.control_mode import CONTROL_MODE_OPTION
from appliance.cli.doctor import OK, bridged_frames, found_at
from appliance.cli.down import TIDY_UP_INCOMPLETE, echo, incomplete, need_root, said
from appliance.cli.endpoints import AddressType, HostType, InterfaceType
from appliance.control.listener import ControlMode, ensure_free
from appliance.control.paths import default_path
from appliance.namespaces.between import record as records
from appliance.namespaces.between import undo, wishes, work
from appliance.namespaces.between.background import Background
from appliance.namespaces.between.bridges import Laptop
from appliance.namespaces.between.plan import Plan, port_of
from appliance.namespaces.between.ports import wait_until_forwarding
from appliance.namespaces.between.record import Facts, Record, Trace
from appliance.settings import files as configuration
from appliance.settings.table import Settings
from nat.endpoint import Side, address_text


@click.command(cls=Command, short_help="The appliance between two bridges.")
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
    help="The name server that --dhcp tells of, and that --names asks.",
)
@click.option("--names", is_flag=True, help="Answer names at the gateway's address.")
@click.option(
    "--host",
    "hosts",
    type=HostType(),
    multiple=True,
    metavar="NAME=ADDRESS",
    help="A name that --names answers by itself. Several are fine.",
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
@CONTROL_MODE_OPTION
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
      sudo glassnat up --inside virbr1 --outside virbr2 --names --host pbx=192.168.20.10
      glassnat up --inside virbr1 --outside virbr2 --dry-run
      glassnat attach classroom
      sudo glassnat down classroom
    """
    wished = wishes.Wishes(**given)
    settings = wishes.settings(wished, name, file, chosen.profile, chosen.all_sets)
    leases = default_path(settings["name"]).with_suffix(".leases")
    plan = wishes.plan(wished, settings, Laptop.here(), str(leases))
    _refuse_shared_addresses(plan)
    control = default_path(plan.name)
    if dry_run:
        for step in plan.steps():
            emit(said(step.command))
        emit(said(_run_command(plan.name, control)))
        return 0
    _need_programs(wished)
    need_root(f"up {plan.name}")
    warn(settings)
    _warn_of_firewall()
    background = _make(plan, control)
    if background.is_copy:
        return _be_the_copy(background, settings, control, control_mode)
    narrate(
        f"{plan.name} is up: {wished.inside} inside, {wished.outside} outside; "
        f"see it: glassnat attach {plan.name}, end it: sudo glassnat down {plan.name}"
    )
    return 0


def _wait_for_bridges(plan: Plan) -> None:
    ports = [port_of(plan.name, side) for side in Side]
    note = "note: a bridge runs STP, and looks at its new port for a while first (30 s by default)"
    if not wait_until_forwarding(ports, lambda: narrate(note)):
        narrate("note: the bridges let nothing through yet; see: bridge link show")


def _refuse_shared_addresses(plan: Plan) -> None:
    """What another appliance has on the same bridge. Raises Failure."""
    ours = {
        (address_text(each.address), side.bridge.name): side.option
        for side in (plan.inside, plan.outside)
        for each in side.addresses
    }
    for other in {*records.names()} - {plan.name}:
        facts, traces = records.read(other)
        for trace in traces if facts.home == records.home() else ():
            option = ours.get((trace.name, trace.detail.partition(" ")[0]))
            if trace.kind == "neighbour" and option is not None:
                raise Failure(
                    f"{option}: {trace.name} is {other}'s on the same bridge; choose another one",
                    USAGE,
                )


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
    inside, outside = plan.inside.bridge.name, plan.outside.bridge.name
    facts = Facts(plan.name, inside, outside, str(control), records.home())
    written, log = control.with_suffix(".toml"), control.with_suffix(".log")
    record = Record.begin(facts)
    background = None
    try:
        ensure_free(control)
        record.expect(*(Trace("file", str(each)) for each in (written, log)))
        record.expect(Trace("sockets", str(control)))
        background = Background(record, log)
        if background.is_copy:
            return background
        written.write_text(configuration.effective(plan.settings))
        work.make(plan.steps(), record, echo)
        echo(_run_command(plan.name, control))
        background.go()
        background.wait()
        _wait_for_bridges(plan)
    except BaseException as error:
        if background is not None:
            background.dismiss()
        _give_up(record, error)
        raise
    record.close()
    return background


def _be_the_copy(
    background: Background, settings: Settings, control: Path, control_mode: ControlMode
) -> int:
    """Read all files of the appliance, which takes as long as the commands do, and carry packets
    when those are done."""
    import appliance.loop  # noqa: F401 (Linux only)
    from appliance.cli.running import carry

    if not background.goes():
        return NO
    return carry(settings, control, control_mode, background.is_ready)


def _give_up(record: Record, error: BaseException) -> None:
    """Raises Failure when something is left."""
    failures = undo.take_down(record, echo)
    if failures:
        raise Failure(incomplete(record.path.stem, [str(error), *failures]), TIDY_UP_INCOMPLETE)


def _run_command(name: str, control: Path) -> tuple[str, ...]:
    """What the background process is: not a new program, but this one going on."""
    written = control.with_suffix(".toml")
    return ("glassnat", "run", "--config", str(written), "--control", str(control))
