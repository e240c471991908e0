"""A bystander's view of calls and registrations, as their messages tell it."""

from __future__ import annotations

import pytest

from alg.base import Passage, Progress
from alg.sip.call_table import REMEMBERED, REMEMBERED_OF_A_HOST
from alg.sip.calls import LONGEST_NAME, Calls
from nat.endpoint import Direction, Endpoint

CONTACT = "Contact: <sip:alice@192.168.20.10>"
PHONE, NEIGHBOUR = Endpoint.parse("192.168.20.10:5060"), Endpoint.parse("192.168.20.11:5060")
SERVER = Endpoint.parse("192.0.2.9:5060")


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

    def hear(self, data: bytes, phone: Endpoint = PHONE, after: bytes | None = None) -> None:
        """The phone's own requests go out; everything else is taken to come in."""
        way = Direction.IN if data.startswith(b"SIP/2.0") else Direction.OUT
        left = data if after is None else after
        progress = self.calls.follow(Passage(data, left, way, "udp", phone, SERVER), self.now)
        if progress:
            self.told.append(progress)
        self.now += 1.0

    def wait(self, seconds: float) -> None:
        """Time passes, and nothing else."""
        until = self.now + seconds
        while (due := self.calls.next_deadline()) <= until:
            self.now = due
            self.told += self.calls.expire(due)
        self.now = until

    @property
    def rows(self) -> list[dict[str, object]]:
        return self.calls.document(100.0, self.now)

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
    "a call is refused": ([invite(), invite("603 Decline")], ["trying", "failed"]),
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
    "who is busy is busy": ([invite(), invite("486 Busy Here")], ["trying", "busy"]),
    "who is busy everywhere too": ([invite(), invite("600 Busy")], ["trying", "busy"]),
    "what was refused may be asked again in other words": (
        [
            invite(), invite("422 Session Interval Too Small"),
            invite().replace(b"CSeq: 1", b"CSeq: 2"),
            invite("200 OK").replace(b"CSeq: 1", b"CSeq: 2"),
        ],
        ["trying", "failed", "trying", "answered"],
    ),
    "a late copy of the INVITE does not begin a call anew": (
        [invite(), invite("486 Busy Here"), invite()],
        ["trying", "busy"],
    ),
    "a cancelled call is over when its INVITE is answered, not before": (
        [
            invite(), message("CANCEL", "CANCEL"), message("200 OK", "CANCEL"),
            invite("487 Request Terminated"),
        ],
        ["trying", "cancelled"],
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
    assert bystander.rows == []


def test_the_document_says_since_when_and_how_many_messages() -> None:
    """`show calls`: seconds since the start; people by the user part of their URI."""
    bystander = Bystander(invite(), invite("180 Ringing"), invite("180 Ringing"))
    assert bystander.rows == [
        {
            "call": "c1",
            "kind": "call",
            "caller": "alice",
            "callee": "bob",
            "state": "ringing",
            "since": 1.0,
            "messages": 3,
            "expires_in": None,
        }
    ]


def test_a_change_names_its_status() -> None:
    trying, busy = Bystander(invite(), invite("486 Busy Here")).told
    assert (trying.detail, trying.kind) == ("", "call")
    assert busy.detail == "486"


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
    (call,) = Bystander(invite().replace(b"sip:alice@example.net", uri.encode())).rows
    assert call["caller"] == PEOPLE[uri]


# --- time ----------------------------------------------------------------------------------------

GRANTS = {
    "what its own contact says": (["Expires: 600"], [f"{CONTACT};expires=60"], 60.0),
    "what the answer says": ([], [CONTACT, "Expires: 300"], 300.0),
    "what was asked for": (["Expires: 600"], [CONTACT], 600.0),
    "an hour, when nobody says": ([], [CONTACT], 3600.0),
    "not what another phone of the same name was granted": (
        [],
        ["Contact: <sip:alice@192.168.20.77>;expires=7200", f"{CONTACT};expires=60"],
        60.0,
    ),
}


@pytest.mark.parametrize("title", GRANTS)
def test_a_registration_ends_with_the_time_that_the_registrar_granted(title: str) -> None:
    """RFC 3261 10.2.4: the 2xx names for each contact when it will be gone; 10.3: a binding whose
    time is over is no binding any more."""
    asked, answered, seconds = GRANTS[title]
    bystander = Bystander(register("REGISTER", CONTACT, *asked))
    bystander.hear(register("200 OK", *answered))
    bystander.wait(seconds - 2.0)
    (row,) = bystander.rows
    assert (row["state"], row["expires_in"]) == ("registered", 1.0)
    bystander.wait(1.5)
    (row,) = bystander.rows
    assert (row["state"], row["since"], row["expires_in"]) == ("expired", 1.0 + seconds, None)
    assert bystander.states == ["registering", "registered", "expired"]


def test_who_registers_again_in_time_stays_registered() -> None:
    """Also while the new request waits for its answer, and after a password was asked for."""
    bystander = Bystander()
    for _ in range(5):
        bystander.hear(register("REGISTER", CONTACT))
        bystander.hear(register("401 Unauthorized"))
        bystander.hear(register("REGISTER", CONTACT))
        bystander.hear(register("200 OK", f"{CONTACT};expires=60"))
        bystander.wait(50.0)
    assert bystander.states == ["registering", "registered"]
    bystander.wait(10.0)
    assert bystander.states[-1] == "expired"
    bystander.hear(register("REGISTER", CONTACT))
    bystander.hear(register("200 OK", f"{CONTACT};expires=60"))
    assert bystander.states[-2:] == ["registering", "registered"]


def test_a_phone_finds_its_own_contact_in_the_answer_as_it_reads_it() -> None:
    """An ALG restores what the phone wrote; as the registrar writes it, it is another's."""
    external = CONTACT.replace("192.168.20.10", "203.0.113.1")
    other = "Contact: <sip:alice@198.51.100.5>;expires=7200"
    bystander = Bystander(register("REGISTER", CONTACT))
    bystander.hear(
        register("200 OK", other, f"{external};expires=60"),
        after=register("200 OK", other, f"{CONTACT};expires=60"),
    )
    assert bystander.rows[0]["expires_in"] == 59.0


def test_a_call_that_a_module_has_given_another_name_is_the_same_call() -> None:
    """The other end answers, and asks in the call, by the Call-ID that it has got."""
    bystander = Bystander()
    bystander.hear(invite(), after=message("INVITE", "INVITE", "c2"))
    bystander.hear(message("200 OK", "INVITE", "c2"))
    bystander.hear(message("INVITE", "INVITE", "c2"))
    assert bystander.states == ["trying", "answered"]
    assert len(bystander.rows) == 1


def test_who_asks_for_no_time_is_not_registered_whoever_else_is() -> None:
    """RFC 3261 10.2.2: an expiration of 0 removes a binding; the answer lists those of others."""
    bystander = Bystander(register("REGISTER", CONTACT), register("200 OK", CONTACT))
    bystander.hear(register("REGISTER", f"{CONTACT};expires=0"))
    bystander.hear(register("200 OK", "Contact: <sip:alice@192.168.20.77>;expires=7200"))
    assert bystander.states == ["registering", "registered", "unregistered"]


SILENCES = {
    "an INVITE that nobody answers: 64 * T1 (RFC 3261 17.1.1.2)": ([invite()], 32.0, "unanswered"),
    "a REGISTER that nobody answers": ([register()], 32.0, "unanswered"),
    "a phone that rings without a word (RFC 3261 16.6, Timer C)": (
        [invite(), invite("180 Ringing")], 180.0, "unanswered",
    ),
    "a proxy that has only said that it tries": (
        [invite(), invite("100 Trying")], 180.0, "unanswered",
    ),
    "a cancelled call whose INVITE is never answered": (
        [invite(), invite("180 Ringing"), message("CANCEL", "CANCEL")], 179.0, "cancelled",
    ),
}  # fmt: skip


@pytest.mark.parametrize("title", SILENCES)
def test_what_nobody_answers_does_not_go_on_for_ever(title: str) -> None:
    messages, seconds, state = SILENCES[title]
    bystander = Bystander(*messages)
    bystander.wait(seconds - 1.5)
    assert bystander.states[-1] != state
    bystander.wait(1.0)
    assert bystander.states[-1] == state


def test_an_answer_that_comes_very_late_is_an_answer() -> None:
    bystander = Bystander(invite())
    bystander.wait(40.0)
    bystander.hear(invite("200 OK"))
    assert bystander.states == ["trying", "unanswered", "answered"]


def test_an_answered_call_ends_by_no_time() -> None:
    bystander = Bystander(invite(), invite("200 OK"), ACK)
    bystander.wait(86_400.0)
    assert bystander.states == ["trying", "answered"]


# --- how many ------------------------------------------------------------------------------------


def numbered(start: str, number: int) -> bytes:
    return message(start, "INVITE", f"c{number}")


def test_a_host_that_begins_too_many_calls_loses_its_own_oldest() -> None:
    """Bounded memory: whoever sends INVITEs for ever fills its share, and nobody else's."""
    bystander = Bystander()
    bystander.hear(message("INVITE", "INVITE", "neighbour"), NEIGHBOUR)
    for number in range(REMEMBERED_OF_A_HOST + 5):
        bystander.calls.follow(
            Passage(numbered("INVITE", number), b"", Direction.OUT, "udp", PHONE, SERVER), 101.0
        )
    calls = [row["call"] for row in bystander.rows]
    assert len(calls) == 1 + REMEMBERED_OF_A_HOST
    assert calls[:2] == ["neighbour", "c5"]


def test_a_call_that_is_going_on_outlives_a_thousand_that_have_ended() -> None:
    bystander = Bystander(invite(), invite("200 OK"))
    for number in range(REMEMBERED + 5):
        bystander.hear(numbered("INVITE", number))
        bystander.hear(numbered("486 Busy Here", number))
    rows = bystander.rows
    assert len(rows) == REMEMBERED_OF_A_HOST
    assert (rows[0]["call"], rows[0]["state"]) == ("c1", "answered")
    assert [row["call"] for row in rows[1:3]] == [
        f"c{REMEMBERED + 6 - len(rows)}",
        f"c{REMEMBERED + 7 - len(rows)}",
    ]


def test_many_hosts_cannot_push_out_the_call_of_one() -> None:
    """When all are too many, the oldest of the host with the most calls goes."""
    bystander = Bystander()
    bystander.hear(message("INVITE", "INVITE", "neighbour"), NEIGHBOUR)
    for number in range(2 * REMEMBERED):
        phone = PHONE._replace(address=PHONE.address + 100 + number % 4)
        bystander.hear(numbered("INVITE", number), phone)
    calls = [row["call"] for row in bystander.rows]
    assert len(calls) == REMEMBERED
    assert "neighbour" in calls


def test_a_name_is_kept_only_as_far_as_anybody_would_read_it() -> None:
    long = b"sip:" + b"a" * 5000 + b"@example.net"
    (row,) = Bystander(invite().replace(b"sip:alice@example.net", long)).rows
    assert row["caller"] == "a" * LONGEST_NAME


def test_a_call_is_found_by_its_name_or_by_how_it_alone_begins() -> None:
    bystander = Bystander(message("INVITE", "INVITE", "abc"), message("INVITE", "INVITE", "abd"))

    def found(name: str) -> object:
        conversation = bystander.calls.find(name, 100.0, bystander.now)
        return conversation and conversation.row["call"]

    assert [found(name) for name in ("abc", "abd", "ab", "x", "")] == [
        "abc",
        "abd",
        None,
        None,
        None,
    ]
