"""What an inside host can make the appliance keep, measured in bytes and not believed.

A REGISTER with 700 Contacts of the phone's own, each of which a module changes and for each of
which there is a reason: for its size no message makes a larger event. (2,800 of them fit one
datagram, and take four times as much in every respect.)
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from appliance.journal.log import EventLog
from nat.endpoint import Side
from tests.support.packets import A, R, udp
from tests.support.sweep import sampled
from tests.support.world import World

CONTACTS, PER_LINE = 700, 100
RING = 175_000
MOST_OVER = 1.25
"""Times that what is kept may be more than what is counted."""


def register(number: int) -> bytes:
    contact = f"<sip:{A}>"
    line = "Contact: " + ",".join([contact] * PER_LINE)
    lines = [
        "REGISTER sip:example.net SIP/2.0",
        f"Via: SIP/2.0/UDP {A}:5060;branch=z9hG4bK{number}",
        "From: <sip:alice@example.net>;tag=1",
        "To: <sip:alice@example.net>",
        f"Call-ID: c{number}",
        f"CSeq: {number} REGISTER",
        *[line] * (CONTACTS // PER_LINE),
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def taken_by_the_ring(log: EventLog) -> int:
    """Bytes that are free when its events are forgotten."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    log._ring.clear()
    gc.collect()
    return before - tracemalloc.get_traced_memory()[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "watched"), sampled([pytest.param("sip", True), pytest.param("off", False)], 2)
)
@pytest.mark.usefixtures("traced")
def test_registers_with_hundreds_of_contacts_fill_the_ring_and_no_more(
    module: str, watched: bool
) -> None:
    """Whether somebody watches, and each event is built with all its reasons, or nobody does."""
    world = World({"alg.sip.module": module, "memory.events": RING})
    if not watched:
        world.log._subscribers.clear()
    for number in range(4):
        world.send(Side.INSIDE, udp(f"{A}:5060", f"{R}:5060", register(number)))
        world.events.clear()
    assert len(world.log._ring) < world.log.last_id, "the first are forgotten"
    counted = world.log.bytes
    assert counted <= RING or len(world.log._ring) == 1
    assert counted / MOST_OVER < taken_by_the_ring(world.log) < counted * MOST_OVER
