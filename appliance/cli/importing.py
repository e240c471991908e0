"""`glassnat import`: two captures of somebody's router, and what it did."""

from __future__ import annotations

import contextlib
import gc
import shlex
from collections.abc import Iterator, Sequence
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
from appliance.forensics import observed, onesided, reporting
from appliance.forensics.diagnosis import diagnose
from appliance.forensics.messages.capture import is_capture
from appliance.forensics.replaying import Tape, networks_of, read
from appliance.forensics.sides import Sides, joined
from appliance.journal.plain import clean
from appliance.settings.table import SettingError, Settings
from nat.endpoint import Network, Side


@click.command("import", cls=Command, short_help="What did that router change?")
@click.option("--inside", type=click.Path(), metavar="A.pcap", help="Captured inside.")
@click.option("--outside", type=click.Path(), metavar="B.pcap", help="And outside.")
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
    inside: str | None,
    outside: str | None,
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
    may differ. A pcapng with interfaces `inside` and `outside` may be given for both. One side
    alone is described, and no fault is named.

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
        heard = [side for side in Side if tapes[side].sightings]
        if len(heard) == 1:
            if report or write_profile:
                raise Failure("--report and --write-profile need captures of both sides", USAGE)
            _tell_of_one(tapes[heard[0]], heard[0], ports, as_json)
            return
        sides = _sides(tapes, sets)
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
    if write_profile is not None:
        name = clean(shlex.quote(write_profile))
        emit(f"To see what it breaks: glassnat sim STORY --profile {name} (glassnat scenario list)")


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


def _tape(file: str | None, side: Side) -> Tape:
    """Empty where none was given, or where nothing can be read in it, which is said."""
    if file is None:
        return Tape(0.0)
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"--{side} {clean(file)}: {error.strerror or error}", USAGE) from None
    if not is_capture(data):
        raise Failure(f"--{side} {clean(file)} is no pcap and no pcapng", USAGE)
    tape = read(data, of_both=side)
    if not tape.sightings:
        narrate(
            f"--{side} {clean(file)} has no IPv4 packets: is that side's capture point right, and "
            "its capture filter?"
        )
    if tape.note:
        narrate(f"{clean(file)}: {tape.note}")
    return tape


def _sides(tapes: tuple[Tape, Tape], sets: tuple[str, ...]) -> Sides:
    """Raises Failure where these are not both sides of one router."""
    if not any(tape.sightings for tape in tapes):
        raise Failure("no packets to look at: give --inside A.pcap and --outside B.pcap", USAGE)
    networks = _networks(tapes[0], sets)
    if onesided.are_the_same(*tapes):
        raise Failure("both captures have the same packets, so they are of one side: capture on "
                      "each side of the router (a pcapng with interfaces “inside” and “outside” "
                      "may be given for both)", USAGE)  # fmt: skip
    sides = joined(*tapes, networks)
    if not any(sides.pairs):
        raise Failure("no packet of the one capture is in the other: are they of the same router "
                      "and the same time? Each alone: give only --inside, or only --outside",
                      USAGE)  # fmt: skip
    return sides


def _tell_of_one(tape: Tape, side: Side, ports: Sequence[int], as_json: bool) -> None:
    told = [*onesided.sentences(tape, side, ports)]
    if as_json:
        emit_json(reporting.document_of_one(told))
        return
    for sentence in told:
        emit(sentence)


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
