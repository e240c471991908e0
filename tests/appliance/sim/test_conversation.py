"""A call in its parts: each is judged by itself."""

from __future__ import annotations

from random import Random

from appliance.parties.rtcp import Control
from appliance.parties.rtp import Stream
from appliance.sim.conversation import Conversation
from nat.endpoint import Endpoint

HERE, THERE = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("203.0.113.9:10000")


class Line:
    """Alice and bob on the telephone, and who hears whom."""

    def __init__(self) -> None:
        self.alice, self.bob = Stream(HERE, THERE, Random(1)), Stream(THERE, HERE, Random(2))
        self.call = Conversation("alice", "bob", streams={"alice": self.alice, "bob": self.bob})

    def say(self, packets: int, *, bob_hears: bool = True, alice_hears: bool = True) -> None:
        self.alice.sent += packets
        self.bob.sent += packets
        self.bob.heard += packets * bob_hears
        self.alice.heard += packets * alice_hears

    def verdict(self) -> tuple[str, list[str]] | None:
        """The part that failed, and who was not heard in it."""
        failed = self.call.failed()
        return None if failed is None else (failed[0].name, [each.talker for each in failed[1]])


def test_what_was_heard_before_says_nothing_about_what_is_heard_after() -> None:
    line = Line()
    line.call.begin("talking", 1.0, "alice", "bob")
    line.say(500)
    line.call.begin("resumed", 11.0, "alice", "bob")
    line.say(60, alice_hears=False)
    assert line.verdict() == ("resumed", ["bob"])


def test_on_hold_only_who_plays_music_is_to_be_heard() -> None:
    line = Line()
    line.call.begin("on hold", 1.0, "alice")
    line.say(60, alice_hears=False)
    assert line.verdict() is None
    line.call.begin("on hold again", 3.0, "alice")
    line.say(60, bob_hears=False)
    assert line.verdict() == ("on hold again", ["alice"])


def test_silence_where_somebody_should_talk_is_a_failure_too() -> None:
    """Nobody sends anything after the hold: both think that the other one holds."""
    line = Line()
    line.call.begin("talking", 1.0, "alice", "bob")
    line.say(60)
    line.call.begin("resumed", 3.0, "alice", "bob")
    line.call.end(5.0)
    assert line.verdict() == ("resumed", ["alice", "bob"])


def test_a_part_of_less_than_a_second_is_not_judged_if_there_are_others() -> None:
    line = Line()
    line.call.begin("talking", 1.0, "alice", "bob")
    line.say(60)
    line.call.begin("resumed", 3.0, "alice", "bob")
    line.say(10, alice_hears=False)
    line.call.end(3.2)
    assert line.verdict() is None
    assert line.call.was_heard()


def test_reports_that_reach_nobody_are_found() -> None:
    """RTCP is counted by itself."""
    line = Line()
    line.alice.control, line.bob.control = Control(HERE), Control(THERE)
    line.bob.control.heard = 2
    assert [each.talker for each in line.call.unreported("alice")] == ["bob"]
    assert line.call.unreported("bob") == ()
