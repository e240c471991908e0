"""How often a phone registers, and what it does when that is too often for its registrar."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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
