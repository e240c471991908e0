"""Where a key does something."""

from __future__ import annotations

from tui.key import Key


def test_a_key_that_holds_packets_does_nothing_on_a_live_nat() -> None:
    key = Key("]", "step", "time", "one event forward", modes="sim")
    assert (key.works(live=False), key.works(live=True)) == (True, False)
