"""A bystander's view of calls and registrations, as their messages tell it."""

from __future__ import annotations

import pytest

from alg.base import Progress
from alg.sip.calls import REMEMBERED, Calls

CONTACT = "Contact: <sip:alice@192.168.20.10>"


def message(start: str, method: str, call: str = "c1", *extra: str) -> bytes:
    """A request or an answer to one; `start` is the start line without the version."""
    first = f"SIP/2.0 {start}" if start[0].isdigit() else f"{start} sip:bob@example.net SIP/2.0"
    lines = [
        first,
        "Via: SIP/2.0/UDP 192.168.20.10:5060;branch=z9hG4bK1",
        "From: Alice <sip:alice@example.net>;tag=1",
        "To: <sip:bob@example.net>",
        f"Call-ID: {call}",
        f"CSeq: 1 {method}",
        *extra,
    ]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


def invite(answer: str = "INVITE") -> bytes:
    return message(answer, "INVITE")


def register(answer: str = "REGISTER", *extra: str) -> bytes:
    return message(answer, "REGISTER", "c1", *extra)


class Bystander:
    """A follower of calls, and what it told; a message a second, beginning at t = 0."""

    def __init__(self, *messages: bytes) -> None:
        self.told: list[Progress] = []
        self.calls = Calls()
        self.now = 100.0
        for each in messages:
            self.hear(each)

    def hear(self, data: bytes) -> None:
        progress = self.calls.follow(data, self.now)
        if progress:
            self.told.append(progress)
        self.now += 1.0

    @property
    def states(self) -> list[str]:
        return [progress.state for progress in self.told]


ACK, BYE = message("ACK", "ACK"), message("BYE", "BYE")
STORIES = {
    "a call from ringing to its end": (
        [invite(), invite("100 Trying"), invite("180 Ringing"), invite("200 OK"), ACK, BYE],
        ["trying", "ringing", "answered", "ended"],
    ),
    "a message that comes again tells nothing new": (
        [invite(), invite(), invite("180 Ringing"), invite("180 Ringing")],
        ["trying", "ringing"],
    ),
    "progress is ringing too": ([invite(), invite("183 Progress")], ["trying", "ringing"]),
    "a call is refused": ([invite(), invite("486 Busy Here")], ["trying", "failed"]),
    "a call is moved elsewhere": ([invite(), invite("302 Moved")], ["trying", "failed"]),
    "a password is no refusal": (
        [invite(), invite("407 Proxy Authentication Required"), invite(), invite("200 OK")],
        ["trying", "answered"],
    ),
    "a refused re-INVITE leaves the call as it was": (
        [invite(), invite("200 OK"), invite(), invite("488 Not Acceptable Here")],
        ["trying", "answered"],
    ),
    "a late ringing does not take an answer back": (
        [invite(), invite("200 OK"), invite("180 Ringing")],
        ["trying", "answered"],
    ),
    "a cancelled call has failed when its INVITE is answered, not before": (
        [
            invite(), message("CANCEL", "CANCEL"), message("200 OK", "CANCEL"),
            invite("487 Request Terminated"),
        ],
        ["trying", "failed"],
    ),
    "what is over stays over": (
        [invite(), invite("200 OK"), BYE, message("200 OK", "BYE"), invite("200 OK")],
        ["trying", "answered", "ended"],
    ),
    "a registration that asks for a password": (
        [register(), register("401 Unauthorized"), register(), register("200 OK", CONTACT)],
        ["registering", "registered"],
    ),
    "a registration is refused": (
        [register(), register("403 Forbidden")],
        ["registering", "refused"],
    ),
    "no contact is left: unregistered": (
        [register(), register("200 OK", CONTACT), register(), register("200 OK")],
        ["registering", "registered", "unregistered"],
    ),
    "who was refused may register after all": (
        [register(), register("403 Forbidden"), register(), register("200 OK", CONTACT)],
        ["registering", "refused", "registered"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("title", STORIES)
def test_every_change_of_state_is_told_and_nothing_else(title: str) -> None:
    messages, states = STORIES[title]
    assert Bystander(*messages).states == states


NOBODYS = {
    "no SIP": b"\x00\x01keep-alive",
    "nothing": b"",
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "SIP that cannot be read": b"INVITE sip:x SIP/2.0\r\nCall-ID\r\n\r\n",
    "an answer to nothing that was seen": invite("200 OK"),
    "the end of a call that was not seen": BYE,
    "a cancel of nothing": message("CANCEL", "CANCEL"),
    "a request that begins nothing": message("OPTIONS", "OPTIONS"),
}


@pytest.mark.parametrize("title", NOBODYS)
def test_only_an_invite_or_a_register_begins_something(title: str) -> None:
    bystander = Bystander(NOBODYS[title])
    assert bystander.told == []
    assert bystander.calls.document(100.0) == []


def test_the_document_says_since_when_and_how_many_messages() -> None:
    """`show calls`: seconds since the start; people by the user part of their URI."""
    bystander = Bystander(invite(), invite("180 Ringing"), invite("180 Ringing"))
    assert bystander.calls.document(100.0) == [
        {
            "call": "c1",
            "kind": "call",
            "caller": "alice",
            "callee": "bob",
            "state": "ringing",
            "since": 1.0,
            "messages": 3,
        }
    ]


def test_a_change_names_its_status() -> None:
    trying, failed = Bystander(invite(), invite("486 Busy Here")).told
    assert (trying.detail, trying.kind) == ("", "call")
    assert failed.detail == "486"


PEOPLE = {
    "sip:alice@example.net": "alice",
    "sips:alice@example.net;transport=tcp": "alice",
    "sip:alice:secret@example.net": "alice",
    "sip:example.net;lr": "example.net",
    "": "",
}


@pytest.mark.parametrize("uri", PEOPLE)
def test_people_are_named_by_their_user_part_and_no_password_is_shown(uri: str) -> None:
    """RFC 3261 19.1.1: a URI may hold a password; it is for no screen and no log."""
    (call,) = Bystander(invite().replace(b"sip:alice@example.net", uri.encode())).calls.document(
        100.0
    )
    assert call["caller"] == PEOPLE[uri]


def test_the_oldest_calls_are_forgotten_first() -> None:
    """Bounded memory: whoever sends INVITEs for ever fills a table of a thousand."""
    bystander = Bystander()
    for number in range(REMEMBERED + 5):
        bystander.hear(message("INVITE", "INVITE", f"c{number}"))
    calls = [call["call"] for call in bystander.calls.document(100.0)]
    assert len(calls) == REMEMBERED
    assert (calls[0], calls[-1]) == ("c5", f"c{REMEMBERED + 4}")
