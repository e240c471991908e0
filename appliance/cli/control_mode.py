"""Who may change settings of an appliance that is started: an option of `run` and of `up`."""

from __future__ import annotations

import click

from appliance.cli.base import OneOf
from appliance.control.listener import CONTROL_MODES

CONTROL_MODE_OPTION = click.option(
    "--control-mode",
    type=OneOf("control mode", CONTROL_MODES),
    default="owner",
    metavar="MODE",
    help="Who may change settings: owner (and the group may look) or group (and all may look).",
)
