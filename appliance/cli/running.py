"""`glassnat run` and `attach`: the appliance on real wires, and its screen."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from alg.registry import SpecError
from appliance.cli.base import (
    ASCII_OPTION,
    CONTROL_OPTION,
    USAGE,
    Chosen,
    Command,
    Failure,
    narrate,
    on_terminal,
    setting_options,
    speed_option,
)
from appliance.cli.configuration import warn
from appliance.cli.connection import socket_of
from appliance.cli.control_mode import CONTROL_MODE_OPTION
from appliance.cli.words import appliances, offer
from appliance.control.client import Client, to_look
from appliance.control.listener import ControlMode, ensure_free
from appliance.control.paths import default_path
from appliance.settings import files as configuration
from appliance.settings.table import Settings

START_PATIENCE = 10.0
"""Seconds that an appliance may take to open its control socket."""
START_LOOK = 0.05
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, linux/prctl.h


@click.command(cls=Command, short_help="Run the appliance on two TUN devices.")
@click.option("--config", "file", metavar="FILE", required=True, help="The configuration (TOML).")
@CONTROL_OPTION
@CONTROL_MODE_OPTION
@click.option("--tui", is_flag=True, help="Draw the screen as well.")
@speed_option("So many seconds pass for its timers in one: a minute shows five, with 5.")
@ASCII_OPTION
@setting_options
def run(
    file: str,
    control: str | None,
    control_mode: ControlMode,
    tui: bool,
    speed: float,
    chosen: Chosen,
) -> int:
    """Run the appliance on two TUN devices, in the foreground, until Ctrl-C.

    Needs root or CAP_NET_ADMIN to open the devices. After that it goes on without privileges, as
    the user who called sudo, or as nobody.

    \b
    Examples:
      glassnat config init > lab.toml
      sudo glassnat run --config lab.toml
      sudo glassnat run --config lab.toml --control-mode group
      sudo glassnat run --config lab.toml --alg sip --set nat.timeouts.udp=30s
    """
    settings = configuration.load(file, chosen.profile, chosen.all_sets)
    path = Path(control) if control is not None else default_path(settings["name"])
    ensure_free(path)
    if tui:
        return _run_with_screen(path)
    warn(settings)
    return carry(settings, path, control_mode, speed=speed)


def carry(
    settings: Settings,
    path: Path,
    control_mode: ControlMode,
    when_ready: Callable[[], None] = lambda: None,
    speed: float = 1.0,
) -> int:
    """Be the appliance; answers its exit code."""
    from appliance.loop import run as run_loop  # needs Linux; the other commands do not

    try:
        return run_loop(settings, path, control_mode, when_ready, speed)
    except SpecError as error:
        raise Failure(f"{error} (see: glassnat alg list)", USAGE) from None


def _run_with_screen(path: Path) -> int:
    """The appliance in a process of its own, so that drawing never delays a packet."""
    _need_terminal("run without --tui, or look on with: glassnat watch")
    arguments = [word for word in sys.argv[1:] if word != "--tui"]
    with tempfile.TemporaryFile("w+") as narration:
        appliance = subprocess.Popen(
            [sys.executable, "-m", "appliance.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=narration,
            stderr=narration,
            start_new_session=True,  # Ctrl-C is for the screen
            preexec_fn=_end_with_the_screen,
        )
        drawn = 0
        try:
            if _has_started(appliance, path):
                drawn = _draw(path, read_only=False)
        finally:
            appliance.terminate()
            code = appliance.wait()
            narration.seek(0)
            narrate(narration.read().rstrip("\n"))
    return max(code, 0) or drawn


def _end_with_the_screen() -> None:
    """Whatever becomes of the screen, a closed terminal or `kill -9`, no appliance is left behind
    that nobody sees."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _has_started(appliance: subprocess.Popen[bytes], path: Path) -> bool:
    """Wait for the control socket; False when the appliance ends before, or takes too long."""
    for _ in range(round(START_PATIENCE / START_LOOK)):
        if path.is_socket():
            return True
        try:
            appliance.wait(START_LOOK)
        except subprocess.TimeoutExpired:
            continue
        return False
    return False


@click.command(cls=Command, short_help="The screen of a running appliance.")
@click.argument("name", required=False, shell_complete=offer(appliances))
@CONTROL_OPTION
@click.option("--read-only", is_flag=True, help="Look, but change nothing.")
@ASCII_OPTION
def attach(name: str | None, control: str | None, read_only: bool) -> int:
    """Draw the screen of a running appliance; `q` leaves it running.

    Whoever may not change anything may yet look, with --read-only.
    """
    path = socket_of(name, control)
    if read_only:
        path = to_look(path)
    _need_terminal("use: glassnat watch")
    with Client(path) as client:
        hello = client.ask("hello")
    return _draw(path, read_only or hello.get("read_only", False))


def _draw(path: Path, read_only: bool) -> int:
    from tui.ways_in import run_attached  # Textual is for drawing only

    return run_attached(str(path), read_only)


def _need_terminal(instead: str) -> None:
    if not on_terminal():
        raise Failure(f"this needs a terminal; {instead}", USAGE)
