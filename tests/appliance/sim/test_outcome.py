"""From what the parties report to the one word."""

from __future__ import annotations

from random import Random

import pytest

from appliance.parties.party import Report, What
from appliance.parties.rtp import Stream
from appliance.sim.outcome import Judge
from nat.endpoint import Endpoint

HERE, THERE = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("203.0.113.9:10000")


def a_stream(sent: int, heard: int) -> Stream:
    stream = Stream(HERE, THERE, Random(1))
    stream.sent, stream.heard = sent, heard
    return stream


def registered(judge: Judge, at: float = 0.0) -> None:
    judge.hear(Report(What.REGISTRATION_TRIED, "alice"), at)
    judge.hear(Report(What.REGISTRATION_ACCEPTED, "alice"), at)


def call(
    judge: Judge,
    alice: tuple[int, int] = (500, 496),
    bob: tuple[int, int] = (496, 500),
    at: float = 1.0,
) -> tuple[Stream, Stream]:
    """A call that alice made and bob answered; (sent, heard) of each."""
    streams = a_stream(*alice), a_stream(*bob)
    judge.hear(Report(What.CALL_TRIED, "alice", "bob"), at)
    judge.hear(Report(What.CALL_REACHED, "bob", "whoever"), at)
    judge.hear(Report(What.TALKING, "bob", "whoever", stream=streams[1]), at)
    judge.hear(Report(What.CALL_ANSWERED, "alice", "bob"), at)
    judge.hear(Report(What.TALKING, "alice", "bob", stream=streams[0]), at)
    return streams


@pytest.mark.parametrize(
    ("alice", "bob", "word", "sentence"),
    [
        (
            (498, 496), (496, 498), "both-ways",
            "both ways: bob hears alice (498 of 498), alice hears bob (496 of 496)",
        ),
        (
            (498, 0), (496, 498), "one-way-audio",
            "one-way audio: bob hears alice (498 of 498), alice hears bob (0 of 496)",
        ),
        (
            (498, 496), (496, 0), "one-way-audio",
            "one-way audio: bob hears alice (0 of 498), alice hears bob (496 of 496)",
        ),
        (
            (498, 0), (496, 0), "no-audio",
            "no audio: bob hears alice (0 of 498), alice hears bob (0 of 496)",
        ),
        ((498, 248), (496, 498), "both-ways", None),
        ((498, 247), (496, 498), "one-way-audio", None),
        ((0, 496), (496, 0), "one-way-audio", None),
    ],
)  # fmt: skip
def test_audio_is_judged_by_what_was_heard_of_what_was_said(
    alice: tuple[int, int], bob: tuple[int, int], word: str, sentence: str | None
) -> None:
    judge = Judge()
    registered(judge)
    call(judge, alice, bob)
    outcome = judge.final()
    assert outcome.outcome == word
    assert sentence in (None, outcome.sentence)


def test_evidence_counts_everything() -> None:
    judge = Judge()
    registered(judge)
    call(judge)
    assert judge.final().evidence == {
        "registrations_tried": 1,
        "registrations_accepted": 1,
        "calls_tried": 1,
        "calls_reached": 1,
        "calls_answered": 1,
        "messages_discarded": 0,
        "audio": [
            {"talker": "alice", "listener": "bob", "sent": 500, "heard": 500},
            {"talker": "bob", "listener": "alice", "sent": 496, "heard": 496},
        ],
        "calls": [
            {
                "call": 1,
                "caller": "alice",
                "callee": "bob",
                "outcome": "both-ways",
                "sentence": "call 1, alice to bob, both ways: "
                "bob hears alice (500 of 500), alice hears bob (496 of 496)",
            }
        ],
    }


def test_several_calls_are_told_by_number_and_each_has_a_verdict_of_its_own() -> None:
    """Its word stands where it is not that of the whole."""
    judge = Judge()
    call(judge)
    judge.hear(Report(What.CALL_ENDED, "alice", "bob"), 20.0)
    call(judge, (498, 0), (496, 498), 30.0)
    judge.hear(Report(What.CALL_TRIED, "alice", "bob"), 60.0)
    assert judge.words() == {1: "both-ways", 2: "one-way-audio"}
    assert judge.final().sentence == (
        "one-way audio: call 1, alice to bob, both ways: "
        "bob hears alice (500 of 500), alice hears bob (496 of 496); "
        "call 2, alice to bob: bob hears alice (498 of 498), alice hears bob (0 of 496)"
    )


def test_of_several_calls_the_one_that_failed_is_told_by_its_number() -> None:
    judge = Judge()
    call(judge)
    judge.hear(Report(What.CALL_ENDED, "alice", "bob"), 20.0)
    judge.hear(Report(What.CALL_TRIED, "alice", "bob"), 30.0)
    judge.hear(Report(What.CALL_REJECTED, "alice", "bob", "486 Busy Here"), 31.0)
    assert judge.final().sentence == "rejected: alice called bob: 486 Busy Here (call 2)"
    calls = judge.final().evidence["calls"]
    assert isinstance(calls, list)
    assert calls[1]["sentence"] == "call 2, alice to bob, rejected: 486 Busy Here"


def test_there_is_no_judgement_on_audio_before_a_second_of_it() -> None:
    judge = Judge()
    alice, _ = call(judge, (10, 0), (10, 10))
    assert judge.outcome() is None
    alice.sent = 50
    assert judge.outcome() is not None


