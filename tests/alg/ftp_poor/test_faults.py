"""Each fault breaks what its row says, and nothing else."""

from __future__ import annotations

import pytest

from alg.ftp_poor.faults import FAULTS, Case, open_to_all
from nat.endpoint import Endpoint
from tests.alg.ftp.control import SERVER, STRANGER, Control
from tests.alg.ftp.situations import met

PORT = b"PORT 192,168,20,10,156,65\r\n"
EDITED = b"PORT 203,0,113,1,156,65\r\n"
DATA = SERVER._replace(port=20)
INSIDE = Endpoint.parse("192.168.20.10:40001")


@pytest.mark.parametrize("name", FAULTS)
def test_a_row_says_all_that_a_class_wants_to_know(name: str) -> None:
    fault = FAULTS[name]
    assert fault.name == name
    assert fault.does.endswith(".")
    assert fault.breaks.endswith(".")
    assert fault.look_at
    assert fault.seen_in
    assert fault.rfc.startswith("RFC ")
    assert fault.prepare or fault.manners


@pytest.mark.parametrize("name", FAULTS)
def test_a_command_in_one_segment_is_edited_by_all(name: str) -> None:
    control = Control.outwards(f"ftp-poor:{name}")
    control.line.say(control.client, PORT)
    assert control.server.heard == EDITED
    assert control.connects(DATA, 40001) == INSIDE


def test_no_seqadj_stalls_the_connection() -> None:
    """The text is shorter outside: what comes next lies beyond a gap that nobody fills."""
    for module, arrives in (("ftp", True), ("ftp-poor:no-seqadj", False)):
        control = Control.outwards(module)
        control.line.say(control.client, PORT)
        control.line.acknowledge(control.server)
        assert (control.client.acknowledged == len(PORT)) is arrives
        control.line.say(control.client, b"RETR file\r\n")
        assert control.server.heard.endswith(b"RETR file\r\n") is arrives


def test_split_miss_misses_what_is_cut() -> None:
    """Command and reply alike; the rest is read."""
    control = Control.outwards("ftp-poor:split-miss")
    control.line.say(control.client, PORT, 10)
    assert control.server.heard == PORT
    control.line.say(control.client, PORT)
    assert control.server.heard == PORT + EDITED


def test_open_to_all_lets_a_stranger_have_the_file() -> None:
    for module, reached in (("ftp", None), ("ftp-poor:open-to-all", INSIDE)):
        control = Control.outwards(module)
        control.line.say(control.client, PORT)
        assert control.connects(STRANGER, 40001) == reached


def test_open_to_all_asks_for_nobody_in_particular() -> None:
    case = Case()
    assert case.peer(met()) == Endpoint.parse("203.0.113.9:0")
    open_to_all(case)
    assert case.peer(met()) is None
