"""`glassnat sim` shows a scenario: the screen on a terminal, sentences or JSON otherwise.

On a terminal a story stands on the screen before anything is loaded that plays it (`simulate.py`).
Where the command line turns something, or names a story of somebody's own, there may be a mistake
in that: then all is loaded first, so that the mistake is said before a screen opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from appliance.cli.base import (
    ASCII_OPTION,
    Chosen,
    Command,
    DurationType,
    on_terminal,
    setting_options,
)
from appliance.cli.files import Files, file_options
from appliance.cli.words import offer, scenarios

if TYPE_CHECKING:  # loaded once the story is on the screen
    from appliance.cli.simulate import Runs

FASTEST = "max"
FASTEST_ON_SCREEN = 60.0
"""What `--speed max` is when somebody has to be able to follow."""


class SpeedType(click.ParamType[float | None]):
    """How many times as fast as life; `max` (None) is as fast as the machine can."""

    name = "speed"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value == FASTEST:
            return None
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0.01 <= speed <= 1000:
            self.fail(f"{value!r} is neither a speed such as 1 or 0.5 nor max", param, ctx)
        return speed


@click.command(cls=Command, short_help="Simulate a scenario.")
@click.argument("scenario", shell_complete=offer(scenarios))
@click.option("--plain", is_flag=True, help="Sentences instead of a screen.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line, an outcome at the end."
)
@setting_options
@click.option("--seed", type=int, help="Another seed than the scenario's.")
@click.option(
    "--until", type=DurationType(), metavar="TIME", help="Stop after this much simulated time."
)
@click.option(
    "--speed", type=SpeedType(), metavar="1|max", help="Screen: 1; text: max.", default=None
)
@click.option(
    "--points",
    is_flag=True,
    help="Packets too: as they arrived, went into translation, came out of it, and left.",
)
@file_options
@ASCII_OPTION
def sim(
    scenario: str,
    plain: bool,
    as_json: bool,
    chosen: Chosen,
    seed: int | None,
    until: float | None,
    speed: float | None,
    points: bool,
    files: Files,
) -> int:
    """Simulate SCENARIO under a virtual clock: the screen on a terminal, text otherwise.

    No root, no VM, no network. Exits 0 whatever the outcome: `check` is the command that judges.

    \b
    Examples:
      glassnat sim one-way-audio
      glassnat sim one-way-audio --alg sip --plain
      glassnat sim one-way-audio --alg sip-poor:no-sdp --set nat.timeouts.udp=30s --json
      glassnat sim one-way-audio --points       what becomes of each packet, and where
      glassnat sim one-way-audio --capture call.pcapng
    """
    context = click.get_current_context()
    if plain and as_json:
        raise click.UsageError("--plain and --json exclude each other", context)
    try:
        if on_terminal() and not plain and not as_json and not points:
            asked = context.get_parameter_source("speed") is not click.core.ParameterSource.DEFAULT
            pace = FASTEST_ON_SCREEN if asked and speed is None else speed or 1.0
            return _draw(scenario, chosen, seed, pace, files)
        from appliance.cli.simulate import tell

        tell(scenario, chosen, seed, as_json, until, speed, points, files)
    finally:
        files.end()
    return 0


def show(name: str) -> None:
    """A story on the screen, as it is told."""
    _draw(name, Chosen(), None, 1.0, Files())


def _draw(scenario: str, chosen: Chosen, seed: int | None, speed: float, files: Files) -> int:
    """The run on the screen; answers the exit code. Raises Failure."""

    def load() -> Runs:
        from appliance.cli.simulate import runs

        return runs(scenario, chosen, seed, files)

    from appliance.sim.announced import announced
    from tui.ways_in import run_simulation  # Textual is for drawing only

    nothing_is_turned = chosen == Chosen() and not files.are_wanted
    return run_simulation(load, speed, announced(scenario) if nothing_is_turned else None)