def test_a_short_call_is_judged_when_it_is_over() -> None:
    judge = Judge()
    call(judge, (10, 0), (10, 10))
    judge.hear(Report(What.CALL_ENDED, "alice", "bob"), 1.3)
    outcome = judge.outcome()
    assert outcome is not None
    assert outcome.outcome == "one-way-audio"


@pytest.mark.parametrize(
    ("reports", "word"),
    [
        ([Report(What.REGISTRATION_UNANSWERED, "alice", detail="x")], "registration-failed"),
        ([Report(What.REGISTRATION_REFUSED, "alice", detail="403")], "registration-failed"),
        (
            [
                Report(What.REGISTRATION_ACCEPTED, "alice"),
                Report(What.REGISTRATION_UNANSWERED, "alice", detail="x"),
            ],
            "registration-lost",
        ),
        (
            [
                Report(What.CALL_TRIED, "bob", "alice"),
                Report(What.CALL_UNREACHABLE, "bob", "alice", "x"),
            ],
            "not-reached",
        ),
        (
            [
                Report(What.CALL_TRIED, "bob", "alice"),
                Report(What.CALL_REACHED, "alice", "bob"),
                Report(What.CALL_UNREACHABLE, "bob", "alice", "x"),
            ],
            "call-dropped",
        ),
        (
            [
                Report(What.CALL_TRIED, "bob", "alice"),
                Report(What.CALL_REJECTED, "bob", "alice", "486 Busy Here"),
            ],
            "rejected",
        ),
        ([Report(What.CALL_TRIED, "bob", "alice")], "not-reached"),
        ([Report(What.REGISTRATION_ACCEPTED, "alice")], "not-reached"),
        ([], "not-reached"),
    ],
)
def test_failures_have_their_words(reports: list[Report], word: str) -> None:
    """Promise 7."""
    judge = Judge()
    for at, report in enumerate(reports):
        judge.hear(report, float(at))
    assert judge.final().outcome == word


def test_the_earliest_failure_names_the_outcome() -> None:
    """Promise 7."""
    judge = Judge()
    judge.hear(Report(What.REGISTRATION_UNANSWERED, "alice", detail="no valid answer"), 32.0)
    judge.hear(Report(What.CALL_TRIED, "bob", "alice"), 35.0)
    judge.hear(Report(What.CALL_UNREACHABLE, "bob", "alice", "no answer"), 67.0)
    assert judge.final().outcome == "registration-failed"


def test_a_call_that_is_dropped_was_heard_until_then() -> None:
    judge = Judge()
    call(judge)
    judge.hear(Report(What.CALL_DROPPED, "bob", "alice", "nobody acknowledged the answer"), 33.0)
    outcome = judge.final()
    assert outcome.outcome == "call-dropped"
    assert outcome.sentence == ("call dropped: alice called bob: nobody acknowledged the answer")


def test_one_way_audio_comes_before_the_drop_that_follows_it() -> None:
    judge = Judge()
    call(judge, (1600, 0), (1600, 1600))
    judge.hear(Report(What.CALL_DROPPED, "bob", "alice", "nobody acknowledged the answer"), 33.0)
    assert judge.final().outcome == "one-way-audio"


def test_a_good_call_does_not_mend_a_bad_one() -> None:
    judge = Judge()
    call(judge, (498, 0), (496, 498), at=1.0)
    judge.hear(Report(What.CALL_ENDED, "alice", "bob"), 11.0)
    call(judge, at=20.0)
    assert judge.final().outcome == "one-way-audio"


def test_the_sentence_says_what_was_thrown_away() -> None:
    judge = Judge()
    for _ in range(11):
        judge.hear(Report(What.MESSAGE_DISCARDED, "alice", detail="the Call-ID is not right"), 1.0)
    judge.hear(Report(What.MESSAGE_DISCARDED, "alice", detail="something else"), 1.0)
    judge.hear(
        Report(What.REGISTRATION_UNANSWERED, "alice", detail="no valid answer in 32 s"), 32.0
    )
    outcome = judge.final()
    assert outcome.sentence == (
        "registration failed: alice got no valid answer in 32 s"
        " (11 discarded: the Call-ID is not right)"
    )
    assert outcome.evidence["messages_discarded"] == 12


def test_both_ends_are_joined_by_their_own_names() -> None:
    """What the other end is called came over the network, where anything may have been done to
    it."""
    judge = Judge()
    call(judge)
    assert [conversation.callee for conversation in judge.conversations] == ["bob"]
    assert "whoever" not in judge.final().sentence


def test_who_is_left_waiting_at_the_end_names_the_outcome() -> None:
    """A story may end before anybody gives up."""
    judge = Judge()
    assert judge.waiting(9.0) is None
    judge.hear(Report(What.REGISTRATION_TRIED, "alice"), 0.5)
    waiting = judge.waiting(9.0)
    assert waiting is not None
    assert (waiting.who, waiting.outcome, waiting.noticed) == ("alice", "not-reached", 9.0)
    assert judge.final().sentence == "not reached: nobody was called: alice is not registered yet"
    judge.hear(Report(What.REGISTRATION_ACCEPTED, "alice"), 1.0)
    assert judge.waiting(9.0) is None
    judge.hear(Report(What.CALL_TRIED, "bob", "alice"), 2.0)
    waiting = judge.waiting(9.0)
    assert waiting is not None
    assert waiting.who == "bob"
