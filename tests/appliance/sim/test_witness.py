"""What became of packets and messages: each event with what led to it."""

from __future__ import annotations

from appliance.journal.events import (
    Event,
    MessageAccepted,
    MessageDiscarded,
    MessagePassed,
    PacketLost,
    PartyLearnt,
)
from appliance.sim import knobs
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario
from tests.appliance.sim.test_simulation import simulation, staged


def told(run: Simulation) -> dict[int, Event]:
    run.run()
    return {event.id: event for event in run.log.since(0)}


def of(kind: type[Event], events: dict[int, Event]) -> list[Event]:
    return [event for event in events.values() if isinstance(event, kind)]


def test_who_sends_audio_where_is_told_with_the_message_that_said_so() -> None:
    events = told(simulation("one-way-audio", "off"))
    (learnt,) = (
        each
        for each in of(PartyLearnt, events)
        if isinstance(each, PartyLearnt) and each.party == "bob" and each.field == "sdp"
    )
    assert (learnt.does, learnt.target) == ("sends audio to", "192.168.20.100:4000")
    message = events[learnt.cause or 0]
    assert isinstance(message, MessagePassed)
    assert message.summary == learnt.summary == "INVITE"


def test_audio_that_gets_nowhere_is_lost_because_somebody_was_told_to_send_it_there() -> None:
    events = told(simulation("one-way-audio", "off"))
    lost = [each for each in of(PacketLost, events) if isinstance(each, PacketLost)]
    assert {(each.where, each.why) for each in lost} == {
        ("on the outside", "no route to 192.168.20.100")
    }
    assert sum(each.count for each in lost) > 2000
    assert len(lost) < 120  # at most two a second
    assert isinstance(events[lost[0].cause or 0], PartyLearnt)


def test_a_call_that_never_comes_to_the_nat_is_told_all_the_same() -> None:
    """The point of the story: the server sends to the Contact that was registered."""
    events = told(simulation("incoming-call", "off"))
    first = of(PacketLost, events)[0]
    assert isinstance(first, PacketLost)
    assert (first.summary, first.destination) == ("INVITE", "192.168.20.100:5060")
    learnt = events[first.cause or 0]
    assert isinstance(learnt, PartyLearnt)
    assert (learnt.party, learnt.field, learnt.summary) == ("pbx", "contact", "REGISTER")


def test_a_message_in_fragments_has_its_name_in_each() -> None:
    """RFC 791 3.2: only the first has the message's beginning; the number is in all of them."""
    story = knobs.turned(load_scenario("incoming-call"), {"parties.pbx.more_codecs": 20})
    run = staged(story, "off")
    run.run_until(5.1)
    lost = [each for each in run.log.since(0) if isinstance(each, PacketLost)]
    assert [(each.summary, each.destination) for each in lost] == [
        ("INVITE", "192.168.20.100:5060"),
        ("rest of the INVITE", "192.168.20.100:0"),
    ]


def test_a_discarded_message_says_who_discards_it_and_why() -> None:
    """RFC 3261 8.2.6.2: the Call-ID of the response must equal that of the request."""
    events = told(simulation("one-way-audio", "sip-poor:callid-oneway"))
    discarded = [
        each for each in of(MessageDiscarded, events) if isinstance(each, MessageDiscarded)
    ]
    assert {(each.party, each.summary, each.field) for each in discarded} == {
        ("alice", "200 OK (REGISTER)", "call-id")
    }
    assert all(isinstance(events[each.cause or 0], MessagePassed) for each in discarded)


def test_where_everything_arrives_nothing_is_told_of_losses() -> None:
    events = told(simulation("one-way-audio", "sip"))
    assert of(MessageDiscarded, events) == of(PacketLost, events) == []


def test_a_message_that_was_accepted_says_by_whom_and_what_came_of_it() -> None:
    events = told(simulation("one-way-audio", "sip"))
    accepted = [each for each in of(MessageAccepted, events) if isinstance(each, MessageAccepted)]
    assert [(each.party, each.summary, each.does) for each in accepted[:4]] == [
        ("pbx", "REGISTER", "sends 200"),
        ("alice", "200 OK (REGISTER)", "registration accepted"),
        ("pbx", "INVITE", "sends 100, 180"),
        ("alice", "100 Trying (INVITE)", ""),
    ]
    passed = [events[each.cause or 0] for each in accepted]
    assert passed == of(MessagePassed, events)
