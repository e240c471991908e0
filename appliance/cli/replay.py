"""`glassnat replay`: captured packets through a NAT and an ALG of your choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from alg.registry import SpecError
from appliance.cli.base import (
    ASCII_OPTION,
    JSON_OPTION,
    USAGE,
    Chosen,
    Command,
    Failure,
    emit,
    narrate,
    on_terminal,
    setting_options,
)
from appliance.cli.files import Files, file_options
from appliance.forensics import recordings
from appliance.forensics.messages.capture import is_capture
from appliance.forensics.replaying import EXTERNAL, Replay, Tape, Turn, networks_of, read
from appliance.journal.events import Event, encode
from appliance.journal.plain import clean
from appliance.journal.sentences import Teller
from appliance.settings import files as configuration
from appliance.settings.hints import counted
from appliance.settings.table import Settings


@click.command(cls=Command, short_help="A capture through a NAT of your choice, or a recording.")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--interface", default="", metavar="NAME", help="Of a pcapng: only this one.")
@click.option("--plain", is_flag=True, help="Sentences instead of a screen.")
@click.option("--points", is_flag=True, help="Packets too, at the four points of their way.")
@click.option("--seed", type=int, default=0, help="For random ports.")
@JSON_OPTION
@setting_options
@file_options
@ASCII_OPTION
def replay(
    file: str,
    interface: str,
    plain: bool,
    points: bool,
    seed: int,
    as_json: bool,
    chosen: Chosen,
    files: Files,
) -> int:
    """Send the packets of FILE, captured on the inside, through a NAT, each at its time: what would
    have become of them here? A recording (--record) is shown on the screen, forth and back.

    Packets from inside hosts go in as they are. Packets to them are taken for answers, which come
    in from outside at the endpoint that this NAT has given to the host. Inside are the private
    addresses that packets come from, unless --set inside.networks names others.

    \b
    Examples:
      glassnat replay phone.pcap             on the screen; a chooses another ALG
      glassnat replay phone.pcap --alg sip-poor:no-sdp --set nat.timeouts.udp=30s
      glassnat replay phone.pcap --alg sip --capture both.pcapng
      glassnat replay run.jsonl              what `sim --record run.jsonl` has recorded
    """
    drawn = on_terminal() and not (plain or points or as_json)
    if _is_recording(file):
        return _look_back(file, drawn, as_json)
    tape = _tape(file, interface)
    settings = _settings(tape, chosen)
    try:
        run = Replay(tape, settings.copy(), seed)
    except SpecError as error:
        raise Failure(f"{error} (see: glassnat alg list)", USAGE) from None
    if drawn:
        return _draw(tape, settings, seed, files)
    files.begin(run)
    try:
        _tell(run, points, as_json)
    finally:
        files.end()
    narrate(_summary(tape, run))
    return 0


def _is_recording(file: str) -> bool:
    """JSON lines, as `--record` writes them."""
    try:
        with Path(file).open("rb") as stream:
            return stream.read(1) == b"{"
    except OSError:
        return False  # told when it is read as a capture


def _draw(tape: Tape, settings: Settings, seed: int, files: Files) -> int:
    """The replay on the screen; each time that a setting is turned it is replayed anew."""
    from tui.ways_in import run_replay  # Textual is for drawing only

    def replayed(turned: Mapping[str, Any], turns: Sequence[Turn]) -> list[Event]:
        at_first = settings.copy()
        for key, value in turned.items():
            at_first.change(key, value, "set")
        run = Replay(tape, at_first, seed, turns)
        events = list(run.log.since(0))
        run.log.subscribe(events.append)
        files.begin(run)
        try:
            run.run()
        finally:
            files.end()
        return events

    return run_replay(replayed)


def _look_back(file: str, drawn: bool, as_json: bool) -> int:
    """A recording on the screen, or as text."""
    try:
        recording = recordings.read(file)
    except (OSError, recordings.RecordingUnreadable) as error:
        raise Failure(f"{clean(file)}: {clean(str(error), 1000)}", USAGE) from None
    if recording.note:
        narrate(f"{clean(file)}: {recording.note}")
    if drawn:
        from tui.ways_in import run_recording  # Textual is for drawing only

        return run_recording(recording.events)
    teller = Teller(brief=True)
    for event in recording.events:
        if as_json:
            emit(encode(event).decode("ascii"))
        else:
            for line in teller.tell(event):
                emit(line)
    for line in teller.rest():
        emit(line)
    return 0


def _tape(file: str, interface: str) -> Tape:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"{clean(file)}: {error.strerror or error}", USAGE) from None
    if not is_capture(data):
        raise Failure(f"{clean(file)} is no pcap, no pcapng and no recording", USAGE)
    tape = read(data, interface)
    if not tape.sightings:
        of = f" of {clean(interface)}" if interface else ""
        raise Failure(f"{clean(file)} has no IPv4 packets{of}", USAGE)
    if tape.note:
        narrate(tape.note)
    return tape


def _settings(tape: Tape, chosen: Chosen) -> Settings:
    """Those of the command line, and for the networks what the packets say."""
    networks = networks_of(tape)
    given = {assignment.partition("=")[0].strip() for assignment in chosen.all_sets}
    if not networks and "inside.networks" not in given:
        raise Failure("no packet comes from a private address; name the inside with "
                      "--set inside.networks=…", USAGE)  # fmt: skip
    own: Mapping[str, Any] = {
        "inside": {"networks": networks},
        "outside": {"external": [EXTERNAL]},
    }
    return configuration.for_scenario("replay", own, chosen.profile, chosen.all_sets)


def _tell(run: Replay, points: bool, as_json: bool) -> None:
    teller = Teller(brief=True)

    def tell(event: Event) -> None:
        if as_json:
            emit(encode(event).decode("ascii"))
            return
        for line in teller.tell(event):
            emit(line)

    for event in run.log.since(0):
        tell(event)
    run.log.subscribe(tell)
    if points:
        run.engine.points.begin(tell)
    run.run()
    for line in teller.rest():
        emit(line)


def _summary(tape: Tape, run: Replay) -> str:
    said = [f"{counted(len(tape.sightings), 'packet')} replayed, {run.sent} left"]
    if run.unmapped:
        said.append(f"{run.unmapped} were for hosts that had no mapping")
    if run.passed:
        said.append(f"{run.passed} were between inside hosts")
    return ", ".join(said)
