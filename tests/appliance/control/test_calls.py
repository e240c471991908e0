"""`show call ID`: alice, inside, calls bob, outside; what the NAT knows of it, packet by packet."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.control.calls import FLOWS_PER_STEP, call
from appliance.journal.events import MessagePassed
from nat.endpoint import Direction, Side
from tests.support.conversation import wire
from tests.support.packets import EXTERNAL, A, R, udp
from tests.support.world import World

ALICE, BOB = f"{A}:5060", f"{R}:5060"


def message(first: str, method: str, port: int = 0, address: str = A, *lines: str) -> bytes:
    """With a description when it has a port."""
    head = [
        first,
        f"Via: SIP/2.0/UDP {ALICE};branch=z9hG4bK1",
        "From: <sip:alice@example.net>;tag=1",
        "To: <sip:bob@example.net>;tag=2",
        "Call-ID: c1@example.net",
        f"CSeq: 1 {method}",
        f"Contact: <sip:x@{address}:5060>",
        *(["Content-Type: application/sdp"] if port else []),
        "Content-Length: ?",
    ]
    body = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    body += [f"m=audio {port} RTP/AVP 0", *lines, ""]
    return wire("\n".join([*head, "", *(body if port else [""])]))


class Story:
    """One call, and what `show call` says of it."""

    def __init__(self, mode: str = "test", **settings: Any) -> None:
        self.world = World(settings, mode=mode)
        self.external = f"{EXTERNAL}:5060"

    def alice(self, *what: Any) -> None:
        """A message of alice's."""
        sent = self.world.pass_out(udp(ALICE, BOB, message(*what)))
        assert sent is not None
        self.external = str(sent.source)

    def bob(self, *what: Any) -> None:
        assert self.world.pass_in(udp(BOB, self.external, message(*what)))

    def answered(self, *lines: str) -> Story:
        """alice listens on 4000, bob on 6000."""
        self.alice("INVITE sip:bob@example.net SIP/2.0", "INVITE", 4000, A, *lines)
        self.bob("SIP/2.0 200 OK", "INVITE", 6000, R)
        self.alice("ACK sip:bob@example.net SIP/2.0", "ACK")
        return self

    def talk(self, port: int = 4000, seconds: int = 1) -> str:
        """alice sends audio from a port; answers from where it left."""
        for _ in range(seconds):
            self.world.wait(1.0)
            sent = self.world.pass_out(udp(f"{A}:{port}", f"{R}:6000", b"rtp"))
            assert sent is not None
        return str(sent.source)

    def listen(self, external: str, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.world.wait(1.0)
            assert self.world.pass_in(udp(f"{R}:6000", external, b"rtp"))

    def show(self, name: str = "c1") -> Any:
        steps = call(self.world.engine, name, self.world.now)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    @property
    def verdict(self) -> str:
        return str(self.show()["verdict"])


WITH_ALG = {"alg.sip.module": "sip"}


def test_a_call_is_shown_with_all_that_belongs_to_it() -> None:
    story = Story(**WITH_ALG).answered()
    announced = {
        each["media"]: each for each in story.show()["announced"] if each["party"] == "alice"
    }
    external = announced["audio"]["shown"]
    assert external.startswith(f"{EXTERNAL}:")
    assert announced["audio"] == {
        "media": "audio", "party": "alice", "side": "inside", "own": f"{A}:4000",
        "shown": external, "sends": True, "hears": True,
    }  # fmt: skip
    assert story.talk(seconds=3) == external
    story.listen(external, seconds=2)
    shown = story.show()
    assert (shown["call"], shown["state"]) == ("c1@example.net", "answered")
    assert (shown["packets_out"], shown["packets_in"]) == (3, 2)
    assert [flow["carries"] for flow in shown["flows"]] == ["signalling", "audio"]
    (audio,) = [flow for flow in shown["flows"] if flow["carries"] == "audio"]
    assert (audio["internal"], audio["external"]) == (f"{A}:4000", external)
    inside = {each["internal"] for each in shown["expectations"]}
    assert {f"{A}:4000", f"{A}:4001"} <= inside
    assert {each["parent"].split()[-1] for each in shown["expectations"]} == {"c1@example.net"}
    assert shown["verdict"] == "audio passes both ways"


def test_who_hears_nothing_is_named_and_since_when() -> None:
    story = Story(**WITH_ALG).answered()
    assert story.verdict == "the call was answered just now, and not everything flows yet"
    story.talk(seconds=8)
    assert story.verdict == "alice has heard nothing for 8 s"


def test_silence_counts_from_the_last_packet() -> None:
    story = Story(**WITH_ALG).answered()
    external = story.talk(seconds=2)
    story.listen(external)
    story.talk(seconds=5)
    assert story.verdict == "alice has heard nothing for 5 s"
    story.listen(external, seconds=4)
    assert story.verdict == "bob has been sent nothing for 4 s"


def test_audio_that_leaves_from_where_nobody_was_told_is_said_so() -> None:
    """The peer sends to the announced port, and by that the phone hears nothing: its own audio goes
    another way."""
    story = Story(**WITH_ALG).answered()
    left = story.talk(port=4444, seconds=8)
    announced = next(
        each["shown"] for each in story.show()["announced"] if each["side"] == "inside"
    )
    assert story.verdict == (
        f"alice has heard nothing for 8 s; alice's audio leaves from {left}, "
        f"which was not announced ({announced} was)"
    )
    assert "not announced" in [flow["carries"] for flow in story.show()["flows"]]


def test_without_alg_the_private_address_leads_nowhere_and_is_said_so() -> None:
    story = Story().answered()
    left = story.talk(seconds=4)
    assert story.verdict == (
        "alice has heard nothing for 4 s; what was announced for alice's audio, "
        f"{A}:4000, does not lead there; alice's audio leaves from {left}, "
        f"which was not announced ({A}:4000 was)"
    )
    assert story.show()["expectations"] == []


def test_a_silence_that_was_agreed_is_no_fault() -> None:
    """RFC 3264 8.4: a call on hold."""
    story = Story(**WITH_ALG).answered("a=inactive")
    story.world.wait(60.0)
    assert story.verdict == "the call is on hold: nobody has agreed to send anything"
    story = Story(**WITH_ALG).answered("a=sendonly")
    story.talk(seconds=9)
    assert story.verdict == "audio passes as it was agreed"


def test_after_a_hold_silence_counts_from_when_it_was_ended() -> None:
    """RFC 3264 8.4: a re-INVITE with another direction; the silence before it was agreed."""
    story = Story(**WITH_ALG).answered("a=inactive")
    story.world.wait(60.0)
    story.alice("INVITE sip:bob@example.net SIP/2.0", "INVITE", 4000)
    story.bob("SIP/2.0 200 OK", "INVITE", 6000, R)
    story.world.wait(5.0)
    assert story.verdict == "alice has heard nothing for 5 s; bob has been sent nothing for 5 s"


def test_an_offer_that_is_refused_was_never_agreed() -> None:
    """RFC 3264 8: what was agreed before goes on."""
    story = Story(**WITH_ALG).answered()
    story.alice("INVITE sip:bob@example.net SIP/2.0", "INVITE", 4444, A, "a=inactive")
    story.bob("SIP/2.0 488 Not Acceptable Here", "INVITE", 0, R)
    announced = [each for each in story.show()["announced"] if each["media"] == "audio"]
    assert [each["own"] for each in announced] == [f"{A}:4000", f"{R}:6000"]
    external = story.talk()
    story.listen(external)
    assert story.verdict == "audio passes both ways"


def test_who_calls_its_own_name_is_told_from_the_other_side() -> None:
    story = Story(**WITH_ALG)
    same = b"sip:alice@example.net"
    for side, first, port, address in (
        ("out", "INVITE sip:bob@example.net SIP/2.0", 4000, A),
        ("in", "SIP/2.0 200 OK", 6000, R),
    ):
        data = message(first, "INVITE", port, address).replace(b"sip:bob@example.net", same)
        ends = (ALICE, BOB) if side == "out" else (BOB, story.external)
        story.world.put(Side(side == "in"), udp(*ends, data))
    story.world.wait(4.0)
    assert story.verdict == "alice has heard nothing for 4 s; alice has been sent nothing for 4 s"


def test_one_description_alone_says_nothing_of_what_was_agreed() -> None:
    story = Story(**WITH_ALG)
    story.alice("INVITE sip:bob@example.net SIP/2.0", "INVITE", 4000)
    story.bob("SIP/2.0 200 OK", "INVITE", 0, R)
    assert story.verdict == "the call is answered, but only one description of its media was seen"


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        ("180 Ringing", "ringing", "bob is being called and has not answered yet"),
        ("486 Busy Here", "busy", "bob was busy"),
        ("487 Request Terminated", "cancelled", "alice gave up before anybody answered"),
    ],
)
def test_a_call_that_is_not_going_on_says_why(status: str, state: str, said: str) -> None:
    story = Story(**WITH_ALG)
    story.alice("INVITE sip:bob@example.net SIP/2.0", "INVITE", 4000)
    story.bob(f"SIP/2.0 {status}", "INVITE", 0, R)
    shown = story.show()
    assert (shown["state"], shown["verdict"]) == (state, said)


