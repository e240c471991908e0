"""Who stays behind has what it was given, and nothing else of the program."""

from __future__ import annotations

import os
import signal

from appliance.control.behind import stay_behind


def test_it_has_the_descriptors_that_it_was_given_and_no_others() -> None:
    """A TUN device lives as long as anybody has it open."""
    reader, writer = os.pipe()
    other = os.open(os.devnull, os.O_RDONLY)

    def job() -> None:
        # (the listing itself has one, which is closed again)
        found = [each for each in range(256) if _is_open(each)]
        os.write(writer, repr(found).encode())

    process = stay_behind(job, (writer,))
    os.close(writer)
    assert os.read(reader, 1000) == repr([writer]).encode()
    assert os.read(reader, 1) == b""
    assert os.waitpid(process, 0) == (process, 0)
    os.close(reader)
    os.close(other)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_ctrl_c_is_for_the_others() -> None:
    reader, writer = os.pipe()
    held, holds = os.pipe()

    def job() -> None:
        os.write(writer, b"%d" % (os.getsid(0) == os.getpid()))
        os.read(held, 1)

    process = stay_behind(job, (held, writer))
    assert os.read(reader, 1) == b"1"
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(process, number)
    assert os.waitpid(process, os.WNOHANG) == (0, 0)
    for each in (reader, writer, held):
        os.close(each)
    os.close(holds)
    os.waitpid(process, 0)


def test_what_goes_wrong_there_stays_there() -> None:
    def job() -> None:
        raise RuntimeError("nobody hears it")

    process = stay_behind(job, ())
    assert os.waitpid(process, 0) == (process, 0)
