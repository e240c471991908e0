"""Which message it was that somebody got, or lost."""

from __future__ import annotations

import pytest

from appliance.journal.events import MessagePassed
from appliance.sim.passages import MOST_KEPT, Passages

INSIDE, OUTSIDE, SERVER = "192.168.20.100:5060", "203.0.113.1:5060", "203.0.113.9:5060"


def passed(number: int, after: str, t: float = 0.0, before: str = "", **more: str) -> MessagePassed:
    known = {
        "alg": "sip", "module": "off", "flow": None, "direction": "out", "transport": "udp",
        "source": INSIDE, "destination": SERVER, "new_source": OUTSIDE, "new_destination": SERVER,
        "verdict": "unchanged", "before": before or after, "after": after, "changes": [], **more,
    }  # fmt: skip
    return MessagePassed(id=number, t=t, **known)  # type: ignore[arg-type]


def test_repetitions_come_to_their_ends_in_their_order() -> None:
    """RFC 3261 17.1.1.2: the same bytes again, until somebody answers."""
    passages = Passages()
    for number in (1, 2):
        passages.add(passed(number, "INVITE"))
    assert (passages.find(b"INVITE"), passages.end(b"INVITE")) == (1, 1)
    assert (passages.find(b"INVITE"), passages.end(b"INVITE")) == (2, 2)
    assert (passages.find(b"INVITE"), passages.end(b"INVITE")) == (2, None)
    assert passages.end(b"BYE") is passages.find(b"BYE") is None


def test_what_the_module_dropped_has_no_end() -> None:
    passages = Passages()
    passages.add(passed(1, "", before="INVITE"))
    assert passages.find(b"") is None


def test_what_comes_back_to_an_inside_host_ends_where_it_passes_again() -> None:
    """RFC 4787 REQ-9."""
    passages = Passages()
    passages.add(passed(1, "INVITE a", t=2.0))
    passages.add(passed(2, "INVITE b", t=2.0, before="INVITE a", source=OUTSIDE))
    assert (passages.end(b"INVITE a"), passages.end(b"INVITE b")) == (None, 2)


@pytest.mark.parametrize(
    ("after", "transport", "number"),
    [("INVITE", "tcp", 1), ("INVITE" * 300, "udp", 1), ("INVITE", "udp", None)],
)
def test_a_message_ends_with_a_part_of_it_where_it_travels_in_parts(
    after: str, transport: str, number: int | None
) -> None:
    """In segments, or in fragments (RFC 791 3.2)."""
    passages = Passages()
    passages.add(passed(1, after, transport=transport))
    assert [passages.end_by_piece(b"VITE"), passages.end_by_piece(b"VITE")] == [number, None]


def test_the_oldest_are_forgotten() -> None:
    passages = Passages()
    for number in range(MOST_KEPT + 1):
        passages.add(passed(number, str(number)))
    assert (passages.find(b"0"), passages.find(b"1")) == (None, 1)
