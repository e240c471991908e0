"""How often a phone registers, and what it does when that is too often for its registrar."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from appliance.parties.party import What
from appliance.parties.sipua import parse

if TYPE_CHECKING:
    from conftest import Pair, Room

    MakePair = Callable[..., Pair]


def asked(room: Room) -> list[float]:
    return [at for at, line in room.starts() if line.startswith("REGISTER")]


def test_a_phone_may_register_at_an_interval_of_its_own(room: Room, a_pair: MakePair) -> None:
    a_pair({"register_every": 50.0})
    room.run_until(160.0)
    assert asked(room) == [0.0, 50.0, 100.0, 150.0]


def test_what_is_too_brief_is_asked_for_again_with_the_shortest_that_is_taken(
    room: Room, a_pair: MakePair
) -> None:
    """RFC 3261 10.2.8 and 21.4.17: 423 with Min-Expires. It is one registration, not a failure."""
    a_pair({"expires": 60}, {"min_expires": 120})
    registers = [parse(send.payload) for _, send in room.sent if b"REGISTER sip" in send.payload]
    assert [each.get("contact").rpartition("=")[2] for each in registers] == ["60", "120"]
    assert "SIP/2.0 423 Interval Too Brief" in [line for _, line in room.starts()]
    assert len(room.said(What.REGISTRATION_TRIED)) == 1
    assert len(room.said(What.REGISTRATION_ACCEPTED)) == 1
    room.run_until(70.0)
    assert asked(room) == [0.0, 0.0, 60.0]


def test_signing_off_is_a_registration_of_no_time_and_the_last_one(
    room: Room, a_pair: MakePair
) -> None:
    """RFC 3261 10.2.2."""
    pair = a_pair({"register_every": 50.0})
    room.tell(pair.phone, "sign-off")
    room.run_until(200.0)
    registers = [parse(send.payload) for _, send in room.sent if b"REGISTER sip" in send.payload]
    assert [each.get("contact").rpartition("=")[2] for each in registers] == ["3600", "0"]


def test_a_phone_registers_at_each_of_its_registrars(room: Room, a_pair: MakePair) -> None:
    a_pair({"other_registrars": ["203.0.113.10:5060"]})
    asked = {send.destination for _, send in room.sent if b"REGISTER sip" in send.payload}
    assert {str(each) for each in asked} == {"203.0.113.9:5060", "203.0.113.10:5060"}


def test_the_domain_of_a_phone_is_a_name_or_its_registrars_address(
    room: Room, a_pair: MakePair
) -> None:
    """RFC 3261 8.1.1.3; a phone that was told of none writes its own address into From."""
    for traits in ({"domain": "voice.example"}, {"own_domain": True}):
        a_pair(traits)
    first, second = (
        parse(send.payload) for _, send in room.sent if b"REGISTER sip" in send.payload
    )
    assert (first.request_uri, first.get("to")) == (
        "sip:voice.example",
        "<sip:alice@voice.example>",
    )
    assert (second.request_uri, second.get("to")) == (
        "sip:203.0.113.9",
        "<sip:alice@192.168.20.100>",
    )


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_challenge_is_answered_by_who_has_a_password(a_pair: MakePair, algorithm: str) -> None:
    """RFC 3261 22.2: the request again, with Authorization, in a transaction of its own."""
    pair = a_pair({"password": "secret"}, {"password": "secret", "algorithm": algorithm})
    starts = [line for _, line in pair.room.starts()]
    assert starts == [
        "REGISTER sip:203.0.113.9", "SIP/2.0 401 Unauthorized",
        "REGISTER sip:203.0.113.9", "SIP/2.0 200 OK",
    ]  # fmt: skip
    first, second = (parse(pair.room.sent[number][1].payload) for number in (0, 2))
    assert (first.cseq, second.cseq) == (1, 2)
    assert first.get("authorization") == ""
    assert second.get("authorization").startswith('Digest username="alice", realm="pbx"')


@pytest.mark.parametrize(
    ("lifetime", "answers"), [(300.0, [401, 200, 200, 200]), (60.0, [401, 200, 401, 200, 401, 200])]
)
def test_a_nonce_is_reused_until_it_is_stale(
    a_pair: MakePair, lifetime: float, answers: list[int]
) -> None:
    """RFC 7616 3.6, 3.3: whoever is told that it is stale proves the same with the new one."""
    pair = a_pair(
        {"password": "secret", "reuses_nonce": True, "register_every": 100.0},
        {"password": "secret", "nonce_lifetime": lifetime},
    )
    pair.room.run_until(250.0)
    said = [line.split(" ")[1] for _, line in pair.room.starts() if line.startswith("SIP")]
    assert list(map(int, said)) == answers
    stale = [detail for *_, detail in pair.room.said(What.MESSAGE_REFUSED)]
    assert stale == ["401: the password is right, but the nonce is stale: its time is over"] * (
        answers.count(401) - 1
    )


@pytest.mark.parametrize("password", ["", "guessed"])
def test_who_has_no_password_or_a_wrong_one_is_refused(a_pair: MakePair, password: str) -> None:
    pair = a_pair({"password": password}, {"password": "secret"})
    assert pair.room.said(What.REGISTRATION_REFUSED) == [("alice", "", "401 Unauthorized")]
    refused = [detail for *_, detail in pair.room.said(What.MESSAGE_REFUSED)]
    assert refused == ["401: the credentials are wrong"] * (2 if password else 0)
