"""A recording as packets and as a page: the bytes of its messages, and every sentence."""

from __future__ import annotations

from typing import Literal

import pytest

from alg.registry import APPLICATIONS
from appliance.forensics.exporting import as_markdown, as_pcapng
from appliance.forensics.messages import packets as reading
from appliance.forensics.messages.capture import frames
from appliance.forensics.recordings import Recording
from appliance.journal.events import Event, MessagePassed, Started
from appliance.settings import files as config
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario
from tests.support.packets import assert_sound


def recorded(*sets: str, transport: Literal["udp", "tcp"] = "udp") -> Recording:
    story = load_scenario("one-way-audio")
    for party in story.parties.values():
        party.transport = transport
    simulation = Simulation(story, config.for_scenario(story.name, story.settings, None, sets))
    simulation.run_until(8.0)
    events: list[Event] = list(simulation.log.since(0))
    assert isinstance(events[0], Started)
    return Recording(events[0], events)


def messages(recording: Recording) -> list[MessagePassed]:
    return [event for event in recording.events if isinstance(event, MessagePassed)]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_every_message_is_there_as_it_came_and_as_it_left(
    transport: Literal["udp", "tcp"],
) -> None:
    recording = recorded("alg.sip.module=sip", transport=transport)
    data = as_pcapng(recording)
    for frame in frames(data):
        assert_sound(frame.data)
    application = [APPLICATIONS["sip"]]
    found, note = reading.messages(data, application, {"sip": [5060]})
    assert note == ""
    sent = [text for event in messages(recording) for text in (event.before, event.after)]
    assert sorted(each.data.decode("latin-1") for each in found) == sorted(sent)


def test_every_edit_stands_at_the_packet_that_has_it() -> None:
    recording = recorded("alg.sip.module=sip")
    data = as_pcapng(recording)
    for event in messages(recording):
        for change in event.changes:
            assert change.reason.encode() in data


def test_what_a_module_refused_did_not_leave() -> None:
    recording = recorded("alg.sip.module=sip-poor", 'alg.sip.faults=["block-unknown"]')
    first = messages(recording)[0]
    first.verdict = "dropped"
    count = len([*frames(as_pcapng(recording))])
    assert count == 2 * len(messages(recording)) - 1


def test_the_page_tells_how_it_ended_and_what_became_of_each_message() -> None:
    recording = recorded()
    page = as_markdown(recording)
    assert page.startswith("# One-way audio\n\nOutcome: one-way audio: bob hears alice (")
    assert page.count("\n## ") == 1 + len(messages(recording))
    assert "* The ALG is off: 192.168.20.100 stays in the c= line" in page


def test_a_changed_line_stands_there_twice() -> None:
    page = as_markdown(recorded("alg.sip.module=sip"))
    assert "- c=IN IP4 192.168.20.100\n+ c=IN IP4 203.0.113.1\n" in page


def test_nothing_in_a_message_can_leave_its_block() -> None:
    recording = recorded()
    messages(recording)[0].before = "A: ````\r\n# no heading \x1b[31m"
    page = as_markdown(recording)
    assert "\n````\r" not in page
    assert "\x1b" not in page
    assert not any(line.startswith("# no heading") for line in page.splitlines())
