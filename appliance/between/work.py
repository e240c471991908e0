"""Doing what a plan says, and undoing it: each command is written down, said, and run."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.between import undo
from appliance.between.record import Record
from appliance.between.step import Step
from appliance.between.undo import Echo
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


def take_down(record: Record, echo: Echo) -> list[str]:
    """Remove all that is written down, the last first, and then the record. Answers a sentence for
    each thing that could not be removed: then the record stays, and this can be tried again."""
    failures = []
    for trace in reversed(record.traces()):
        try:
            undo.remove(trace, echo)
        except CommandError as error:
            failures.append(str(error))
    if failures:
        record.close()
    else:
        record.end()
    return failures
