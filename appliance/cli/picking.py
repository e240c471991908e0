"""`glassnat` alone: what is there to look at? What plays it is loaded once something is chosen."""

from __future__ import annotations

from appliance.control import client
from appliance.sim.scenario import Scenario
from appliance.sim.titles import titles


def pick() -> None:
    """The picker, then the story or the running appliance that was picked."""
    from tui.widgets.picker import run_picker  # Textual is for drawing only

    sockets = client.running()
    chosen = run_picker(titles(), [*sockets], _tell)
    if chosen is None:
        return
    kind, name = chosen
    if kind == "appliance":
        from tui.ways_in import run_attached

        run_attached(str(sockets[name]))
    else:
        from appliance.cli.sim import show

        show(name)


def _tell(name: str) -> Scenario:
    from appliance.sim.stories import load_scenario

    return load_scenario(name)
