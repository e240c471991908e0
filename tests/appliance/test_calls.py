"""Calls and registrations as their messages tell, whatever module stands in the slot."""

from __future__ import annotations

import pytest

from appliance.calls import REMEMBERED, CallTracker
from appliance.eventlog import EventLog
from appliance.events import CallState


def message(start: str, method: str, call_id: str = "c1", contact: str = "") -> bytes:
    lines = [
        start, f"Call-ID: {call_id}", f"CSeq: 1 {method}", "From: <sip:alice@192.0.2.1>;tag=1",
        "To: Bob <sip:bob@192.0.2.2>", "Via: SIP/2.0/UDP 192.0.2.1",
        *([contact] if contact else ()),
    ]  # fmt: skip
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


def request(method: str) -> bytes:
    return message(f"{method} sip:bob@192.0.2.2 SIP/2.0", method)


def answer(status: int, method: str = "INVITE", contact: str = "") -> bytes:
    return message(f"SIP/2.0 {status} x", method, contact=contact)


def states(messages: list[bytes]) -> list[str]:
    log = EventLog(0.0)
    tracker = CallTracker(log)
    for number, data in enumerate(messages):
        tracker.follow(data, float(number), 1)
    return [event.state for event in log.since(0) if isinstance(event, CallState)]


INVITE, ACK, BYE, REGISTER = (request(word) for word in ("INVITE", "ACK", "BYE", "REGISTER"))
STORIES = [
    ("answered and ended",
     [INVITE, answer(100), answer(180), answer(200), ACK, BYE, answer(200, "BYE")],
     ["trying", "ringing", "answered", "ended"]),
    ("asked for a password", [INVITE, answer(407), ACK, INVITE, answer(200)],
     ["trying", "answered"]),
    ("refused", [INVITE, answer(486), ACK], ["trying", "failed"]),
    ("a refused re-INVITE", [INVITE, answer(200), INVITE, answer(488)], ["trying", "answered"]),
    ("what comes after the end", [INVITE, answer(486), answer(200)], ["trying", "failed"]),
    ("registered", [REGISTER, answer(401, "REGISTER"), REGISTER,
                    answer(200, "REGISTER", "Contact: <sip:a@192.0.2.1>")],
     ["registering", "registered"]),
    ("unregistered", [REGISTER, answer(200, "REGISTER")], ["registering", "unregistered"]),
    ("registration refused", [REGISTER, answer(403, "REGISTER")], ["registering", "refused"]),
    ("an answer out of the blue", [answer(200)], []),
    ("no SIP at all", [b"", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("messages", "expected"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES]
)
def test_a_call_moves_along_with_its_messages(messages: list[bytes], expected: list[str]) -> None:
    assert states(messages) == expected


def test_a_call_is_shown_by_the_names_that_people_use() -> None:
    log = EventLog(10.0)
    tracker = CallTracker(log)
    tracker.follow(INVITE, 12.0, 1)
    (call,) = tracker.document()
    assert (call["call"], call["kind"], call["state"], call["since"]) == (
        "c1", "call", "trying", 2.0,
    )  # fmt: skip
    assert (call["caller"], call["callee"]) == ("alice", "bob")


def test_the_oldest_calls_are_forgotten() -> None:
    tracker = CallTracker(EventLog(0.0))
    for number in range(REMEMBERED + 5):
        tracker.follow(message("INVITE sip:b@x SIP/2.0", "INVITE", f"c{number}"), 0.0, 1)
    document = tracker.document()
    assert (len(document), document[0]["call"]) == (REMEMBERED, "c5")
