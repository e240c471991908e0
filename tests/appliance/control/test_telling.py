"""Events that others tell: what the receivers of messages made of them."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.control.telling import LARGEST, MOST_A_SECOND, Telling
from appliance.journal.events import Event, MessagePassed, PacketLost
from appliance.journal.log import EventLog

ACCEPTED = {"type": "message-accepted", "party": "bob", "summary": "?", "does": "sends 180"}
LEARNT = {"type": "party-learnt", "party": "bob", "does": "sends audio to", "target": "192.0.2.1:4"}
LOST = {
    "type": "packet-lost", "where": "at pbx", "why": "Network is unreachable", "protocol": "udp",
    "source": "203.0.113.9:10000", "destination": "192.0.2.1:4",
}  # fmt: skip


def passed(log: EventLog, after: str, now: float) -> int:
    event = MessagePassed(
        alg="sip", module="off", flow=1, direction="out", transport="udp", source="a",
        destination="b", new_source="c", new_destination="b", verdict="rewritten", before="?",
        after=after, changes=[], summary="INVITE", call_id="x",
    )  # fmt: skip
    return log.emit_later(lambda: event, now)


class Told:
    """A log that a message has passed, and what is told then."""

    def __init__(self) -> None:
        self.log = EventLog(100.0)
        self.telling = Telling(self.log)
        self.first = passed(self.log, "INVITE", 101.0)
        self.repeated = passed(self.log, "INVITE", 101.5)

    def tell(self, event: object, message: object = "", now: float = 102.0) -> Any:
        return self.telling.take({"event": event, "message": message}, now)["event"]

    def event(self, number: int) -> Event:
        return next(self.log.since(number - 1))


def test_its_cause_is_the_message_with_these_bytes_and_number_and_time_are_ours() -> None:
    told = Told()
    event = told.event(told.tell({**ACCEPTED, "id": 77, "t": 5.0, "cause": 78}, "INVITE"))
    assert (event.id, event.t, event.cause) == (3, 2.0, told.first)
    assert (getattr(event, "summary", ""), getattr(event, "call_id", "")) == ("INVITE", "x")


def test_of_messages_with_the_same_bytes_each_has_its_own_end() -> None:
    """RFC 3261 17.1.1.2: the same again, until somebody answers."""
    told = Told()
    causes = [told.event(told.tell(each, "INVITE")).cause for each in (LEARNT, ACCEPTED, ACCEPTED)]
    assert causes == [told.first, told.first, told.repeated]
    assert told.event(told.tell(LOST, "INVITE")).cause == told.repeated


def test_what_was_accepted_and_did_not_pass_here_is_not_told() -> None:
    told = Told()
    assert told.tell(ACCEPTED, "BYE") is told.tell(ACCEPTED) is None
    assert told.log.last_id == told.repeated


def test_what_is_lost_was_sent_there_because_somebody_was_told_so() -> None:
    """As long ago as it was by the clock of who tells."""
    told = Told()
    learnt = told.tell(LEARNT, "INVITE")
    lost = told.event(told.tell({**LOST, "first": 1.0, "last": 1.5, "count": 9}, now=103.0))
    assert isinstance(lost, PacketLost)
    assert (lost.cause, lost.count, lost.first, lost.last) == (learnt, 9, 2.5, 3.0)
    assert told.event(learnt).cause == told.first


@pytest.mark.parametrize(
    ("event", "message", "error"),
    [
        (None, "", "none of a receiver"),
        ({"type": "setting-changed", "key": "x", "old": 1, "new": 2, "who": "me"}, "", "Invalid"),
        ({"type": "message-accepted"}, "", "party"),
        ({**ACCEPTED, "party": 7}, "", "party"),
        ({**ACCEPTED, "does": "x" * LARGEST}, "", "at most"),
        (ACCEPTED, 7, "the text of a message"),
    ],
)
def test_what_is_no_event_of_a_receiver_is_refused_and_counted(
    event: object, message: object, error: str
) -> None:
    told = Told()
    with pytest.raises(ValueError, match=error):
        told.tell(event, message)
    assert (told.telling.refused, told.log.last_id) == (1, told.repeated)


def test_a_second_brings_so_many_and_no_more() -> None:
    told = Told()
    for _ in range(MOST_A_SECOND):
        told.tell(LOST)
    with pytest.raises(ValueError, match="no more than 500 events a second"):
        told.tell(LOST, now=102.9)
    assert told.tell(LOST, now=103.0)
