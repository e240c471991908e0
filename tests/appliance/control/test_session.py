"""One client: requests as lines, answers in slices, and a bound on everything."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator, Iterator

import pytest

from appliance.control.session import ENTRIES_PER_SLICE, LONGEST_REQUEST, SLICE, Gathering, Session


@pytest.fixture
def ends() -> Iterator[tuple[Session, socket.socket]]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    yield Session(near), far
    near.close()
    far.close()


Ends = tuple[Session, socket.socket]


def test_requests_are_lines_however_they_are_cut(ends: Ends) -> None:
    session, far = ends
    for piece in (b'{"id"', b': 1}\n{"id": 2}', b"\n"):
        far.send(piece)
        session.read()
    assert [session.next_line() for _ in range(3)] == [b'{"id": 1}', b'{"id": 2}', None]


def test_a_read_that_brings_nothing_is_no_end(ends: Ends) -> None:
    session, far = ends
    session.read()
    assert not session.finished
    far.shutdown(socket.SHUT_WR)
    session.read()
    assert session.finished


def test_a_request_that_is_too_long_is_answered_with_a_sentence_and_the_end(ends: Ends) -> None:
    session, far = ends
    while len(session._received) <= LONGEST_REQUEST:
        far.send(b"x" * 4096)
        session.read()
    assert session.next_line() is None
    session.write()
    assert json.loads(far.recv(SLICE))["error"] == "the request is too long"
    assert session.finished


def test_a_long_answer_is_made_only_as_fast_as_it_is_taken(ends: Ends) -> None:
    session, _ = ends
    made: list[int] = []

    def entries() -> Iterator[dict[str, object]]:
        for number in range(100 * ENTRIES_PER_SLICE):
            made.append(number)
            yield {"id": number, "padding": "x" * 1000}

    session.answer(1, entries())
    for _ in range(100):
        session.write()
    assert 0 < len(made) < 20 * ENTRIES_PER_SLICE, "the socket is full and nobody reads"
    assert not session.idle


def test_events_wait_until_the_answer_is_through(ends: Ends) -> None:
    session, far = ends
    session.append(b"event\n")
    session.answer(1, [])
    assert session.backlog == len(b"event\n")
    session.write()
    session.write()
    assert far.recv(SLICE) == b'{"id":1,"ok":true,"result":[]}\nevent\n'
    assert session.backlog == 0
    assert session.idle


def test_who_is_dropped_hears_why_and_nothing_of_what_was_queued(ends: Ends) -> None:
    session, far = ends
    session.watching = True
    session.append(b"event\n")
    session.drop("fell too far behind")
    assert (session.backlog, session.watching, session.finished) == (0, False, False)
    session.write()
    assert json.loads(far.recv(SLICE)) == {"id": None, "ok": False, "error": "fell too far behind"}
    assert session.finished


def test_what_must_be_gathered_takes_a_turn_for_each_step(ends: Ends) -> None:
    """Packets have their turn in between, however much must be looked at."""

    def steps() -> Generator[None, None, object]:
        for number in range(3):
            looked_at.append(number)
            yield
        return {"found": len(looked_at)}

    looked_at: list[int] = []
    session, far = ends
    session.answer(1, Gathering(steps()))
    turns = []
    while not session.idle:
        session.write()
        turns.append(len(looked_at))
    assert turns[:3] == [1, 2, 3]
    assert json.loads(far.recv(SLICE))["result"] == {"found": 3}


def test_only_entries_that_fit_are_sent(ends: Ends) -> None:
    session, far = ends
    session.answer(1, iter(range(3 * ENTRIES_PER_SLICE)), lambda entry: entry == 450)  # type: ignore[comparison-overlap]
    while not session.idle:
        session.write()
    assert json.loads(far.recv(SLICE))["result"] == [450]
