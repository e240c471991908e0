"""How a command finds the appliance that it talks to: by name, by socket, or the only one."""

from __future__ import annotations

import click

from appliance.cli.base import CONTROL_OPTION, options
from appliance.cli.words import appliances, offer
from appliance.control.client import Client, find

APPLIANCE_OPTIONS = options(
    click.option(
        "--name",
        metavar="NAME",
        shell_complete=offer(appliances),
        help="The appliance, when several are running.",
    ),
    CONTROL_OPTION,
)


def connect(name: str | None, control: str | None) -> Client:
    """A connection to be used in a `with` statement. Raises ClientError."""
    return Client(control if control is not None else find(name))


def as_option(error: ValueError) -> str:
    """What is wrong with a filter, named as it was typed."""
    sentence = str(error)
    return sentence if sentence.startswith("show ") else f"--{sentence}"