def test_an_answered_call_without_description_says_that_it_knows_nothing() -> None:
    story = Story(**WITH_ALG)
    story.alice("INVITE sip:bob@example.net SIP/2.0", "INVITE")
    story.bob("SIP/2.0 200 OK", "INVITE", 0, R)
    assert story.verdict == "the call is answered, but no description of its media was seen"


def test_a_call_that_does_not_exist_is_none() -> None:
    assert Story().show("c1") is None


def test_all_flows_are_looked_at_some_at_a_time() -> None:
    """Packets have their turn in between (`session.Gathering`)."""
    story = Story().answered()
    for port in range(FLOWS_PER_STEP):
        story.world.pass_out(udp(f"{A}:{10000 + port}", f"{R}:9", b""))
    steps = list(call(story.world.engine, "c1", story.world.now))
    assert len(steps) == len(story.world.table.flows) // FLOWS_PER_STEP == 1


def test_a_flow_that_ends_while_others_are_looked_at_is_left_out() -> None:
    story = Story(**WITH_ALG).answered()
    story.talk()
    for port in range(FLOWS_PER_STEP):
        story.world.pass_out(udp(f"{A}:{10000 + port}", f"{R}:9", b""))
    steps = call(story.world.engine, "c1", story.world.now)
    next(steps)
    story.world.engine.flush(story.world.now)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value["flows"] == []


