"""What is inferred of a program in a party's place."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from appliance.namespaces.lab.programs import PATIENCE, Program
from appliance.parties.party import Report, What
from appliance.parties.rtp import Stream
from nat.endpoint import Endpoint
from tests.support.parties import phone_traits

BOBS = Endpoint.parse("203.0.113.9:10000")


@pytest.fixture
def alice(tmp_path: Path) -> Iterator[Program]:
    """Played by a program that says a word and ends."""
    program = Program("alice", phone_traits(), "echo hello", "", tmp_path / "log")
    yield program
    program.wait()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo hello", []),
        ("sh -c 'echo no; exit 3'", ["the program of alice has ended, exit code 3:", "  no"]),
        ("sh -c 'kill -9 $$'", ["the program of alice has ended, signal 9:"]),
        (
            "sh -c 'seq 9999; echo; exit 1'",
            ["the program of alice has ended, exit code 1:", *(f"  {9995 + n}" for n in range(5))],
        ),
    ],
)
def test_a_program_that_fails_is_told_with_its_last_words(
    tmp_path: Path, command: str, said: list[str]
) -> None:
    """Else a phone that is not there would be taken for one that nobody calls."""
    program = Program("alice", phone_traits(), command, "", tmp_path / "log")
    os.waitid(os.P_PID, program._process.pid, os.WEXITED | os.WNOWAIT)
    assert program.failure() == said
    program.wait()


def test_a_call_that_reaches_somebody_was_tried(alice: Program) -> None:
    reached = Report(What.CALL_REACHED, "bob", "alice")
    assert [each[:3] for each in alice.before(reached)] == [(What.CALL_TRIED, "alice", "bob")]


def test_a_call_that_it_answers_has_reached_it(alice: Program) -> None:
    answered = Report(What.CALL_ANSWERED, "bob", "alice")
    assert [each[:3] for each in alice.after(answered)] == [(What.CALL_REACHED, "alice", "bob")]


@pytest.mark.parametrize(("calls", "answers"), [(True, 1), (False, 0)])
def test_only_who_has_called_says_that_it_was_answered(
    alice: Program, calls: bool, answers: int
) -> None:
    """Or a call would be answered twice."""
    if calls:
        assert [*alice.before(Report(What.CALL_REACHED, "bob", "alice"))]
    talking = Report(What.TALKING, "bob", "alice", "", Stream(BOBS, None, Random(1)))
    inferred = [each.what for each in alice.after(talking)]
    assert inferred == [*[What.CALL_ANSWERED] * answers, What.TALKING]


def test_what_others_do_among_themselves_says_nothing_of_it(alice: Program) -> None:
    reached = Report(What.CALL_REACHED, "bob", "carol")
    assert [*alice.before(reached), *alice.after(reached)] == []


def test_what_it_heard_is_what_the_nat_let_through(alice: Program) -> None:
    """And what it said at least what the other end heard."""
    bobs = Stream(BOBS, None, Random(1))
    bobs.heard = 70
    *_, talking = alice.after(Report(What.TALKING, "bob", "alice", "", bobs))
    flow = {
        "internal": "192.168.20.100:4000",
        "remote": str(BOBS),
        "packets_in": 60,
        "packets_out": 70,
    }
    other = {**flow, "internal": "192.168.20.101:4000", "packets_in": 9}
    alice.count(lambda: [flow, other])
    assert talking.stream is not None
    assert (talking.stream.sent, talking.stream.heard) == (70, 60)


@pytest.mark.parametrize("started", ["sleep 60", '(trap "" TERM; exec sleep 60)'])
def test_it_is_ended_with_all_that_it_has_started(tmp_path: Path, started: str) -> None:
    """Also with what takes no hint. Whoever reads a pipe sees its end when nobody can write to it
    any more."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = f"sh -c '{started} > {pipe} & wait'"
    program = Program("alice", phone_traits(), command, "", tmp_path / "log")
    with pipe.open("rb") as reader:
        program.stop()
        seen, _, _ = select.select([reader], [], [], PATIENCE)
        assert seen
        assert reader.read() == b""


def test_what_it_says_is_kept(alice: Program, tmp_path: Path) -> None:
    assert alice.wait() == 0
    assert (tmp_path / "log").read_text() == "hello\n"
