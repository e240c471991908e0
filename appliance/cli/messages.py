"""Messages out of files: `glassnat alg lint`, and how `glassnat alg diff` comes to its message."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
from click.core import ParameterSource

from alg import registry
from alg.base import Application, Finding
from alg.edits import LARGEST_MESSAGE
from appliance.cli.base import (
    JSON_OPTION,
    NO,
    USAGE,
    Command,
    F,
    Failure,
    emit,
    emit_json,
    narrate,
    options,
)
from appliance.cli.words import message_numbers, offer
from appliance.forensics.messages.capture import is_capture
from appliance.forensics.messages.excerpt import Excerpt, Way
from appliance.forensics.messages.reading import LARGEST_FILE, Found, read
from appliance.journal.plain import clean
from appliance.journal.readable import readable
from appliance.settings import files as configuration
from appliance.settings.hints import counted
from appliance.settings.table import Settings
from nat.endpoint import Direction, Endpoint, address_text
from nat.reach import is_inside_only


def message_options(function: F) -> F:
    """`FILE` and `--message N`."""
    return options(
        click.argument("file", metavar="FILE|-", type=click.Path()),
        click.option(
            "--message",
            "number",
            metavar="N",
            type=click.IntRange(min=1),
            shell_complete=offer(message_numbers),
            help="Which message of several; they are counted from 1.",
        ),
    )(function)


@click.command("lint", cls=Command, short_help="What is wrong with a message.")
@message_options
@JSON_OPTION
def lint(file: str, number: int | None, as_json: bool) -> int:
    """Print all that is wrong with each message in a file, whoever wrote it.

    A file may be what `glassnat alg diff` takes: a message, pasted text, a log, a capture. The exit
    code is 0 when nothing is wrong, 1 when something is, and 2 when there is no message in it.

    \b
    Examples:
      glassnat alg lint invite.txt
      glassnat alg lint /var/log/asterisk/full
      glassnat alg lint call.pcap --message 3
      tcpdump -A -n -r call.pcap | glassnat alg lint -
    """
    found = found_in(
        file, read_file(file), registry.APPLICATIONS.values(), configuration.defaults()
    )
    if not found.excerpts:
        raise Failure(f"{clean(file)}: there is no message in it{_note(found)}", USAGE)
    numbers = range(1, len(found.excerpts) + 1) if number is None else (number,)
    judged = [_Judged.of(each, _chosen(file, found, each)) for each in numbers]
    if as_json:
        emit_json({"messages": [each.document() for each in judged], "note": found.note})
    else:
        for each in judged:
            for line in each.lines():
                emit(line)
        wrong = sum(len(each.findings) for each in judged)
        narrate(f"{counted(len(judged), 'message')}, {counted(wrong, 'finding')}{_note(found)}")
    return NO if any(each.findings for each in judged) else 0


class _Judged(NamedTuple):
    """A message and what is wrong with it."""

    number: int
    excerpt: Excerpt
    findings: list[Finding]

    @classmethod
    def of(cls, number: int, excerpt: Excerpt) -> _Judged:
        return cls(number, excerpt, list(excerpt.application.findings(excerpt.data)))

    def lines(self) -> list[str]:
        """As text."""
        summary, _ = self.excerpt.application.summary(self.excerpt.data)
        done = f" ({', '.join(self.excerpt.done)})" if self.excerpt.done else ""
        head = (
            f"{self.number}: {clean(readable(summary)) or 'a message'}, {self.excerpt.where}{done}"
        )
        wrong = [
            click.style(f"    {each.name}: {each.sentence} ({each.rfc})", fg="red")
            for each in self.findings
        ]
        return [head, *(wrong or ["    nothing wrong"])]

    def document(self) -> dict[str, object]:
        """As JSON."""
        excerpt, way = self.excerpt, self.excerpt.way
        return {
            "number": self.number,
            "protocol": excerpt.application.name,
            "summary": excerpt.application.summary(excerpt.data)[0],
            "where": excerpt.where,
            "done": list(excerpt.done),
            "transport": way and way.transport,
            "source": way and str(way.source),
            "destination": way and str(way.destination),
            "message": excerpt.data.decode("latin-1"),
            "findings": [msgspec.to_builtins(each) for each in self.findings],
        }


def read_file(file: str) -> bytes:
    """All bytes of a file, or of stdin for `-`."""
    try:
        stream = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115
        with stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise Failure(f"{clean(file)}: {error.strerror or error}", USAGE) from None
    if len(data) > LARGEST_FILE:
        raise Failure(f"{clean(file)}: more than {LARGEST_FILE} bytes are too many", USAGE)
    return data


def found_in(
    file: str, data: bytes, applications: Iterable[Application], settings: Settings
) -> Found:
    """The messages in the bytes of a file."""
    ports = {name: settings.section(f"alg.{name}")["ports"] for name in registry.APPLICATIONS}
    found = read(data, applications, ports)
    if not found.excerpts and is_capture(data):
        raise Failure(f"{clean(file)}: there is no message in it{_note(found)}", USAGE)
    return found


def take(
    file: str, number: int | None, spec: str, settings: Settings
) -> tuple[bytes, Application, Excerpt | None]:
    """The message for `--alg SPEC` and its application, and where it comes from. What is not found
    to be a message is taken as it is, without an excerpt."""
    data = read_file(file)
    own = registry.MODULES.get(spec.partition(":")[0])
    known = registry.APPLICATIONS
    applications = [known[own.application]] if own and own.application else known.values()
    found = found_in(file, data, applications, settings)
    excerpt = None
    if found.excerpts or number is not None:
        excerpt = _chosen(file, found, number or 1)
        _tell(excerpt, number or 1, found)
    message = excerpt.data if excerpt else data
    if len(message) > LARGEST_MESSAGE:
        raise Failure(f"{clean(file)}: more than {LARGEST_MESSAGE} bytes are no message", USAGE)
    return message, registry.application_of(spec, message), excerpt


def _chosen(file: str, found: Found, number: int) -> Excerpt:
    count = len(found.excerpts)
    if number > count:
        there_are = f"{count or 'no'} message{'s' * (count != 1)} in it"
        raise Failure(f"--message {number}: {clean(file)} has {there_are}", USAGE)
    return found.excerpts[number - 1]


def _tell(excerpt: Excerpt, number: int, found: Found) -> None:
    """Say what was taken, unless that is the file as it is."""
    count = len(found.excerpts)
    if count == 1 and not excerpt.done and excerpt.way is None:
        return
    done = f"; undone: {', '.join(excerpt.done)}" if excerpt.done else ""
    others = " (--message N takes another, `glassnat alg lint` lists them)" if count > 1 else ""
    narrate(f"took message {number} of {count}, {excerpt.where}{done}{others}{_note(found)}")


def _note(found: Found) -> str:
    return f"; {found.note}" if found.note else ""


def fit(
    situation: dict[str, Any], message: bytes, application: Application, way: Way | None
) -> dict[str, Any]:
    """The options of `alg diff` that say where a message is met, with what a capture or the message
    itself says in the place of those that are not given; each that is taken so is told."""
    taken = _by_capture(way) if way else {}
    if way is None and situation["direction"] == Direction.OUT.value:
        taken = _by_message(situation["internal"], message, application)
    changed = {
        name: value
        for name, value in taken.items()
        if not _is_given(name) and value != situation[name]
    }
    for name, value in changed.items():
        whence = "capture" if way else "message"
        narrate(f"--{name} {value}: taken from the {whence}")
    if "internal" in taken and _is_given("internal") and taken["internal"] != situation["internal"]:
        narrate(f"the message is from {taken['internal']}, which is not --internal")
    return {**situation, **changed}


def _is_given(name: str) -> bool:
    """Did somebody write this option?"""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _by_capture(way: Way) -> dict[str, Any]:
    """Who is inside is seen from the addresses, unless both or none of them are of that kind."""
    inside = [is_inside_only(each.address) for each in (way.source, way.destination)]
    if inside == [True, False]:
        ends = {"direction": "out", "internal": way.source, "remote": way.destination}
    elif inside == [False, True]:
        ends = {"direction": "in", "internal": way.destination, "remote": way.source}
    else:
        ends = {}
    return {**ends, "transport": way.transport}


def _by_message(
    internal: Endpoint, message: bytes, application: Application
) -> dict[str, Endpoint]:
    """The inside endpoint that a message names, if it does not name the one that is expected."""
    own = application.inside_endpoint(message)
    if own is None or own.address == internal.address:
        return {}
    if address_text(internal.address).encode() in message:
        return {}
    return {"internal": own._replace(port=own.port or internal.port)}
