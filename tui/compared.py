"""Two runs of a story: both once more, up to where they part, and then to the end.

The first packet that differs says where, and what both told from there on says what came of it.
"""

from __future__ import annotations

from appliance.journal.events import Started
from appliance.journal.log import EventLog
from appliance.journal.sentences import Teller
from appliance.sim.difference import first_difference
from tui.draw.beside import Compared, Said
from tui.look import Run
from tui.timing import is_news


def compared(one: Run, other: Run) -> Compared:
    """Play both. Takes as long as two whole runs, so ask in a thread. Both must be such as can be
    played again."""
    assert one.again is not None
    assert other.again is not None
    here, there = one.again(), other.again()
    found = first_difference(here, there)
    here.run()
    there.run()
    return Compared((one, other), found, (_said(here.log), _said(there.log)))


def _said(log: EventLog) -> list[Said]:
    teller, said = Teller(), []
    for event in log.since(0):
        lines = teller.say(event)
        if lines and is_news(event) and not isinstance(event, Started):
            said.append(Said(event.t, lines[0]))
    return said
