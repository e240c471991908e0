"""Ways for audio that are tried before they are used (RFC 8445)."""

from __future__ import annotations

from random import Random

import pytest

from appliance.parties import stun
from appliance.parties.description import Description, read
from appliance.parties.ice import GIVEN_UP, MISMATCH, MOST_CHECKS, NO_CANDIDATE, Ice
from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Report, Send, What
from appliance.parties.rtp import Stream
from appliance.parties.sipua import SipMessage
from appliance.parties.stun import StunMessage
from nat.endpoint import Endpoint

OWN, THEIRS = Endpoint.parse("203.0.113.9:10000"), Endpoint.parse("192.168.20.100:4000")
OUTSIDE = Endpoint.parse("203.0.113.1:4000")


class Desk:
    """Somebody with one stream."""

    def __init__(self, insists: bool = True) -> None:
        self.machine = Machine()
        self.machine.name = "bob"
        self.ice = Ice(self.machine, "bob", insists, Random(1))
        self.stream = Stream(OWN, None, Random(2))

    def is_told(self, media: Endpoint, *more: str) -> None:
        """The other side has described its audio, at `media` in c= and m=."""
        body = Description("alice", media, 1, ice=more).write()
        wanted = read(body)
        self.stream.remote = wanted.media
        message = SipMessage("INVITE sip:bob@203.0.113.9 SIP/2.0", [], body)
        self.ice.aim("bob", self.stream, wanted, message)
        self.ice.look(self.stream, 0.0)

    def sent(self) -> list[Send]:
        return [each for each in self.machine.actions() if isinstance(each, Send)]

    def hears(self, kind: int, transaction: bytes, source: Endpoint) -> list[Send]:
        payload = StunMessage(kind, transaction, {}).write()
        assert self.ice.hear(self.stream, Datagram(source, OWN, payload), 0.1)
        return self.sent()


def candidate(endpoint: Endpoint, component: int = 1, transport: str = "UDP") -> str:
    where = str(endpoint).replace(":", " ")
    return f"a=candidate:1 {component} {transport} 2130706431 {where} typ host"


def transaction_of(check: Send) -> bytes:
    message = stun.read(check.payload)
    assert message is not None
    assert message.kind == stun.BINDING_REQUEST
    return message.transaction


def test_nothing_is_sent_before_a_try_was_answered() -> None:
    desk = Desk()
    desk.is_told(THEIRS, candidate(THEIRS))
    (check,) = desk.sent()
    assert (check.source, check.destination) == (OWN, THEIRS)
    assert desk.stream.remote is None
    desk.hears(stun.BINDING_RESPONSE, transaction_of(check), THEIRS)
    assert desk.stream.remote == THEIRS


def test_where_a_try_comes_from_is_tried_too() -> None:
    """RFC 8445 7.3.1.4: a peer-reflexive candidate."""
    desk = Desk()
    desk.is_told(THEIRS, candidate(THEIRS))
    desk.sent()
    answer, back = desk.hears(stun.BINDING_REQUEST, bytes(16), OUTSIDE)
    said = stun.read(answer.payload)
    assert said is not None
    assert (said.kind, said.mapped) == (stun.BINDING_RESPONSE, OUTSIDE)
    desk.hears(stun.BINDING_RESPONSE, transaction_of(back), OUTSIDE)
    assert desk.stream.remote == OUTSIDE


def test_a_try_is_repeated_a_few_times() -> None:
    desk = Desk()
    desk.is_told(THEIRS, candidate(THEIRS))
    desk.machine.wake(60.0)
    for _ in range(2 * MOST_CHECKS):
        desk.machine.wake(60.0)
    desk.ice.look(desk.stream, 61.0)
    assert desk.sent() == []


@pytest.mark.parametrize(
    ("insists", "said", "remote"),
    [(True, NO_CANDIDATE, None), (False, "gives up ICE, as no candidate is", OUTSIDE)],
)
def test_what_is_written_twice_must_agree(
    insists: bool, said: str, remote: Endpoint | None
) -> None:
    """RFC 8445 5.4: c= and m= must be one of the candidates."""
    desk = Desk(insists)
    desk.is_told(OUTSIDE, candidate(THEIRS))
    (report,) = [each for each in desk.machine.actions() if isinstance(each, Report)]
    assert (report.what, report.detail) == (What.LEARNT, said)
    assert desk.stream.remote == remote
    assert desk.ice.lines(desk.stream) == (MISMATCH,)


def test_who_hears_of_a_mismatch_gives_up_too() -> None:
    desk = Desk()
    desk.is_told(THEIRS, MISMATCH)
    (report,) = [each for each in desk.machine.actions() if isinstance(each, Report)]
    assert report.detail == GIVEN_UP
    assert desk.stream.remote is None


def test_without_candidates_it_goes_by_what_is_written() -> None:
    desk = Desk()
    desk.is_told(THEIRS)
    assert desk.sent() == []
    assert desk.stream.remote == THEIRS


@pytest.mark.parametrize(
    "other", [candidate(THEIRS, 2), candidate(THEIRS, 1, "TCP"), "a=candidate:"]
)
def test_only_rtp_over_udp_counts(other: str) -> None:
    assert read(Description("alice", THEIRS, 1, ice=(other,)).write()).candidates == ()


def test_it_writes_what_it_is_and_what_it_is_outside() -> None:
    """RFC 8839 5.1."""
    desk = Desk()
    desk.stream.public = OUTSIDE
    body = Description("bob", OWN, 1, ice=desk.ice.lines(desk.stream)).write()
    assert read(body).candidates == (OWN, OUTSIDE)


def test_after_a_call_nobody_is_listened_to() -> None:
    desk = Desk()
    desk.is_told(THEIRS, candidate(THEIRS))
    desk.ice.forget(desk.stream)
    payload = StunMessage(stun.BINDING_REQUEST, bytes(16), {}).write()
    assert not desk.ice.hear(desk.stream, Datagram(OUTSIDE, OWN, payload), 0.1)
