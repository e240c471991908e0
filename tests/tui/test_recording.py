"""A recording is looked at in both directions, and nothing of it can be changed."""

from __future__ import annotations

import pytest

from appliance.journal.events import MessagePassed, SettingChanged
from tests.tui.rows import expired
from tests.tui.stories import ended, one_way_audio
from tests.tui.test_simulated import is_message
from tests.tui.test_timing import FakeStage
from tui.feed import FeedError
from tui.model import EVENTS_KEPT
from tui.recording import RecordingFeed
from tui.timing import Timing


def feed() -> RecordingFeed:
    return RecordingFeed([*one_way_audio(), ended()])


async def test_a_moment_can_be_gone_to_forth_and_back() -> None:
    feed = RecordingFeed(one_way_audio())
    assert [feed.go_to(moment) for moment in (3.49, 1.2, 99.0)] == [False, True, False]
    assert (feed.now, feed.ended) == (12.0, True)


async def test_events_come_at_their_time() -> None:
    recording = feed()
    assert [event.t for event in (await recording.next_frame(1.01, True)).events] == [0, 1, 1, 1]
    assert [event.t for event in (await recording.next_frame(0.1, True)).events] == [1.021]
    assert not (await recording.next_frame(9.0, False)).events
    await recording.next_frame(60.0, True)
    assert (recording.ended, recording.now) == (True, 14.0)


async def test_the_table_is_made_of_what_was_opened_and_ended() -> None:
    recording = RecordingFeed([*one_way_audio(), expired(13.0)])
    frame = await recording.next_frame(5.0, True)
    assert [row["internal"] for row in frame.flows or ()] == ["192.168.20.100:5060"]
    assert (await recording.next_frame(60.0, True)).flows == []


async def test_settings_are_those_of_the_start_and_what_was_changed_since() -> None:
    change = SettingChanged(t=13.0, key="alg.sip.module", old="off", new="sip", who="screen")
    begun, *others = one_way_audio()
    begun.settings = {"alg.sip.module": "off"}  # type: ignore[attr-defined]
    recording = RecordingFeed([begun, *others, change])
    words = [(await recording.next_frame(t, t > 0)).settings for t in (0.0, 5.0, 60.0)]
    assert [(each or {})["alg.sip.module"] for each in words] == ["off", "off", "sip"]


async def test_the_keys_of_time_work_in_both_directions() -> None:
    stage = FakeStage(feed())
    timing = Timing(stage)
    seen = []
    for go in (timing.next_message, timing.next_message, timing.next_message, timing.last_message):
        await go()
        seen.append(stage.look.message.event.summary if stage.look.message else "")
    assert seen == ["INVITE", "100 Trying (INVITE)", "180 Ringing (INVITE)", "100 Trying (INVITE)"]


def test_back_from_the_end_and_to_the_beginning() -> None:
    recording = feed()
    recording.finish()
    passed = [recording.back(is_message) for _ in range(6)]
    assert [each.summary for each in passed if isinstance(each, MessagePassed)][::4] == [
        "ACK",
        "INVITE",
    ]
    assert passed[-1] is None
    assert recording.now == 0.0


async def test_nothing_can_be_turned() -> None:
    with pytest.raises(FeedError, match="recording"):
        await feed().set("nat.hairpin", False)
    with pytest.raises(FeedError, match="recording"):
        await feed().flush()


async def test_of_any_number_of_events_all_are_folded_and_what_is_kept_is_bounded() -> None:
    many = one_way_audio()[1:] * (EVENTS_KEPT // 5)
    stage = FakeStage(RecordingFeed(many))
    await stage.advance(60.0)
    assert stage.look.model.seen == len(many)
    assert len(stage.look.model.log) == EVENTS_KEPT
