"""Calls by their events, and what a running appliance says of them."""

from __future__ import annotations

from typing import Any

from appliance.journal.events import CallState, SilenceInferred
from tests.tui.stories import CALL_ID, state
from tui.calls import CALLS_KEPT, Calls, Carried, in_few_words

WHY = "440 packets out, 0 back in 8 s: bob was told to send audio to 192.168.20.100:4000"


def row(call: str = CALL_ID, word: str = "answered", inferred: str = "") -> dict[str, Any]:
    """Of `show calls`."""
    return {"call": call, "kind": "call", "caller": "alice", "callee": "bob", "state": word,
            "since": 3.5, "messages": 5, "expires_in": None, "inferred": inferred}  # fmt: skip


def document(back: int = 0) -> dict[str, Any]:
    """`show call ID`."""
    signalling = {"carries": "signalling", "internal": "192.168.20.100:5060",
                  "remote": "203.0.113.9:5060", "packets_out": 3, "packets_in": 4}  # fmt: skip
    audio = {"carries": "audio", "internal": "192.168.20.100:4000",
             "remote": "203.0.113.9:10000", "packets_out": 440, "packets_in": back}  # fmt: skip
    announced = [
        {"own": "192.168.20.100:4000", "shown": "192.168.20.100:4000", "party": "alice"},
        {"own": "203.0.113.9:10000", "shown": "203.0.113.9:10000", "party": "bob"},
    ]
    return row() | {
        "verdict": "alice has heard nothing for 8 s",
        "inferred": [{"sentence": WHY}],
        "announced": announced,
        "flows": [signalling, audio],
    }


def silent() -> SilenceInferred:
    return SilenceInferred(
        t=12.0, call=CALL_ID, sentence=WHY, party="alice", media="audio",
        packets_out=440, packets_in=0, seconds=8.0,
    )  # fmt: skip


def test_a_call_is_known_by_its_events_and_by_what_an_appliance_remembers() -> None:
    calls = Calls()
    calls.fold(state("trying", 1.0, 4))
    calls.take([row(), row("older", "ended")])
    assert [(each.call, each.state, each.t) for each in calls] == [
        (CALL_ID, "answered", 3.5),
        ("older", "ended", 3.5),
    ]


def test_what_is_inferred_holds_until_a_packet_comes_and_stays_with_a_call_that_is_over() -> None:
    calls = Calls()
    calls.fold(state("answered", 3.5, 4))
    calls.fold(silent())
    assert in_few_words(calls.inferred(CALL_ID)) == ("440 out, 0 back in 8 s: one-way, inferred")
    calls.take([row()])
    assert calls.inferred(CALL_ID) == ""
    calls.take([row(inferred=WHY)])
    calls.fold(state("ended", 20.0, 5))
    calls.take([row(word="ended")])
    assert calls.inferred(CALL_ID) == WHY
    assert in_few_words("0 packets out, 0 back in 8 s: x").endswith("no audio, inferred")


def test_of_the_call_that_is_looked_at_each_stream_is_counted_without_its_signalling() -> None:
    calls = Calls()
    calls.look_into(document())
    assert calls.counted.carried == (Carried("audio", "alice", "bob", 440, 0),)
    assert not calls.counted.goes_both_ways
    calls.look_into(document(back=1))
    assert calls.counted.goes_both_ways
    calls.look_into(None)
    assert calls.counted.carried == ()


def test_the_calls_are_bounded_and_those_that_are_over_go_first() -> None:
    calls = Calls()
    for number in range(CALLS_KEPT + 1):
        word = "ended" if number == 7 else "answered"
        calls.fold(
            CallState(t=number, call=str(number), kind="call", state=word, caller="a", callee="b")
        )
    assert len(calls) == CALLS_KEPT
    assert calls.find("7") is None
