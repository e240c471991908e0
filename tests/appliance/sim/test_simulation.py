"""Whole stories through the real engine."""

from __future__ import annotations

import cProfile
import pstats
from functools import cache

import msgspec
import pytest

from appliance.control import documents
from appliance.gateway.silence import PATIENCE, inferred
from appliance.journal.events import (
    CallOutcome,
    Event,
    MediaStats,
    MessagePassed,
    Started,
    decode,
    encode,
)
from appliance.settings.files import for_scenario
from appliance.sim.reading import read
from appliance.sim.scenario import Scenario
from appliance.sim.simulation import Simulation
from appliance.sim.stories import load_scenario
from tests.support.stories import ALICE_IS_CALLED, CALL, shelf
from tests.support.sweep import sampled

SCENARIOS = {scenario.name: scenario for scenario in shelf()}


def simulation(name: str, alg: str = "off", seed: int | None = None, *sets: str) -> Simulation:
    return staged(SCENARIOS[name], alg, seed, *sets)


def staged(scenario: Scenario, alg: str = "off", seed: int | None = None, *sets: str) -> Simulation:
    settings = for_scenario(
        scenario.name, scenario.settings, None, [f"alg.sip.module={alg}", *sets]
    )
    return Simulation(scenario, settings, seed)


@cache
def finished(name: str, alg: str = "off") -> Simulation:
    """One that has run to its end, to be looked at only."""
    run = simulation(name, alg)
    run.run()
    return run


def events(run: Simulation) -> list[Event]:
    return list(run.log.since(0))


def told(run: Simulation) -> list[bytes]:
    """All that it said, byte by byte."""
    return [encode(event) for event in events(run)]


# --- how stories end -----------------------------------------------------------------------------


@pytest.mark.slow
def test_a_plain_sip_poor_has_the_faults_of_the_scenario() -> None:
    assert simulation("one-way-audio", "sip-poor").run().outcome == "one-way-audio"


def test_with_off_bobs_audio_goes_to_the_private_address() -> None:
    outcome = finished("one-way-audio").outcome()
    to_bob, to_alice = outcome.evidence["audio"]  # type: ignore[misc]
    assert to_bob["heard"] == to_bob["sent"] > 2000
    assert (to_alice["listener"], to_alice["heard"]) == ("alice", 0)
    assert to_alice["sent"] > 2000
    assert outcome.evidence["lost"] == {"no route to 192.168.20.100": to_alice["sent"]}


def test_with_sip_all_is_heard_but_what_was_on_its_way_at_the_end() -> None:
    """The BYE closes the pinhole at once: what bob said in that moment is dropped."""
    outcome = finished("one-way-audio", "sip").outcome()
    for direction in outcome.evidence["audio"]:  # type: ignore[attr-defined]
        assert direction["sent"] - 2 <= direction["heard"] <= direction["sent"]


COMEDIA = (
    CALL.replace("users =", "force_rport = true\ncomedia = true\nusers =")
    .replace("duration = 9", "duration = 20")
    .replace("at = 6.0", "at = 15.0")
)


def test_a_pbx_that_knows_of_nat_needs_no_alg() -> None:
    """RFC 7362: latching."""
    assert staged(read(COMEDIA, "comedia")).run().outcome == "both-ways"


def test_a_mapping_that_has_expired_cannot_be_called_through() -> None:
    """The phone is registered, the PBX sends to where the REGISTER came from, and the NAT has
    forgotten it: RFC 4787 REQ-5 is about this."""
    table = COMEDIA.replace('at = 1.0\nparty = "alice"', 'at = 10.0\nparty = "pbx"')
    called = read(table.replace('whom = "bob"', 'whom = "alice"'), "expired")
    called.duration = 60.0
    called.script[2].at = 55.0
    assert staged(called, "off", None, "nat.timeouts.udp=5s").run().outcome == "not-reached"
    assert staged(called, "off", None, "nat.timeouts.udp=30s").run().outcome == "both-ways"


def test_and_qualify_keeps_it_open_when_inbound_traffic_does() -> None:
    """The phone answers each OPTIONS, and its answer goes out."""
    table = COMEDIA.replace('at = 1.0\nparty = "alice"', 'at = 10.0\nparty = "pbx"')
    table = table.replace("comedia = true", "comedia = true\nqualify = 2.0")
    called = read(table.replace('whom = "bob"', 'whom = "alice"'), "qualify")
    assert staged(called, "off", None, "nat.timeouts.udp=5s").run().outcome == "both-ways"


