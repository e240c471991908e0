"""How a command finds the appliance that it talks to: by name, by socket, or the only one."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.base import CONTROL_OPTION, options
from appliance.cli.words import appliances, offer
from appliance.control.client import NOT_PERMITTED, Client, ClientError, find, to_look

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
    return Client(socket_of(name, control))


def connect_to_look(name: str | None, control: str | None) -> Client:
    """The same for commands that only ask: who may not change anything may yet look. Raises
    ClientError."""
    path = socket_of(name, control)
    try:
        return Client(path)
    except ClientError as error:
        if error.exit_code != NOT_PERMITTED:
            raise
        return Client(to_look(path))


def socket_of(name: str | None, control: str | None) -> Path:
    """The control socket that is meant. Raises ClientError."""
    return Path(control) if control is not None else find(name)


def as_option(error: ValueError) -> str:
    """What is wrong with a filter, named as it was typed."""
    sentence = str(error)
    return sentence if sentence.startswith("show ") else f"--{sentence}"
