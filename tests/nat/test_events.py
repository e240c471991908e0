"""An observer hears of everything that is no ordinary packet, and may leave all of it out."""

from __future__ import annotations

from typing import Any

import pytest

from nat.endpoint import Endpoint
from nat.events import Observer
from nat.mapping import Mapping
from tests.nat.box import Box, left
from tests.nat.packets import ACK, EXTERNAL, FIN, SYN, A, R, fragments, tcp, udp


class Diary(Observer):
    """Writes down what it was told, by name."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in HEARD:
            told: list[str] = object.__getattribute__(self, "told")
            return lambda *facts: told.append(name)
        return object.__getattribute__(self, name)


HEARD = {name for name in vars(Observer) if not name.startswith("_")}


def story(observer: Observer) -> None:
    """One of everything."""
    box = Box(observer)
    table = box.nat.table
    left(box.out(udp(f"{A}:4000", f"{R}:5000")))
    for piece in fragments(udp(f"{A}:4000", f"{R}:5000", b"x" * 100), 16):
        box.out(piece)
    door = table.pin(17, Endpoint.parse(f"{A}:7000"), box.now)
    assert isinstance(door, Mapping)
    table.expect(door, None, "call", "", 10.0, None, box.now)
    left(box.into(udp(f"{R}:1", f"{EXTERNAL}:7000")))
    box.wait(60.0)
    left(box.out(udp(f"{A}:4000", f"{R}:5000")))
    for flags in (SYN, ACK | FIN, SYN):
        left(box.out(tcp(f"{A}:4000", f"{R}:80", flags)))
        if flags == SYN:
            box.into(tcp(f"{R}:80", f"{EXTERNAL}:4000", SYN | ACK))
            box.into(tcp(f"{R}:80", f"{EXTERNAL}:4000", ACK | FIN))
    box.wait(500.0)


def test_everything_that_can_be_told_is_told_and_in_order() -> None:
    diary = Diary()
    story(diary)
    assert set(diary.told) == HEARD
    opened = [each for each in diary.told if each.endswith("opened")]
    assert opened == ["mapping_opened", "flow_opened", "mapping_opened", "expectation_opened",
                      "flow_opened", "mapping_opened", "flow_opened", "flow_reopened"]  # fmt: skip
    assert diary.told[-1] == "mapping_expired"


def test_an_observer_may_say_nothing_to_all_of_it() -> None:
    story(Observer())


@pytest.mark.parametrize("name", sorted(HEARD))
def test_every_event_is_in_the_past_tense(name: str) -> None:
    past = ("opened", "reopened", "expired", "closed", "used", "gone", "made", "refreshed")
    assert name.rpartition("_")[2] in past
