"""Where a user agent sends its audio, and why."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from appliance.parties.audio import Audio
from appliance.parties.description import Description
from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Report, What
from appliance.parties.rtp import Stream
from appliance.parties.sipua import parse
from nat.endpoint import Endpoint
from tests.support.parties import phone_traits

HERE, THERE = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("203.0.113.9:10000")
ELSEWHERE = Endpoint.parse("203.0.113.77:4444")
HEAD = "\r\n".join((
    "SIP/2.0 200 OK", "Via: SIP/2.0/UDP 192.168.20.100;branch=z9hG4bK1", "From: <sip:a@b>",
    "To: <sip:b@b>", "Call-ID: 1", "CSeq: 1 INVITE", "", "",
)).encode()  # fmt: skip
ANSWER = parse(HEAD + Description("bob", THERE, 1).write())


class Desk:
    def __init__(self, **traits: Any) -> None:
        self.machine = Machine()
        self.ports: set[int] = set()
        self.silences: list[str] = []
        self.audio = Audio(
            self.machine, "alice", Random(1), phone_traits(**traits), self.ports,
            lambda call, why, now: self.silences.append(why),
        )  # fmt: skip

    def learnt(self) -> list[Report]:
        actions = self.machine.actions()
        return [each for each in actions if isinstance(each, Report) and each.what is What.LEARNT]


def spoken() -> bytes:
    return Stream(THERE, HERE, Random(2)).say()


def test_each_stream_has_an_even_port_of_its_own() -> None:
    desk = Desk()
    first, second = desk.audio.open(HERE.address), desk.audio.open(HERE.address)
    assert [first.local.port, second.local.port] == [4000, 4002]
    desk.audio.close(first)
    assert desk.ports == {4002}
    assert desk.audio.open(HERE.address).local.port == 4000


def test_it_sends_to_where_the_session_description_says_and_says_why() -> None:
    """RFC 8866 5.7."""
    desk = Desk()
    stream = desk.audio.open(HERE.address)
    desk.audio.aim("alice", stream, ANSWER)
    assert stream.remote == THERE
    (report,) = desk.learnt()
    assert (report.who, report.detail, report.target) == ("alice", "sends audio to", THERE)
    assert report.ground is not None
    assert (report.ground.message, report.ground.field) == (ANSWER.wire, "sdp")


def test_with_comedia_it_follows_the_audio_and_says_so_once() -> None:
    """RFC 7362 4: latching."""
    desk = Desk(comedia=True)
    stream = desk.audio.open(HERE.address)
    packet = Datagram(ELSEWHERE, stream.local, spoken())
    assert [desk.audio.hear(packet, 0.0), desk.audio.hear(packet, 0.0)] == [True, False]
    assert stream.remote == ELSEWHERE
    (report,) = desk.learnt()
    assert report.target == ELSEWHERE


def test_with_comedia_it_says_nothing_of_audio_that_it_does_not_send() -> None:
    """Nobody has told it of a port to send to, or it is on hold."""
    desk = Desk(comedia=True)
    stream = desk.audio.open(HERE.address)
    stream.may_send = False
    assert not desk.audio.hear(Datagram(ELSEWHERE, stream.local, spoken()), 0.0)
    assert desk.learnt() == []


def test_without_comedia_it_does_not() -> None:
    desk = Desk()
    stream = desk.audio.open(HERE.address)
    assert not desk.audio.hear(Datagram(ELSEWHERE, stream.local, spoken()), 0.0)
    assert (stream.remote, stream.heard) == (None, 1)


@pytest.mark.parametrize(("rtp_from", "source"), [(0, 4000), (4500, 4500)])
def test_audio_leaves_from_where_it_is_heard_unless_it_is_asymmetric(
    rtp_from: int, source: int
) -> None:
    """RFC 4961 4 wants one port for both; whatever it sends from, it listens and says 4000."""
    desk = Desk(rtp_from=rtp_from)
    stream = desk.audio.open(HERE.address)
    assert (stream.source.port, stream.local.port, desk.ports) == (source, 4000, {4000})
    assert b"m=audio 4000 " in desk.audio.describe("alice", stream)


@pytest.mark.parametrize(("fresh", "ports"), [(False, [4000, 4000]), (True, [4000, 4002])])
def test_the_next_call_takes_the_same_port_or_a_fresh_one(fresh: bool, ports: list[int]) -> None:
    desk = Desk(fresh_ports=fresh)
    taken = []
    for _ in ports:
        stream = desk.audio.open(HERE.address)
        taken.append(stream.local.port)
        desk.audio.close(stream)
    assert taken == ports


def test_rtcp_has_the_port_above() -> None:
    """RFC 3550 11."""
    desk = Desk(rtcp=True)
    streams = desk.audio.open(HERE.address), desk.audio.open(HERE.address)
    assert [each.control.local.port for each in streams if each.control] == [4001, 4003]
    assert desk.ports == {4000, 4001, 4002, 4003}
    desk.audio.close(streams[0])
    assert desk.ports == {4002, 4003}


def test_a_port_for_rtcp_that_is_not_the_one_above_is_named() -> None:
    """RFC 3605 2.1."""
    desk = Desk(rtcp=True, rtcp_port=4101)
    body = desk.audio.describe("alice", desk.audio.open(HERE.address))
    assert b"\r\na=rtcp:4101 IN IP4 192.168.20.100\r\n" in body


def test_the_version_grows_with_what_is_said() -> None:
    """RFC 3264 8: it stays with what is the same."""
    desk = Desk()
    stream = desk.audio.open(HERE.address)
    said = [
        desk.audio.describe("alice", stream, way) for way in ("sendrecv", "inactive", "inactive")
    ]
    assert len({body.split(b"\r\n")[1].split()[1] for body in said}) == 1
    versions = [int(body.split(b"\r\n")[1].split()[2]) for body in said]
    assert [version - versions[0] for version in versions] == [0, 1, 1]


def test_nothing_is_said_to_who_wants_nothing() -> None:
    """RFC 3264 8.4: on hold, and with "sendonly" there may be music or none."""
    desk = Desk()
    stream = desk.audio.open(HERE.address)
    held = Description("bob", THERE, 1, direction="sendonly").write()
    desk.audio.aim("alice", stream, parse(HEAD + held))
    assert (stream.may_send, stream.expects) == (False, False)
    zero = Description("bob", THERE._replace(address=0), 1).write()
    desk.audio.aim("alice", stream, parse(HEAD + zero))
    assert (stream.may_send, stream.expects) == (False, False)


def test_what_belongs_to_another_port_is_told_once() -> None:
    """RTP that a NAT has handed to the port of RTCP is not heard."""
    desk = Desk(rtcp=True)
    stream = desk.audio.open(HERE.address)
    astray = Datagram(THERE, HERE._replace(port=4001), spoken())
    assert [desk.audio.hear(astray, 0.0), desk.audio.hear(astray, 0.0)] == [True, False]
    reports = [each for each in desk.machine.actions() if isinstance(each, Report)]
    assert [each.detail for each in reports] == ["what comes to 192.168.20.100:4001 is no RTCP"]
    assert stream.heard == 0


def test_its_own_audio_that_comes_back_is_not_heard_and_told_once() -> None:
    """RFC 3550 8.2: a packet with one's own SSRC has gone round a loop."""
    desk = Desk()
    stream = desk.audio.open(HERE.address)
    for _ in range(2):
        desk.audio.hear(Datagram(ELSEWHERE, HERE, stream.say()), 0.0)
    actions = desk.machine.actions()
    told = [each for each in actions if isinstance(each, Report)]
    assert [each.what for each in told] == [What.MESSAGE_DISCARDED]
    assert stream.heard == 0
