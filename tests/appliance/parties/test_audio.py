"""Where a user agent sends its audio, and why."""

from __future__ import annotations

from random import Random

from appliance.parties.audio import Audio
from appliance.parties.machine import Machine
from appliance.parties.party import Datagram, Report, What
from appliance.parties.rtp import Stream
from appliance.parties.sipua import parse, sdp
from nat.endpoint import Endpoint

HERE, THERE = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("203.0.113.9:10000")
ELSEWHERE = Endpoint.parse("203.0.113.77:4444")
HEAD = "\r\n".join((
    "SIP/2.0 200 OK", "Via: SIP/2.0/UDP 192.168.20.100;branch=z9hG4bK1", "From: <sip:a@b>",
    "To: <sip:b@b>", "Call-ID: 1", "CSeq: 1 INVITE", "", "",
)).encode()  # fmt: skip
ANSWER = parse(HEAD + sdp("bob", THERE, 1))


class Desk:
    def __init__(self, comedia: bool = False) -> None:
        self.machine = Machine()
        self.ports: set[int] = set()
        self.audio = Audio(
            self.machine, "alice", HERE.address, Random(1), 4000, comedia, self.ports
        )

    def learnt(self) -> list[Report]:
        actions = self.machine.actions()
        return [each for each in actions if isinstance(each, Report) and each.what is What.LEARNT]


def spoken() -> bytes:
    return Stream(THERE, HERE, Random(2)).say()


def test_each_stream_has_an_even_port_of_its_own() -> None:
    desk = Desk()
    first, second = desk.audio.open(), desk.audio.open()
    assert [first.local.port, second.local.port] == [4000, 4002]
    desk.audio.close(first)
    assert desk.ports == {4002}
    assert desk.audio.open().local.port == 4000


def test_it_sends_to_where_the_session_description_says_and_says_why() -> None:
    """RFC 8866 5.7."""
    desk = Desk()
    stream = desk.audio.open()
    desk.audio.aim("alice", stream, ANSWER)
    assert stream.remote == THERE
    (report,) = desk.learnt()
    assert (report.who, report.detail, report.target) == ("alice", "sends audio to", THERE)
    assert report.ground is not None
    assert (report.ground.message, report.ground.field) == (ANSWER.wire, "sdp")


def test_with_comedia_it_follows_the_audio_and_says_so_once() -> None:
    """RFC 7362 4.1: latching."""
    desk = Desk(comedia=True)
    stream = desk.audio.open()
    packet = Datagram(ELSEWHERE, stream.local, spoken())
    assert [desk.audio.hear(packet), desk.audio.hear(packet)] == [True, False]
    assert stream.remote == ELSEWHERE
    (report,) = desk.learnt()
    assert report.target == ELSEWHERE


def test_without_comedia_it_does_not() -> None:
    desk = Desk()
    stream = desk.audio.open()
    assert not desk.audio.hear(Datagram(ELSEWHERE, stream.local, spoken()))
    assert (stream.remote, stream.heard) == (None, 1)