DEPENDENCE = ("endpoint-independent", "address-dependent", "address-and-port-dependent")


@pytest.mark.parametrize("ports", ["preserve", "random"])
@pytest.mark.parametrize("filtering", DEPENDENCE)
@pytest.mark.parametrize("mapping", sampled(DEPENDENCE, 3))
@pytest.mark.parametrize("story", [CALL, ALICE_IS_CALLED], ids=["alice calls", "alice is called"])
def test_the_correct_alg_makes_a_call_work_through_every_kind_of_nat(
    story: str, mapping: str, filtering: str, ports: str
) -> None:
    """RFC 4787 4.1, 4.2 and 5: no behaviour of the NAT may be needed for it."""
    kinds = (f"nat.mapping={mapping}", f"nat.filtering={filtering}", f"nat.ports={ports}")
    outcome = staged(read(story, "short"), "sip", None, *kinds).run()
    assert outcome.outcome == "both-ways", outcome.sentence


def test_without_an_alg_a_phone_cannot_even_register_when_its_port_is_not_kept() -> None:
    """RFC 3261 18.2.2: the answer goes to the port in the Via, which is not the NAT's."""
    story = read(CALL, "random ports")
    story.duration = 40.0
    outcome = staged(story, "off", None, "nat.ports=random").run()
    assert outcome.outcome == "registration-failed"
    assert outcome.evidence["lost"] == {"dropped by the NAT: no-mapping": 11}


# --- repeatability -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("alg", sampled(["off", "sip"], 2))
def test_the_same_scenario_and_seed_give_the_same_bytes(alg: str) -> None:
    """Promise 6."""
    again = simulation("one-way-audio", alg)
    again.run()
    assert told(again) == told(finished("one-way-audio", alg))


def test_another_seed_gives_other_bytes_and_the_same_outcome() -> None:
    usual, other = finished("one-way-audio"), simulation("one-way-audio", "off", 6)
    assert other.run().outcome == usual.outcome().outcome
    assert told(other) != told(usual)


def test_steps_and_leaps_come_to_the_same() -> None:
    stepped, leaped = (simulation("transfer-fails", "sip") for _ in range(2))
    whole = finished("transfer-fails", "sip")
    while stepped.step():
        pass
    for second in range(61):
        leaped.run_until(float(second))
    assert told(stepped) == told(whole)
    assert told(leaped) == told(whole)
    assert stepped.now == leaped.now == whole.now == whole.duration


# --- events --------------------------------------------------------------------------------------


def test_the_first_event_says_what_this_is() -> None:
    first = events(simulation("one-way-audio"))[0]
    assert isinstance(first, Started)
    assert (first.mode, first.scenario, first.seed) == ("simulation", "one-way-audio", 1)
    assert first.parties == {"192.168.20.100": "alice", "203.0.113.9": "pbx"}
    assert first.settings["outside.external"] == ["203.0.113.1"]


def test_every_event_survives_the_wire() -> None:
    run = finished("one-way-audio", "sip")
    for event in events(run):
        assert decode(encode(event)) == event


