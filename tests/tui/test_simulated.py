"""News from a simulation: its clock is turned by hand, and back is the same run once more."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.journal.events import Event, MessagePassed, SettingChanged, Started, encode
from appliance.sim.scenario import Turns
from appliance.sim.simulation import Simulation
from appliance.sim.staging import stage, turned_by_hand
from appliance.sim.stories import load_scenario
from tui.feed import FASTEST, FeedError, Wanted
from tui.model import Model
from tui.simulated import SimulationFeed


def simulation(knobs: dict[str, Any], turns: Turns | None = None) -> Simulation:
    story, settings = stage(load_scenario("one-way-audio"), turns or Turns())
    return Simulation(*turned_by_hand(story, settings, knobs))


def is_message(event: Event) -> bool:
    return isinstance(event, MessagePassed)


async def test_virtual_time_follows_the_wall_clock_at_the_chosen_speed() -> None:
    feed = SimulationFeed(simulation, speed=2.0)
    assert (await feed.next_frame(1.5, running=True)).now == 3.0
    assert (await feed.next_frame(9.0, running=False)).now == 3.0


async def test_each_event_is_told_once_and_the_first_one_is_the_start() -> None:
    feed = SimulationFeed(simulation)
    first = await feed.next_frame(3.0, running=True)
    assert isinstance(first.events[0], Started)
    second = await feed.next_frame(1.0, running=True)
    ids = [event.id for event in (*first.events, *second.events)]
    assert ids == list(range(1, len(ids) + 1))


async def test_a_frame_holds_the_tables_as_glassnat_show_has_them() -> None:
    frame = await SimulationFeed(simulation).next_frame(3.0, running=True)
    assert frame.flows is not None
    assert frame.flows[0]["internal"] == "192.168.20.100:5060"
    assert frame.settings is not None
    assert frame.settings["alg.sip.module"] == "off"


async def test_a_step_goes_to_the_next_event_and_no_further() -> None:
    feed = SimulationFeed(simulation)
    await feed.next_frame(0.0, running=True)
    feed.step(lambda event: True)
    frame = await feed.next_frame(0.0, running=False)
    assert frame.now < 1.0
    assert len(frame.events) > 0


async def test_a_knob_acts_at_once_and_stays_for_the_next_run() -> None:
    feed = SimulationFeed(simulation)
    await feed.next_frame(3.0, running=True)
    await feed.set("alg.sip.module", "sip")
    frame = await feed.next_frame(0.0, running=True)
    assert [event.new for event in frame.events if isinstance(event, SettingChanged)] == ["sip"]
    feed.restart()
    frame = await feed.next_frame(0.0, running=True)
    assert frame.now == 0.0
    assert frame.settings is not None
    assert frame.settings["alg.sip.module"] == "sip"


@pytest.mark.slow
async def test_a_run_again_with_the_correct_alg_turns_one_way_audio_into_a_conversation() -> None:
    feed = SimulationFeed(simulation, speed=FASTEST)
    words = []
    for module in ("off", "sip"):
        await feed.set("alg.sip.module", module)
        feed.restart()
        model = Model()
        while not feed.ended:
            model.take(await feed.next_frame(1.0, running=True))
        assert model.outcome is not None
        words.append(model.outcome.outcome)
    assert words == ["one-way-audio", "both-ways"]


async def test_a_wrong_value_is_refused_with_a_sentence_and_changes_nothing() -> None:
    feed = SimulationFeed(simulation)
    with pytest.raises(FeedError, match="sipp"):
        await feed.set("alg.sip.module", "sipp")
    frame = await feed.next_frame(0.0, running=True)
    assert frame.settings is not None
    assert frame.settings["alg.sip.module"] == "off"


async def story_of(feed: SimulationFeed) -> list[str]:
    """What happened so far, as it would be recorded."""
    return [encode(event).decode() for event in feed.simulation.log.since(0)]


async def test_back_is_the_same_run_up_to_the_message_before() -> None:
    """The same bytes: whoever goes back and forth sees nothing else."""
    feed = SimulationFeed(simulation)
    seen = []
    for _message in range(5):
        assert isinstance(feed.step(is_message), MessagePassed)
        seen.append(await story_of(feed))
    for before in reversed(seen[:-1]):
        event = feed.back(is_message)
        assert isinstance(event, MessagePassed)
        assert await story_of(feed) == before
    assert feed.back(is_message) is None
    assert len(await story_of(feed)) == 1


@pytest.mark.slow
async def test_back_from_the_end_is_the_last_message_and_the_clock_can_go_on() -> None:
    feed = SimulationFeed(simulation)
    feed.finish()
    event = feed.back(is_message)
    assert isinstance(event, MessagePassed)
    assert event.summary == "200 OK (BYE)"
    assert not feed.ended
    assert feed.step(is_message) is None
    assert feed.ended


async def test_what_was_turned_on_the_way_is_turned_again_on_the_way_back() -> None:
    feed = SimulationFeed(simulation)
    await feed.next_frame(3.0, running=True)
    await feed.set("alg.sip.module", "sip")
    await feed.next_frame(10.0, running=True)
    answer = feed.back(is_message)
    assert isinstance(answer, MessagePassed)
    modules = [
        each.module for each in feed.simulation.log.since(0) if isinstance(each, MessagePassed)
    ]
    assert (modules[0], modules[-1]) == ("off", "sip")


async def test_a_trait_of_a_party_acts_from_the_next_run_on() -> None:
    feed = SimulationFeed(simulation)
    with pytest.raises(FeedError, match="comedia"):
        await feed.set("parties.pbx.comedi", True)
    await feed.set("parties.pbx.comedia", True)
    feed.restart()
    feed.finish()
    assert feed.simulation.outcome().outcome == "both-ways"


async def test_a_step_of_the_guide_is_staged_with_nothing_else_turned() -> None:
    feed = SimulationFeed(simulation)
    await feed.set("alg.sip.module", "sip")
    feed.stage(Turns(set={"nat.timeouts.udp": "30s"}))
    settings = feed.simulation.engine.settings
    assert (settings["alg.sip.module"], settings["nat.timeouts.udp"]) == ("off", 30.0)
    assert feed.knobs == {}


@pytest.mark.slow
async def test_what_would_have_helped_is_tried_beside_the_run() -> None:
    feed = SimulationFeed(simulation)
    feed.finish()
    before = await story_of(feed)
    assert (await feed.remedies())[0].set == {"parties.pbx.comedia": True}
    assert await story_of(feed) == before


async def test_a_run_is_called_by_what_was_turned_in_it_and_not_by_what_waits_for_the_next() -> (
    None
):
    feed = SimulationFeed(simulation)
    assert feed.label == "off"
    await feed.set("alg.sip.module", "sip")
    await feed.set("parties.pbx.comedia", True)
    assert feed.label == "sip"
    feed.restart()
    await feed.set("parties.pbx.comedia", False)
    feed.go_to(30.0)
    await feed.set("alg.sip.module", "off")
    assert feed.label == "sip pbx.comedia true ALG off at 30 s"
    feed.go_to(feed.simulation.duration)
    await feed.set("nat.timeouts.udp", 15.0)
    assert feed.label == "sip pbx.comedia true ALG off at 30 s"
    step = Turns(profile="cgn", set={"parties.pbx.comedia": True})
    feed.stage(step)
    assert feed.label == "off profile cgn pbx.comedia true"
    assert feed.knobs_to_come["parties.pbx.comedia"] is True


async def test_flush_answers_how_many() -> None:
    feed = SimulationFeed(simulation)
    await feed.next_frame(3.0, running=True)
    assert await feed.flush() == 1


async def test_packets_that_have_passed_are_seen_in_the_same_run_once_more() -> None:
    feed = SimulationFeed(simulation)
    await feed.next_frame(3.0, running=True)
    await feed.set("alg.sip.module", "sip")
    before = await feed.next_frame(1.0, running=True)
    story = await story_of(feed)
    feed.wanted = Wanted(points=True)
    frame = await feed.next_frame(0.0, running=False)
    assert (frame.now, list(frame.events)) == (before.now, [])
    assert await story_of(feed) == story
    packets = {seen.packet for seen in frame.points}
    assert len(packets) == len([each for each in story if '"message-passed"' in each])
    feed.wanted = Wanted()
    assert (await feed.next_frame(5.0, running=True)).points == []
