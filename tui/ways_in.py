"""The ways in: each opens the screen on one kind of news, and ends with the exit code.

What knows the engine is loaded in each of them, and not with this file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from appliance.journal.events import Event
from appliance.sim.scenario import Scenario
from tui.app import GlassnatApp
from tui.coming import Arrived, Coming

if TYPE_CHECKING:  # they know the engine
    from tui.replaying import Replayed
    from tui.simulated import Factory


def run_simulation(
    load: Callable[[], Factory], speed: float = 1.0, announced: Scenario | None = None
) -> int:
    """Open the screen on a simulation, whose clock stands until somebody lets it run. `load`
    answers what makes it, which is called again for every run. The story stands on the screen as it
    is `announced` before that; with None it is loaded first, and what is wrong with it said.
    Answers the exit code."""

    def arrive() -> Arrived:
        from tui.knobs import alg_choices
        from tui.simulated import SimulationFeed

        return SimulationFeed(load(), speed), alg_choices()

    if announced is None:
        return _run(GlassnatApp(*arrive(), paused=True))
    return _run(GlassnatApp(Coming(announced, arrive), (), paused=True))


def run_attached(socket_path: str, read_only: bool = False) -> int:
    """Open the screen on the running appliance behind a control socket. Answers the exit code."""
    from tui.attached import SocketFeed
    from tui.knobs import alg_choices

    return _run(GlassnatApp(SocketFeed(socket_path, read_only), alg_choices()))


def run_recording(events: Sequence[Event]) -> int:
    """Open the screen on what was recorded, whose clock stands until somebody lets it run. Answers
    the exit code."""
    from tui.knobs import alg_choices
    from tui.recording import RecordingFeed

    return _run(GlassnatApp(RecordingFeed(events), alg_choices(), paused=True))


def run_replay(replayed: Replayed) -> int:
    """The same for captured packets, replayed anew whenever a setting is turned."""
    from tui.knobs import alg_choices
    from tui.replaying import ReplayFeed

    return _run(GlassnatApp(ReplayFeed(replayed), alg_choices(), paused=True))


def _run(app: GlassnatApp) -> int:
    app.run()
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0
