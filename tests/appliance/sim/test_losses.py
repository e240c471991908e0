"""Lost packets as events, at most two a second for each kind."""

from __future__ import annotations

from appliance.journal.events import Event, PacketLost
from appliance.journal.log import EventLog
from appliance.sim.losses import MANY_KINDS, LossLog


def lost(why: str = "no route to 192.168.20.100", source: str = "203.0.113.9:10000") -> PacketLost:
    return PacketLost(
        where="on the outside",
        why=why,
        protocol="udp",
        source=source,
        destination="192.168.20.100:4000",
    )


class Desk:
    def __init__(self) -> None:
        self.told: list[Event] = []
        self.log = EventLog(0.0)
        self.log.subscribe(self.told.append)
        self.losses = LossLog(self.log)

    def lose(self, event: PacketLost, now: float, cause: int | None = None) -> None:
        self.losses.add((event.why, event.source), lambda: (event, cause), now)

    def counts(self) -> list[tuple[float, int]]:
        return [(event.t, event.count) for event in self.told if isinstance(event, PacketLost)]


def test_the_first_is_told_at_once_and_the_others_together_once_a_second() -> None:
    desk = Desk()
    for number in range(50):
        desk.lose(lost(), number / 50, 7)
    assert desk.counts() == [(0.0, 1)]
    desk.losses.flush(1.0)
    assert desk.counts() == [(0.0, 1), (1.0, 49)]
    again = desk.told[-1]
    assert isinstance(again, PacketLost)
    assert (again.first, again.last, again.cause) == (0.02, 0.98, 7)


def test_a_kind_that_is_silent_for_a_second_begins_anew() -> None:
    desk = Desk()
    desk.lose(lost(), 0.0)
    desk.losses.flush(1.0)
    desk.lose(lost(), 5.0)
    assert desk.counts() == [(0.0, 1), (5.0, 1)]


def test_other_reasons_and_other_ends_are_other_kinds() -> None:
    desk = Desk()
    for event in (lost(), lost(why="nobody listens"), lost(source="203.0.113.9:10002")):
        desk.lose(event, 0.0)
    assert desk.counts() == [(0.0, 1)] * 3


def test_beyond_many_kinds_each_packet_is_told_and_none_is_kept() -> None:
    desk = Desk()
    for number in range(MANY_KINDS + 10):
        desk.lose(lost(source=f"203.0.113.9:{number}"), 0.0)
        desk.lose(lost(source=f"203.0.113.9:{number}"), 0.0)
    desk.losses.flush(1.0)
    assert sum(count for _, count in desk.counts()) == 2 * (MANY_KINDS + 10)
