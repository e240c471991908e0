"""The three standard streams, whatever the shell has made of them.

A stream may be closed (`>&-`), or full (`> /dev/full`), and its reader may have gone (`| head`).
What could not be printed is a failure like any other: a sentence and an exit code. What could not
be narrated is lost, since there is nobody to tell.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

STANDARD = ("stdin", "stdout", "stderr")


class Unprintable(Exception):
    """The standard output takes nothing more. The text says why."""

    exit_code = 3


class _Output(io.FileIO):
    """The standard output, whose failures can be told from those of all other files."""

    def write(self, data: object, /) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise Unprintable(f"cannot write to the standard output: {reason}") from None


def prepare() -> None:
    """Put something into the place of each stream that is closed: the next file that is opened
    would have its number, and get what is printed. Reading from it ends at once; printing to it is
    an error, narrating is not."""
    for number, name in enumerate(STANDARD):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", closefd=False))  # noqa: SIM115
    if sys.stdout is sys.__stdout__ or sys.__stdout__ is None:
        sys.stdout = _watched(sys.stdout)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show "→"


def _watched(stream: TextIO) -> TextIO:
    """The same stream, but what it cannot write is `Unprintable`."""
    output = io.BufferedWriter(_Output(stream.fileno(), "wb", closefd=False))
    is_terminal = stream.isatty()
    return io.TextIOWrapper(output, encoding=stream.encoding, line_buffering=is_terminal)


def give_up(stream: TextIO) -> None:
    """Let what is still in the stream go nowhere: the interpreter would complain at the end that
    it cannot be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
