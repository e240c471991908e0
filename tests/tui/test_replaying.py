"""A replay is looked at in both directions; what is turned is so from this moment on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from appliance.forensics.replaying import Turn
from appliance.journal.events import Event, SettingChanged
from tests.tui.stories import one_way_audio
from tui.feed import FeedError
from tui.replaying import ReplayFeed

SIP = "alg.sip.module"


def replayed(turned: Mapping[str, Any], turns: Sequence[Turn]) -> list[Event]:
    """The story of a call, with the changes of settings in their places."""
    begun, *others = one_way_audio()
    begun.settings = {SIP: "off", **turned}  # type: ignore[attr-defined]
    changes: list[Event] = []
    for turn in turns:
        if turn.value == "pour":
            raise ValueError("no such module")
        changes.append(
            SettingChanged(t=turn.t, key=turn.key, old="off", new=turn.value, who="screen")
        )
    return sorted([begun, *others, *changes], key=lambda event: event.t)


async def settings_at(feed: ReplayFeed) -> tuple[float, str]:
    frame = await feed.next_frame(0.0, False)
    assert frame.settings is not None
    return frame.now, frame.settings[SIP]


async def test_what_is_turned_is_so_from_this_moment_on_and_what_was_before_stays() -> None:
    feed = ReplayFeed(replayed)
    before = (await feed.next_frame(1.01, True)).events
    await feed.set(SIP, "sip")
    (change,) = (await feed.next_frame(0.0, False)).events
    assert (change.t, await settings_at(feed)) == (1.01, (1.01, "sip"))
    await feed.next_frame(60.0, True)
    while feed.back(lambda event: event.t < 1.0):
        pass
    feed.step(lambda event: event.t == before[-1].t)
    assert await settings_at(feed) == (before[-1].t, "off")


async def test_turned_again_before_that_moment_the_later_turn_is_forgotten() -> None:
    feed = ReplayFeed(replayed)
    await feed.next_frame(5.0, True)
    await feed.set(SIP, "sip")
    feed.back(lambda event: event.t < 1.0)
    await feed.set(SIP, "sip-poor:no-sdp")
    feed.finish()
    assert (await settings_at(feed))[1] == "sip-poor:no-sdp"


async def test_run_again_it_is_so_from_the_first_packet_on() -> None:
    feed = ReplayFeed(replayed)
    await feed.next_frame(5.0, True)
    await feed.set(SIP, "sip")
    feed.restart()
    assert await settings_at(feed) == (0.0, "sip")


async def test_what_is_refused_is_said_and_changes_nothing() -> None:
    feed = ReplayFeed(replayed)
    await feed.next_frame(5.0, True)
    with pytest.raises(FeedError, match="no such module"):
        await feed.set(SIP, "pour")
    with pytest.raises(FeedError, match="replay"):
        await feed.flush()
    assert await settings_at(feed) == (5.0, "off")
