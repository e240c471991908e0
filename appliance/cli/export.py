"""`glassnat export`: a recording in a form for other tools, or for reading."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import msgspec

from appliance.cli.base import USAGE, Command, Failure, OneOf, narrate
from appliance.forensics import exporting, recordings
from appliance.forensics.recordings import Recording, RecordingUnreadable
from appliance.journal.plain import clean, printable

FORMS = ("pcapng", "json", "md", "svg")


@click.command(cls=Command, short_help="A recording as a capture, a document, a page or a picture.")
@click.argument("recording", type=click.Path())
@click.option("--to", type=OneOf("form", FORMS), required=True, help="pcapng, json, md or svg.")
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Not to standard output.")
def export(recording: str, to: str, output: str | None) -> None:
    """Write a recording (`--record FILE`, `record.file`) in another form.

    pcapng has the packets that carried messages, as they came and as they left, with every edit and
    its reason as a comment: a recording keeps no others. json is one document, md a page to read,
    svg a picture of the screen at its end.

    \b
    Examples:
      glassnat sim one-way-audio --record run.jsonl
      glassnat export run.jsonl --to md > run.md
      glassnat export run.jsonl --to svg -o run.svg
      glassnat export run.jsonl --to pcapng -o run.pcapng
    """
    try:
        found = recordings.read(recording)
    except (OSError, RecordingUnreadable) as error:
        reason = getattr(error, "strerror", None) or error
        raise Failure(f"{clean(recording)}: {clean(str(reason), 1000)}", USAGE) from None
    if found.note:
        narrate(f"{clean(recording)}: {found.note}")
    data = _in_form(found, to)
    if output is not None:
        try:
            Path(output).write_bytes(data)
        except OSError as error:
            raise Failure(f"{clean(output)}: {error.strerror or error}", USAGE) from None
    elif to == "pcapng" and sys.stdout.isatty():
        raise Failure("packets are not for a terminal; name a file: -o FILE", USAGE)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)


def _in_form(recording: Recording, to: str) -> bytes:
    if to == "pcapng":
        return exporting.as_pcapng(recording)
    if to == "md":
        from tui.paper import ladder_of  # the screen is for drawing only

        return exporting.as_markdown(recording, ladder_of(recording.events)).encode()
    if to == "svg":
        from tui.picture import of_recording

        return of_recording(recording.events).encode()
    document = [msgspec.to_builtins(each) for each in recording.events]
    return printable(json.dumps(document, indent=2)).encode() + b"\n"
