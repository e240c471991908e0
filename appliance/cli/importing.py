"""`glassnat import`: two captures of somebody's router, and what it did."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path

import click

from alg.registry import APPLICATIONS
from appliance.cli.base import (
    JSON_OPTION,
    USAGE,
    Command,
    Failure,
    OneOf,
    emit,
    emit_json,
    narrate,
)
from appliance.forensics import observed, reporting
from appliance.forensics.diagnosis import diagnose
from appliance.forensics.messages.capture import is_capture
from appliance.forensics.replaying import Tape, networks_of, read
from appliance.forensics.sides import joined
from appliance.journal.plain import clean
from appliance.settings.table import SettingError, Settings
from nat.endpoint import Network, Side


@click.command("import", cls=Command, short_help="What did that router change?")
@click.option(
    "--inside", required=True, type=click.Path(), metavar="A.pcap", help="Captured inside."
)
@click.option("--outside", required=True, type=click.Path(), metavar="B.pcap", help="And outside.")
@click.option(
    "--application",
    type=OneOf("application", [*APPLICATIONS]),
    default=next(iter(APPLICATIONS)),
    metavar="NAME",
    help=f"Whose messages and faults: {' or '.join(APPLICATIONS)}.",
)
@click.option(
    "--set",
    "sets",
    metavar="KEY=VALUE",
    multiple=True,
    help="What is known of the router, e.g. inside.networks=10.1.0.0/16.",
)
@click.option("--report", type=click.Path(), metavar="FILE.md", help="A page for its vendor.")
@click.option(
    "--write-profile", type=click.Path(), metavar="FILE.toml", help="Settings that do the same."
)
@JSON_OPTION
def import_(
    inside: str,
    outside: str,
    application: str,
    sets: tuple[str, ...],
    report: str | None,
    write_profile: str | None,
    as_json: bool,
) -> None:
    """Find out what a router did, from one capture of each of its sides: mappings, what it changed
    in each message with the correct module's opinion, and which faults do the same.

    What came to the router is given to a NAT of ours, with each fault in turn; a fault is named if
    with it more of what the router let out is let out than without. The clocks of the two captures
    may differ. A pcapng with interfaces `inside` and `outside` may be given for both.

    \b
    Examples:
      glassnat import --inside lan.pcap --outside wan.pcap
      glassnat import --inside lan.pcap --outside wan.pcap --report ticket.md
      glassnat import --inside both.pcapng --outside both.pcapng --json
    """
    own = APPLICATIONS[application]
    ports = Settings()[f"alg.{application}.ports"]
    given = [each for each in sets if not each.startswith("inside.networks")]
    with _kept_to_the_end():
        tapes = _tape(inside, Side.INSIDE), _tape(outside, Side.OUTSIDE)
        sides = joined(*tapes, _networks(tapes[0], sets))
    diagnosis = diagnose(sides, own, ports, given)
    messages = list(observed.messages(sides, diagnosis.correct, own))
    for path, text in (
        (report, reporting.page(sides, diagnosis, messages)),
        (write_profile, reporting.profile(diagnosis)),
    ):
        if path is not None:
            _write(path, text)
    if as_json:
        emit_json(reporting.document(sides, diagnosis, messages))
        return
    for sentence in reporting.sentences(sides, diagnosis, messages):
        emit(sentence)


@contextlib.contextmanager
def _kept_to_the_end() -> Iterator[None]:
    """What is made in this `with` is no rubbish: to look again and again whether it is would take a
    fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _tape(file: str, side: Side) -> Tape:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"--{side} {clean(file)}: {error.strerror or error}", USAGE) from None
    if not is_capture(data):
        raise Failure(f"--{side} {clean(file)} is no pcap and no pcapng", USAGE)
    tape = read(data, of_both=side)
    if not tape.sightings:
        raise Failure(f"--{side} {clean(file)} has no IPv4 packets", USAGE)
    if tape.note:
        narrate(f"{clean(file)}: {tape.note}")
    return tape


def _networks(tape: Tape, sets: tuple[str, ...]) -> list[Network]:
    """Those that were given, or those that inside packets come from. Raises Failure."""
    settings = Settings()
    for assignment in sets:
        key, _, value = assignment.partition("=")
        if key.strip() == "inside.networks":
            try:
                settings.assign(key.strip(), value, "--set")
            except SettingError as error:
                raise Failure(f"--set inside.networks: {error}", USAGE) from None
            return list(settings["inside.networks"])
    found = [Network.parse(text) for text in networks_of(tape)]
    if not found:
        raise Failure("no packet inside comes from a private address; name the inside with "
                      "--set inside.networks=…", USAGE)  # fmt: skip
    return found


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as error:
        raise Failure(f"{clean(path)}: {error.strerror or error}", USAGE) from None
