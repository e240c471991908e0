"""On which terms a call's ports are open (rule as-long-as-the-call)."""

from __future__ import annotations

from typing import Any

import pytest

from alg.sip.pinholes import FIRST_PACKET, SILENCE
from alg.sip.rewriting import LONGEST_LIFE
from nat.mapping import Terms
from tests.alg.sip.test_offers import AUDIO, answer, invite, theirs

RINGS = Terms(FIRST_PACKET, LONGEST_LIFE, SILENCE)
TIMER = "Session-Expires: 1800;refresher=uas\nContent-Type"


@pytest.mark.parametrize(
    ("messages", "terms"),
    [
        ([], RINGS),
        ([answer(theirs(), "183 Progress")], RINGS),
        ([answer(theirs())], Terms(LONGEST_LIFE, None, SILENCE)),
        ([answer(theirs() + "a=sendonly\n")], Terms(LONGEST_LIFE, None, SILENCE)),
        ([answer(theirs() + "a=recvonly\n")], Terms(LONGEST_LIFE, None, SILENCE)),
        ([answer(theirs() + "a=inactive\n")], Terms(LONGEST_LIFE, None, None)),
        ([answer(theirs("0.0.0.0"))], Terms(LONGEST_LIFE, None, None)),
        (
            [answer(theirs().replace("t=0 0", "t=0 0\na=inactive"))],
            Terms(LONGEST_LIFE, None, None),
        ),
        (
            [answer(theirs().replace("t=0 0", "t=0 0\na=inactive") + "a=sendrecv\n")],
            Terms(LONGEST_LIFE, None, SILENCE),
        ),
        ([answer(theirs() + "m=video 0 RTP/AVP 31\n")], Terms(LONGEST_LIFE, None, SILENCE)),
        ([answer(theirs()).replace("Content-Type", TIMER)], Terms(1800.0, None, SILENCE)),
        (
            [answer(theirs()).replace("Content-Type", TIMER.replace("Session-Expires", "x"))],
            Terms(1800.0, None, SILENCE),
        ),
        (
            [
                answer(theirs() + "a=inactive\n"),
                invite(AUDIO + "a=sendrecv", cseq=2, to_tag=";tag=b"),
                answer(theirs(), cseq=2),
            ],
            Terms(LONGEST_LIFE, None, SILENCE),
        ),
    ],
)
def test_the_answer_decides_how_long_they_are_open(
    plain: Any, messages: list[str], terms: Terms
) -> None:
    """RFC 8866 6.7, RFC 4028 9: who is to send, and whether there is a timer."""
    plain.out(invite())
    for message in messages:
        (plain.out if message.lstrip().startswith("INVITE") else plain.into)(message)
    assert {known.terms for known in plain.context.expectations} == {terms}
