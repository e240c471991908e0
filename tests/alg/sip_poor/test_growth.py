"""No fault makes a message that is twice as long much more than twice the work: whoever sends one
of 56 KB stops nobody."""

from __future__ import annotations

import pytest

from alg.sip_poor.faults import FAULTS
from alg.sip_poor.poor import SipPoor
from nat.endpoint import Direction
from tests.alg.sip_poor.messages import INVITE, REGISTERED
from tests.support.conversation import small_nat, wire
from tests.support.counted import assert_linear, work
from tests.support.sweep import sampled

SIZES = (7_000, 14_000, 28_000, 56_000)


def stretched(text: str, own: str, size: int) -> bytes:
    """The message with as many addresses in its body as fit."""
    head, empty, body = text.replace("Length: 0", "Length: ?").partition("\n\n")
    line = f"a=x:{own} {own}0 192.168.20.1\n"
    body += line * ((size - len(text)) // len(line))
    return wire(head + (empty or "\n\n") + body)


@pytest.mark.parametrize("fault", sampled(FAULTS, 8))
def test_a_message_of_twice_the_size_is_about_twice_the_work(fault: str) -> None:
    for direction, text, own in (
        (Direction.OUT, INVITE, "192.168.20.100"),
        (Direction.IN, REGISTERED, "203.0.113.1"),
    ):
        works = []
        for size in SIZES:
            message, context = stretched(text, own, size), small_nat(direction)
            module = SipPoor([fault])
            works.append(work(lambda m=message, c=context, a=module: a.inspect(m, c)))
        assert_linear(works)
