"""`glassnat capture start|stop|status`: the packets of a running appliance, for Wireshark."""

from __future__ import annotations

import os
from pathlib import Path

import click

from appliance.cli.base import (
    JSON_OPTION,
    USAGE,
    WRONG_STATE,
    Command,
    Failure,
    Group,
    emit,
    emit_json,
    narrate,
)
from appliance.cli.connection import APPLIANCE_OPTIONS, connect, connect_to_look
from appliance.cli.streams import STANDARD
from appliance.control.behind import stay_behind
from appliance.control.client import Client
from appliance.control.writer import begin, heading_of, open_file, write
from appliance.journal.capturefile import CaptureFile
from appliance.journal.plain import clean
from appliance.settings.hints import counted

STANDARD_OUTPUT = "/dev/stdout"


@click.group(cls=Group, short_help="A live capture of both wires.")
def capture() -> None:
    """Write every packet of a running appliance to a pcapng file: two interfaces, inside and
    outside, and at packets the reason for what became of them.

    The file is opened by you, with your rights, and written by a process of yours. What that
    process cannot keep up with is counted, and never waited for.
    """


@capture.command(cls=Command, short_help="Begin; FILE may be - for a pipe.")
@click.argument("file", type=click.Path())
@APPLIANCE_OPTIONS
def start(file: str, name: str | None, control: str | None) -> None:
    """Begin to write every packet to FILE, and return. With `-` packets go to the standard output
    until Ctrl-C.

    How long a file may become, and of how many of them the oldest go, are the settings
    capture.bytes and capture.files.

    \b
    Examples:
      glassnat capture start call.pcapng
      glassnat capture stop
      glassnat capture start - | wireshark -k -i -
    """
    to_pipe = file == "-"
    with connect(name, control) as client:
        status = client.ask("capture")
        if status["file"]:
            said = f"{status['file']} is being written; end it with: glassnat capture stop"
            raise Failure(clean(said, 1000), WRONG_STATE)
        path = STANDARD_OUTPUT if to_pipe else Path(file).absolute()
        try:
            opened = open_file(path, heading_of(status), narrate)
        except OSError as error:
            raise Failure(f"{clean(file)}: {error.strerror or error}", USAGE) from None
        begin(client, opened)
        if to_pipe:
            write(client, opened)
            return
        stay_behind(lambda: _write_unseen(client, opened), (client.fileno(), opened.fileno()))
        opened.let_go()
        narrate(f"every packet is written to {clean(str(path), 1000)}")


def _write_unseen(client: Client, file: CaptureFile) -> None:
    """In a process that stays behind. What it has to say is an event of the appliance."""
    for _ in STANDARD:
        os.open(os.devnull, os.O_RDWR)
    write(client, file)


@capture.command(cls=Command, short_help="End; returns when the file is whole.")
@APPLIANCE_OPTIONS
@JSON_OPTION
def stop(name: str | None, control: str | None, as_json: bool) -> None:
    """End the capture, and return when its file is whole."""
    with connect(name, control) as client:
        if not client.ask("capture")["file"]:
            raise Failure(NOTHING, WRONG_STATE)
        _tell(client.ask("capture", stop=True), as_json, "")


NOTHING = "there is no capture; begin one with: glassnat capture start FILE"


@capture.command(cls=Command, short_help="Is there one, and how many packets?")
@APPLIANCE_OPTIONS
@JSON_OPTION
def status(name: str | None, control: str | None, as_json: bool) -> None:
    """Say what is being written, how many packets it has, and for how many there was no time."""
    with connect_to_look(name, control) as client:
        _tell(client.ask("capture"), as_json, "no capture")


def _tell(status: dict[str, object], as_json: bool, nothing: str) -> None:
    if as_json:
        emit_json({key: status[key] for key in ("file", "packets", "lost")})
    elif status["file"] is None:
        emit(nothing)
    else:
        lost = f", {status['lost']} could not be kept" if status["lost"] else ""
        packets = counted(int(str(status["packets"])), "packet")
        emit(clean(f"{status['file']}: {packets}{lost}", 1000))