def test_the_last_packet_of_each_direction_is_dated() -> None:
    story = Story().answered()
    (flow,) = story.world.table.flows.values()
    assert flow.outbound.direction is Direction.OUT
    assert (flow.outbound.last, flow.inbound.last) == (0.0, 0.0)
    story.talk(seconds=5)
    audio = max(story.world.table.flows.values(), key=lambda each: each.id)
    assert (audio.outbound.last, audio.inbound.last) == (5.0, None)


def test_audio_for_another_inside_host_is_a_warning() -> None:
    """A PBX with direct media announces the phone, which is not who speaks to us: the address stays
    private and the message says so as well."""
    story = Story(**{"alg.sip.module": "sip"})
    invite = message("INVITE sip:bob@example.net SIP/2.0", "INVITE", 4000)
    other = invite.replace(f"c=IN IP4 {A}".encode(), b"c=IN IP4 192.168.20.11")
    assert other != invite
    other = other.replace(
        b"Content-Length: %d" % len(invite.partition(b"\r\n\r\n")[2]),
        b"Content-Length: %d" % len(other.partition(b"\r\n\r\n")[2]),
    )
    assert story.world.pass_out(udp(ALICE, BOB, other))
    (warning,) = story.show()["warnings"]
    assert "audio is to go to 192.168.20.11:4000, another inside host" in warning
    (passed,) = story.world.told(MessagePassed)
    assert "audio is to go to 192.168.20.11:4000, which is another inside host" in passed.note
    assert b"c=IN IP4 192.168.20.11" in passed.after.encode("latin-1")


@pytest.mark.parametrize("module", ["off", "sip"])
def test_a_phone_s_own_audio_is_none(module: str) -> None:
    assert Story(**{"alg.sip.module": module}).answered().show()["warnings"] == []
