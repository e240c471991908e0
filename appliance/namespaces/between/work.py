"""Doing what a plan says: each command is written down, said, and run."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.namespaces.between.record import Record
from appliance.namespaces.between.step import Step
from appliance.namespaces.between.undo import Echo
from appliance.wires import netns
from appliance.wires.netns import CommandError


def make(steps: Sequence[Step], record: Record, echo: Echo) -> None:
    """Raises CommandError at the first step that fails; what was made until then is in the
    record."""
    for step in steps:
        if step.leaves:
            record.expect(*step.leaves)
        echo(step.command)
        try:
            netns.run(step.command, keep=(record.lock,))
        except CommandError:
            if step.leaves:
                record.withdraw()
            raise
