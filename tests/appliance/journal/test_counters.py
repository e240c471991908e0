"""received = forwarded + consumed + dropped + held, at every moment."""

from __future__ import annotations

from appliance.journal.counters import WireCounters
from nat.drop import Drop


def balance(counters: WireCounters) -> int:
    wire = counters.document()
    gone = wire["forwarded"] + wire["consumed"] + wire["dropped"] + wire["held"]
    return wire["received"] - gone


def test_held_fragments_end_as_consumed_or_dropped() -> None:
    counters = WireCounters()
    counters.received = counters.held = 5
    counters.fragments_gone(2, None)
    counters.fragments_gone(3, Drop.FRAGMENT_TIMEOUT)
    assert (counters.held, counters.consumed, counters.dropped) == (0, 2, 3)
    assert counters.drops == {Drop.FRAGMENT_TIMEOUT: 3}
    assert balance(counters) == 0


def test_what_was_not_sent_is_taken_back_from_the_forwarded() -> None:
    counters = WireCounters()
    counters.received = counters.forwarded = 3
    counters.received_bytes = counters.forwarded_bytes = 4000
    counters.take_back(Drop.WIRE_REFUSED, 3, 4000)
    assert counters.document()["forwarded"] == 0
    assert counters.document()["forwarded_bytes"] == 0
    assert counters.document()["dropped_bytes"] == 4000
    assert balance(counters) == 0


def test_drops_of_one_reason_add_up() -> None:
    counters = WireCounters()
    counters.received = 3
    counters.drop(Drop.LAND, 1, 28)
    counters.drop(Drop.LAND, 2, 56)
    assert counters.drops == {Drop.LAND: 3}
    assert balance(counters) == 0
