"""`glassnat set outside.external`, when the appliance stands between bridges."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from appliance.cli.base import IMPOSSIBLE, Failure
from appliance.cli.doctor import program
from appliance.cli.down import echo
from appliance.namespaces.between import record as records
from appliance.namespaces.between import renumber
from appliance.wires import netns
from nat.endpoint import parse_address


def made_by_up(control: Path) -> str:
    """The name of the appliance at this socket if its namespaces have to follow the setting, else
    nothing. Raises Failure when this user may not do that."""
    name = next((each for each in records.names() if _is_at(each, control)), "")
    if name and os.geteuid() != 0:
        raise Failure(
            f"{name} stands between bridges, so only root can change its addresses: "
            f"sudo {program()} set outside.external …",
            IMPOSSIBLE,
        )
    return name


def follow(name: str, externals: Sequence[str]) -> None:
    """Have the outside namespace answer for these addresses. Raises CommandError."""
    wanted = [parse_address(each) for each in externals]
    for step in renumber.steps(name, renumber.present(name), wanted):
        echo(step.command)
        netns.run(step.command)


def _is_at(name: str, control: Path) -> bool:
    """(What the lab makes has no ports.)"""
    facts, traces = records.read(name)
    return facts.control == str(control) and any(each.kind == "port" for each in traces)
