"""What counters and announcements let one infer of a call: only where nothing ever came back."""

from __future__ import annotations

from math import inf

from appliance.gateway.silence import MOST_WATCHED, PATIENCE, SELDOM, Silence, Watch
from appliance.journal.events import SilenceInferred
from appliance.journal.sentences import Teller
from tests.appliance.control.test_calls import WITH_ALG, Story
from tests.support.packets import EXTERNAL, A, udp

PRIVATE = "192.168.7.7"


def sentences(story: Story) -> list[str]:
    return [each["sentence"] for each in story.show()["inferred"]]


def test_audio_that_was_told_a_private_address_never_gets_here() -> None:
    """RFC 1918 3: nobody outside has a way to it."""
    story = Story().answered()
    story.talk(seconds=7)
    assert sentences(story) == []
    story.talk()
    assert sentences(story) == [
        f"8 packets out, 0 back in 8 s: bob was told to send audio to {A}:4000, a private address, "
        "and what is sent there never reaches this NAT"
    ]
    (inferred,) = story.show()["inferred"]
    assert (inferred["party"], inferred["media"]) == ("alice", "audio")
    assert (inferred["packets_out"], inferred["packets_in"]) == (8, 0)


def test_where_all_was_announced_well_silence_is_all_there_is_to_say() -> None:
    story = Story(**WITH_ALG).answered()
    story.world.wait(PATIENCE)
    assert sentences(story) == []  # alice says nothing either
    story.talk()
    (said,) = sentences(story)
    assert (
        said
        == "1 packet out, 0 back in 9 s: nothing that bob sends arrives here, if anything is sent"
    )


def test_a_server_that_talks_to_where_audio_comes_from_needs_no_pity() -> None:
    """RFC 7362 4: what was announced is private, and something comes back all the same."""
    story = Story().answered()
    story.listen(story.talk())
    story.talk(seconds=20)
    assert sentences(story) == []


def test_an_address_beyond_this_nat_may_be_private_as_well() -> None:
    story = Story(**WITH_ALG)
    story.alice("INVITE sip:bob@example.net SIP/2.0", "INVITE", 4000, A)
    story.bob("SIP/2.0 200 OK", "INVITE", 6000, PRIVATE)
    story.alice("ACK sip:bob@example.net SIP/2.0", "ACK")
    story.world.wait(PATIENCE)
    assert sentences(story) == []  # nothing was sent there
    assert story.world.pass_out(udp(f"{A}:4000", f"{PRIVATE}:6000", b"rtp"))
    (said,) = sentences(story)
    assert f"alice was told to send audio to {PRIVATE}:6000, a private address beyond this" in said


def test_whoever_is_behind_the_same_nat_reaches_a_private_address_directly() -> None:
    story = Story()
    story.alice("INVITE sip:bob@example.net SIP/2.0", "INVITE", 4000, A)
    story.bob("SIP/2.0 200 OK", "INVITE", 6000, EXTERNAL)
    story.alice("ACK sip:bob@example.net SIP/2.0", "ACK")
    story.world.wait(PATIENCE)
    assert sentences(story) == []


def test_who_has_agreed_to_hear_nothing_misses_nothing() -> None:
    """RFC 3264 5.1."""
    story = Story().answered("a=sendonly")
    story.talk(seconds=20)
    assert sentences(story) == []


# --- as it happens -------------------------------------------------------------------------------


def test_it_is_told_once_as_inferred_and_shown_with_the_call() -> None:
    story = Story().answered()
    story.talk(seconds=40)
    (told,) = story.world.told(SilenceInferred)
    assert (told.t, told.call, told.party, told.inferred) == (8.0, "c1@example.net", "alice", True)
    (line,) = Teller().tell(told)
    assert line.partition("inferred: ")[2].startswith("alice hears nothing: 7 packets out, 0 back")
    (row,) = story.world.show("calls")
    assert "0 back in 24 s" in row["inferred"]  # looked at for the second time


def test_what_comes_back_takes_it_back() -> None:
    story = Story().answered()
    external = story.talk(seconds=9)
    story.listen(external, seconds=20)
    assert [row["inferred"] for row in story.world.show("calls")] == [""]


def test_a_call_that_is_over_is_looked_at_no_more() -> None:
    story = Story().answered()
    story.talk(seconds=4)
    story.alice("BYE sip:bob@example.net SIP/2.0", "BYE")
    story.world.wait(100.0)
    assert not story.world.told(SilenceInferred)
    assert story.world.engine.conversations.next_deadline() == inf


def test_in_a_simulation_nothing_is_inferred_because_the_parties_know() -> None:
    story = Story(mode="simulation").answered()
    story.talk(seconds=20)
    assert not story.world.told(SilenceInferred)


def test_looks_become_rarer_and_watched_calls_are_bounded() -> None:
    watch, silence = Watch(), [Silence("said", "alice", "audio", 1, 0, 8.0)]
    for number in range(MOST_WATCHED + 5):
        watch.begin(f"call {number}", 0.0)
    looks = list(watch.due(PATIENCE))
    assert len(looks) == MOST_WATCHED
    times, now, waited = [], PATIENCE, PATIENCE
    for _ in range(6):
        news = watch.note("call 1", silence, waited, now)
        assert bool(news) == (not times)
        now = watch.next_look()
        times.append(now)
        ((_, waited),) = watch.due(now)
    assert times[:3] == [24.0, 56.0, 120.0]
    assert times[-1] - times[-2] == SELDOM
    assert watch.note("call 1", [], waited, now) == []
    assert (watch.said, watch.next_look()) == ({}, inf)
