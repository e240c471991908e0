"""Where packets ended, as the last sentences of a chain."""

from __future__ import annotations

import pytest

from appliance.journal.events import PacketDropped
from appliance.sim.ends import most_frequent, of_losses, what
from appliance.sim.outcome import Failure
from nat.drop import Drop


def dropped(summary: str, side: str = "outside", count: int = 1) -> PacketDropped:
    return PacketDropped(
        side=side,
        reason=Drop.NO_MAPPING.reason,
        sentence=Drop.NO_MAPPING.sentence,
        rfc=Drop.NO_MAPPING.rfc,
        protocol="udp",
        source="203.0.113.9:5060",
        destination="203.0.113.1:5060",
        size=500,
        summary=summary,
        count=count,
    )


FAILURE = Failure(
    0.0, "not-reached", "bob called alice: no answer to INVITE from 203.0.113.1:5060", "bob"
)
DROPPED = "nothing inside is mapped to this external endpoint (no-mapping)."


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (
            dropped("INVITE"),
            f"bob's INVITE for alice came to 203.0.113.1:5060, and the NAT dropped it: {DROPPED}",
        ),
        (dropped("BYE"), f"The BYE came to 203.0.113.1:5060, and the NAT dropped it: {DROPPED}"),
        (dropped("BYE", "inside"), f"The BYE is dropped by the NAT on the inside: {DROPPED}"),
        (
            dropped(""),
            "What was sent to 203.0.113.1:5060 is dropped by the NAT on the outside: " + DROPPED,
        ),
    ],
)
def test_what_was_dropped_is_told_by_its_name_and_whose_it_was(
    loss: PacketDropped, sentence: str
) -> None:
    (cause,) = of_losses([loss], what(loss, FAILURE), "alice")
    assert cause.sentence == sentence


def test_of_like_losses_the_one_with_a_name_is_told() -> None:
    named = dropped("INVITE")
    assert most_frequent([dropped("", count=9), named]) is named
