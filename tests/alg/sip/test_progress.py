"""The tables that a call and a registration move along. (Their stories are in `test_calls.py`.)"""

from __future__ import annotations

import pytest

from alg.sip import progress
from alg.sip.message import parse


def answer(status: str, method: str = "INVITE", *extra: str) -> bytes:
    lines = [f"SIP/2.0 {status}", "Call-ID: c", f"CSeq: 1 {method}", *extra]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


ENDS = {
    "302 Moved": "failed",
    "401 Unauthorized": "ringing",
    "404 Not Found": "failed",
    "407 Proxy Authentication Required": "ringing",
    "486 Busy Here": "busy",
    "487 Request Terminated": "cancelled",
    "600 Busy Everywhere": "busy",
    "603 Decline": "failed",
}


@pytest.mark.parametrize("status", ENDS)
def test_how_a_call_was_refused_has_a_word_of_its_own(status: str) -> None:
    """RFC 3261 21.4.24 (busy), 21.4.25 (cancelled), 21.6.1 (busy everywhere)."""
    assert progress.next_state("ringing", parse(answer(status))) == ENDS[status]


@pytest.mark.parametrize("state", sorted(progress.FINAL))
def test_what_is_over_is_not_brought_back_by_a_late_answer(state: str) -> None:
    assert progress.next_state(state, parse(answer("200 OK"))) == state


def test_every_state_but_that_of_a_call_going_on_has_a_sentence() -> None:
    for state in progress.STATES:
        said = progress.sentence(state, "alice", "bob")
        assert bool(said) is (state != progress.ANSWERED)
        assert "{" not in said


@pytest.mark.parametrize(
    ("status", "seconds"), [("200 OK", 60), ("401 Unauthorized", 0), ("100 Trying", 0)]
)
def test_only_a_2xx_grants_anything(status: str, seconds: int) -> None:
    """RFC 3261 10.2.4."""
    message = parse(answer(status, "REGISTER", "Contact: <sip:a@192.0.2.1>;expires=60"))
    assert progress.granted(message, progress.NOTHING_ASKED) == seconds


def test_of_a_register_with_thousands_of_contacts_a_few_are_remembered() -> None:
    """Kept for each registration: so many, and none longer than anybody's."""
    listed = ",".join(f"<sip:{number}@192.0.2.1{'x' * 300}>" for number in range(100))
    text = answer("200 OK", "REGISTER", *[f"Contact: {listed[:8000].rpartition(',')[0]}"] * 7)
    request = b"REGISTER sip:example.net SIP/2.0" + text[text.index(b"\r\n") :]
    kept = progress.asked(parse(request)).contacts
    assert len(kept) <= progress.MOST_CONTACTS
    assert max(map(len, kept)) <= progress.LONGEST_URI
