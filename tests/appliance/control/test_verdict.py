"""How a call stands, in a sentence, from what passed and what was agreed."""

from __future__ import annotations

import pytest

from alg.base import Announced, Conversation
from appliance.control.verdict import Heard, verdict
from nat.endpoint import Endpoint

OWN, SHOWN = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("203.0.113.1:10004")
PEER, ELSEWHERE = Endpoint.parse("203.0.113.9:6000"), Endpoint.parse("203.0.113.1:10002")


def heard(
    last_in: float | None,
    last_out: float | None,
    leaves_from: Endpoint = SHOWN,
    is_open: bool = True,
    mine: tuple[bool, bool] = (True, True),
    other: tuple[bool, bool] = (True, True),
) -> Heard:
    alice = Announced("audio", "alice", True, OWN, SHOWN, *mine)
    bob = Announced("audio", "bob", False, PEER, PEER, *other)
    return Heard(alice, bob, last_in, last_out, leaves_from, is_open)


SENTENCES = {
    "both flow": (heard(99.0, 98.0), "audio passes both ways"),
    "nobody hears anything": (
        heard(None, None),
        "alice has heard nothing for 10 s; bob has been sent nothing for 10 s",
    ),
    "a short silence is none": (heard(97.5, 99.0), "audio passes both ways"),
    "the announced port is closed": (
        heard(None, 99.0, is_open=False),
        "alice has heard nothing for 10 s; what was announced for alice's audio, "
        "203.0.113.1:10004, does not lead there",
    ),
    "another port than the announced one": (
        heard(92.0, 99.0, ELSEWHERE),
        "alice has heard nothing for 8 s; alice's audio leaves from 203.0.113.1:10002, "
        "which was not announced (203.0.113.1:10004 was)",
    ),
    "only bob sends, as agreed": (
        heard(99.0, None, mine=(False, True), other=(True, False)),
        "audio passes as it was agreed",
    ),
    "only bob should send, and does not": (
        heard(None, None, mine=(False, True), other=(True, False)),
        "alice has heard nothing for 10 s",
    ),
}


@pytest.mark.parametrize("title", SENTENCES)
def test_what_is_said_of_a_call_answered_ten_seconds_ago(title: str) -> None:
    """Promise 7: what failed is never called right, what works is never blamed."""
    stream, said = SENTENCES[title]
    found = Conversation({}, "", 90.0, (stream.mine,), (), ())
    assert verdict(found, [stream], 100.0) == said
