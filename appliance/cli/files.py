"""`--record` and `--capture`: the files that a run is written to while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from appliance.cli.base import USAGE, Failure, narrate, options
from appliance.journal.events import Started
from appliance.journal.plain import clean

if TYPE_CHECKING:  # a command that has these options begins before what it plays is loaded
    from appliance.engine import Engine
    from appliance.journal.log import EventLog

CAPTURE_OPTION = click.option(
    "--capture",
    type=click.Path(),
    metavar="FILE.pcapng",
    help="Write every packet of both wires there, for Wireshark.",
)


def file_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Both options, given to the command as one `files`."""

    @wraps(function)
    def command(record: str | None, capture: str | None, **rest: Any) -> Any:
        return function(files=Files(record, capture), **rest)

    return options(
        click.option(
            "--record",
            type=click.Path(),
            metavar="FILE.jsonl",
            help="Write every event there.",
        ),
        CAPTURE_OPTION,
    )(command)


class Run(Protocol):
    """What can be written down: a simulation, or packets that are replayed."""

    log: EventLog
    engine: Engine


class Files:
    """What a run is written to, as far as it is wanted. A run that is begun again is written
    anew."""

    def __init__(self, record: str | None = None, capture: str | None = None) -> None:
        self._record = record
        self._capture = capture
        self._ends: list[Callable[[], None]] = []

    @property
    def are_wanted(self) -> bool:
        return bool(self._record or self._capture)

    def begin(self, run: Run) -> None:
        """Write all of this run, which has not begun. Raises Failure."""
        self.end()
        started = next(run.log.since(0))
        assert isinstance(started, Started)
        if self._record is not None:
            from appliance.journal.recorder import Recorder

            with _named("--record", self._record):
                recorder = Recorder(Path(self._record), narrate)
            self._ends.append(recorder.close)
            recorder.attach(run.log)
        if self._capture is not None:
            from appliance.journal.capture import Capture
            from appliance.journal.capturefile import CaptureFile

            with _named("--capture", self._capture):
                file = CaptureFile(self._capture, started, narrate)
            taps = run.engine.datapath.taps
            capture = Capture(taps, run.log, started, file)
            capture.begin()
            self._ends += (capture.end, file.close)

    def end(self) -> None:
        """Close the files. Calling it twice is harmless."""
        while self._ends:
            self._ends.pop(0)()


@contextmanager
def _named(option: str, path: str) -> Iterator[None]:
    """A file that cannot be written is a mistake in this option."""
    try:
        yield
    except OSError as error:
        raise Failure(f"{option} {clean(path)}: {error.strerror or error}", USAGE) from None
