"""Who is where, for how long, and whom the registrar asks to keep the way open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from appliance.parties.party import Send, What
from nat.endpoint import Endpoint
from tests.support.parties import pbx_traits
from tests.support.sweep import sampled

if TYPE_CHECKING:
    from conftest import Pair, Room

    MakePair = Callable[..., Pair]

OWN = Endpoint.parse("192.168.20.100:5060")
SEEN = Endpoint.parse("203.0.113.1:5060")


def behind_nat(send: Send) -> Send:
    """A NAT without an ALG that keeps the port."""
    if send.source == OWN:
        return replace(send, source=SEEN)
    return replace(send, destination=OWN) if send.destination == SEEN else send


def rewritten(send: Send) -> Send:
    """A NAT with an ALG: messages show nothing of it."""
    sent = behind_nat(send)
    if send.source == OWN:
        return replace(sent, payload=sent.payload.replace(b"192.168.20.100", b"203.0.113.1"))
    return replace(sent, payload=sent.payload.replace(b"203.0.113.1:", b"192.168.20.100:"))


def pings(room: Room) -> list[float]:
    return [at for at, send in room.sent if send.payload == bytes(4)]


def test_a_ping_is_four_bytes_that_nobody_answers(room: Room, a_pair: MakePair) -> None:
    """Kamailio's nathelper: it comes in, and nothing goes out."""
    a_pair(pbx={"ping": 20.0})
    before = len(room.sent)
    room.run_until(50.0)
    assert pings(room) == [20.0, 40.0]
    assert len(room.sent) == before + 2


@pytest.mark.parametrize(
    ("way", "expected"), [(behind_nat, [20.0, 40.0]), (rewritten, []), (lambda send: send, [])]
)
def test_a_server_that_sees_no_nat_sends_no_keep_alives(
    room: Room, a_pair: MakePair, way: Callable[[Send], Send], expected: list[float]
) -> None:
    """An ALG that hides the NAT hides it from the server as well."""
    room.on_the_way = way
    a_pair(pbx={"ping": 20.0, "only_behind_nat": True, "nat": "yes"})
    room.run_until(50.0)
    assert pings(room) == expected


def test_a_registration_that_is_not_refreshed_ends(room: Room, a_pair: MakePair) -> None:
    pair = a_pair({"register_every": 500.0}, {"max_expires": 60})
    room.run_until(61.0)
    room.tell(pair.pbx, "call", "alice")
    assert room.said(What.CALL_UNREACHABLE) == [("bob", "alice", "alice is not registered")]
    learnt = [detail for _, _, detail in room.said(What.LEARNT)]
    assert any("whose registration has ended" in detail for detail in learnt)


def test_the_bounds_of_what_is_granted_must_leave_something() -> None:
    with pytest.raises(ValueError, match="is more than max_expires"):
        pbx_traits(min_expires=600, max_expires=300).check()


def test_who_registers_too_often_is_refused_until_a_minute_has_passed(
    room: Room, a_pair: MakePair
) -> None:
    """Kamailio's pike; RFC 3261 21.5.4. The phone tries again half a minute later."""
    a_pair({"register_every": 10.0}, {"most_registers": 3})
    room.run_until(65.0)
    refused = [at for at, line in room.starts() if line == "SIP/2.0 503 Service Unavailable"]
    assert refused == [30.0]
    assert len(room.said(What.REGISTRATION_ACCEPTED)) == 4


def another_via(send: Send) -> Send:
    """An ALG that plays the proxy."""
    lines = send.payload.partition(b"Via:")
    own = b"Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKalg\r\nVia:"
    is_request = send.source == OWN
    return replace(send, payload=lines[0] + own + lines[2]) if is_request else send


@pytest.mark.parametrize(("first_hop", "answer"), [(True, "439"), (False, "200")])
def test_a_server_that_wants_to_be_the_first_hop_refuses_what_came_by_a_proxy(
    room: Room, a_pair: MakePair, first_hop: bool, answer: str
) -> None:
    """RFC 5626 6."""
    room.on_the_way = another_via
    a_pair(pbx={"first_hop": first_hop})
    assert room.starts()[1][1].startswith(f"SIP/2.0 {answer}")


@pytest.mark.parametrize(("refuses", "answer"), [(True, "403"), (False, "200")])
def test_a_user_of_a_private_domain_is_refused_by_a_server_that_wants_none(
    room: Room, a_pair: MakePair, refuses: bool, answer: str
) -> None:
    a_pair({"own_domain": True}, {"refuses_private": refuses})
    assert room.starts()[1][1].startswith(f"SIP/2.0 {answer}")


@pytest.mark.parametrize(
    ("remembers", "is_called"), sampled([pytest.param(0.0, False), pytest.param(300.0, True)], 2)
)
def test_a_server_that_is_late_still_calls_a_phone_that_has_signed_off(
    room: Room, a_pair: MakePair, remembers: float, is_called: bool
) -> None:
    pair = a_pair(pbx={"remembers": remembers})
    room.tell(pair.phone, "sign-off")
    room.run_until(100.0)
    room.tell(pair.pbx, "call", "alice")
    room.run_until(400.0)
    assert bool(room.said(What.CALL_REACHED)) is is_called
    room.tell(pair.pbx, "call", "alice")
    assert room.said(What.CALL_UNREACHABLE)[-1] == ("bob", "alice", "alice is not registered")