def test_audio_is_counted_once_a_second_in_both_directions() -> None:
    run = simulation("one-way-audio")
    run.run_until(10.0)
    stats = [event for event in events(run) if isinstance(event, MediaStats)]
    by_talker = [[event for event in stats if event.talker == who] for who in ("alice", "bob")]
    for counts in by_talker:
        assert [event.t for event in counts] == [5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
        assert {later.sent - sooner.sent for sooner, later in zip(counts, counts[1:])} == {50}  # noqa: B905, RUF007
    alice, bob = by_talker
    assert {event.lost_at for event in alice} == {""}
    assert {event.lost_at for event in bob} == {"no route to 192.168.20.100"}


def test_counting_stops_with_the_call() -> None:
    run = finished("one-way-audio")
    assert max(event.t for event in events(run) if isinstance(event, MediaStats)) <= 56.0


def test_an_outcome_is_caused_by_a_loss_that_is_caused_by_a_message() -> None:
    """The chain from symptom to cause: outcome, media-stats, the INVITE's description."""
    run = finished("one-way-audio")
    by_id = {event.id: event for event in events(run)}
    outcome = events(run)[-1]
    assert isinstance(outcome, CallOutcome)
    loss = by_id[outcome.cause or 0]
    assert isinstance(loss, MediaStats)
    assert loss.talker == "bob"
    message = by_id[loss.cause or 0]
    assert isinstance(message, MessagePassed)
    assert message.direction == "out"
    assert "c=IN IP4 192.168.20.100" in message.after


def test_the_outcome_is_told_when_it_shows_and_again_at_the_end() -> None:
    run = finished("one-way-audio")
    told = [event for event in events(run) if isinstance(event, CallOutcome)]
    assert [event.t for event in told] == [5.0, 60.0]
    assert {event.outcome for event in told} == {"one-way-audio"}
    assert told[-1].sentence == run.outcome().sentence


def test_the_outcome_of_each_call_is_told_when_it_shows() -> None:
    run = finished("sometimes-works", "sip")
    told = [event for event in events(run) if isinstance(event, CallOutcome)]
    known = [[row["outcome"] for row in calls] for calls in map(calls_of, told)]
    assert known == [["both-ways"], ["both-ways"] * 2, ["both-ways"] * 2]


def calls_of(event: CallOutcome) -> list[dict[str, object]]:
    calls = event.evidence["calls"]
    assert isinstance(calls, list)
    return calls


def test_the_end_is_told_once() -> None:
    run = finished("incoming-call")
    count = len(events(run))
    assert not run.step()
    run.run_until(1000.0)
    assert len(events(run)) == count
    assert run.now == run.duration


# --- while it runs -------------------------------------------------------------------------------


def test_switching_the_alg_lets_a_waiting_phone_register_and_dial() -> None:
    """Not at once: a repeated REGISTER gets the registrar's old answer again (RFC 3261 17.2.2).
    The next attempt, half a minute after the failed one, gets through, and then it dials."""
    story = SCENARIOS["one-way-audio"]
    patient = msgspec.structs.replace(story, duration=70.0, script=story.script[:2])
    run = staged(patient, "sip-poor:callid-oneway")
    run.run_until(10.0)
    assert run.judge.outcome() is None
    run.engine.set("alg.sip.module", "sip", "test", run.now)
    outcome = run.run()
    assert outcome.outcome == "registration-failed"
    assert outcome.evidence["registrations_accepted"] == 1
    assert outcome.evidence["calls_answered"] == 1


def test_outcome_can_be_asked_at_any_time() -> None:
    run = simulation("one-way-audio")
    assert run.outcome().sentence == "not reached: nobody was called"
    run.run_until(3.0)
    assert run.outcome().sentence == "not reached: alice called bob and is still waiting"


def test_time_is_where_it_was_asked_to_be() -> None:
    run = simulation("one-way-audio")
    run.run_until(1.5)
    assert run.now == 1.5
    run.run_until(1.0)
    assert run.now == 1.5


def test_every_packet_goes_through_the_datapath() -> None:
    run = finished("one-way-audio", "sip")
    outcome = run.outcome()
    counters = documents.show(run.engine, "counters", run.now)
    received = sum(wire["received"] for wire in counters["wires"].values())  # type: ignore[index]
    said = sum(each["sent"] for each in outcome.evidence["audio"])  # type: ignore[attr-defined]
    assert received > said > 5000


def test_a_minute_with_a_call_costs_less_than_a_million_calls() -> None:
    """Of functions: what a third of a second was for on the machine where it was measured. They can
    be counted on a busy machine too; ten seconds in which both talk are a sixth of them."""
    run = simulation("one-way-audio", "sip")
    run.run_until(10.0)
    profile = cProfile.Profile()
    profile.runcall(run.run_until, 20.0)
    assert 5_000 < pstats.Stats(profile).total_calls < 1_000_000 / 5  # type: ignore[attr-defined]


def test_scenarios_are_not_changed_by_running_them() -> None:
    scenario = load_scenario("one-way-audio")
    staged(scenario, "sip").run_until(10.0)
    assert scenario == load_scenario("one-way-audio")


def test_nothing_is_inferred_of_audio_that_two_inside_hosts_send_each_other() -> None:
    """It does not come by the NAT, which counts none of it."""
    run = simulation("hairpin-desks", "off")
    run.run_until(4.9)
    (call,) = (each for each in run.engine.conversations.document(0.0) if each["kind"] == "call")
    found = run.engine.conversations.find(str(call["call"]), run.now)
    assert found is not None
    assert found.talking_since is not None
    table = run.engine.nat.table
    assert inferred(table, found, found.talking_since + PATIENCE) == []
