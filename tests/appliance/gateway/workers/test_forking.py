"""The program that forks workers: what is at hand in it, and how it refuses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from appliance.gateway.workers import forking, frames
from tests.support.processes import children
from tests.support.programs import WITHOUT_CAPABILITIES


def test_all_that_a_parser_may_want_of_python_can_be_imported() -> None:
    """They are imported before the nursery becomes somebody who may not be able to read them."""
    said = subprocess.run(
        [sys.executable, "-c", "import sys, importlib\nfor each in sys.argv[1:]:"
         " importlib.import_module(each)", *forking.AT_HAND],
        capture_output=True, text=True,
    )  # fmt: skip
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have too few privileges")
def test_root_that_may_not_become_another_user_runs_no_module() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = (sys.executable, "-m", "appliance.gateway.workers.forking", str(far.fileno()))
    with near, far, line, other:
        started = subprocess.Popen((*WITHOUT_CAPABILITIES, *program), pass_fds=[far.fileno()])
        far.close()
        assert near.recv(64) == forking.READY
        socket.send_fds(near, [b"start 1"], [other.fileno(), other.fileno()])
        answer = frames.decode_from_worker(line.recv(1000))
        assert isinstance(answer, frames.Unusable)
        assert "start it as an ordinary user" in answer.sentence
        assert not children(started.pid)
        near.close()
        assert started.wait(10) == 0
