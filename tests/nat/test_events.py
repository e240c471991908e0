"""What a watcher hears: all that is no ordinary packet, once, and in an order that makes sense."""

from __future__ import annotations

from typing import Any

import pytest

from nat.behavior import Forward, Timeouts
from nat.endpoint import UDP, Endpoint
from nat.events import Observer
from nat.mapping import Leg, Mapping, Terms
from tests.support.packets import ACK, EXTERNAL, FIN, RST, SYN, A, R, S, cut, tcp, udp
from tests.support.rig import EIF, Rig, left

OUT = udp(f"{A}:4000", f"{R}:5000")
BACK = udp(f"{R}:5000", f"{EXTERNAL}:4000")
LONG = udp(f"{A}:4000", f"{R}:5000", b"x" * 1000)
INNER, SERVER, OUTER = f"{A}:4000", f"{R}:80", f"{EXTERNAL}:4000"
HOOKS = sorted(name for name in vars(Observer) if not name.startswith("_"))


class Diary(Observer):
    """Writes down the name of each thing that happened, and what was handed over with it."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []

    @property
    def words(self) -> list[str]:
        return [word for word, _ in self.entries if word != "leg_made"]

    def all(self, word: str) -> list[Any]:
        return [facts for each, facts in self.entries if each == word]


def _writing(word: str) -> Any:
    def write(self: Diary, *facts: Any) -> None:
        self.entries.append((word, facts))

    return write


for _hook in HOOKS:
    setattr(Diary, _hook, _writing(_hook))


def watched(**changes: Any) -> tuple[Rig, Diary]:
    diary = Diary()
    return Rig(diary, **changes), diary


def pin(rig: Rig) -> Mapping:
    """A mapping that an ALG has asked for."""
    mapping = rig.nat.table.mappings.pin(UDP, Endpoint.parse(f"{A}:7000"), rig.now)
    assert isinstance(mapping, Mapping)
    return mapping


def connect(rig: Rig) -> None:
    left(rig.out(tcp(INNER, SERVER, SYN, sequence=1)))
    left(rig.into(tcp(SERVER, OUTER, SYN | ACK, sequence=100, acknowledgement=2)))
    left(rig.out(tcp(INNER, SERVER, ACK, sequence=2, acknowledgement=101)))


def reset(rig: Rig) -> None:
    left(rig.out(tcp(INNER, SERVER, RST, sequence=2)))


def finish(rig: Rig) -> None:
    left(rig.out(tcp(INNER, SERVER, FIN | ACK, sequence=2, acknowledgement=101)))
    left(rig.into(tcp(SERVER, OUTER, FIN | ACK, sequence=101, acknowledgement=3)))
    left(rig.out(tcp(INNER, SERVER, ACK, sequence=3, acknowledgement=102)))


def one_of_everything(rig: Rig) -> None:
    left(rig.out(OUT))
    for piece in cut(LONG, 400):
        rig.out(piece)
    rig.nat.table.expectations.open(pin(rig), None, "call", "media", Terms(10.0), rig.now)
    left(rig.into(udp(f"{R}:1", f"{EXTERNAL}:7000")))
    rig.wait(60.0)
    left(rig.out(OUT))
    connect(rig)
    reset(rig)
    left(rig.out(tcp(INNER, SERVER, SYN, sequence=5000)))
    rig.wait(500.0)


def test_everything_that_can_be_told_is_told() -> None:
    rig, diary = watched()
    one_of_everything(rig)
    assert {word for word, _ in diary.entries} == set(HOOKS)


def test_an_observer_may_say_nothing_to_all_of_it() -> None:
    rig = Rig(Observer())
    one_of_everything(rig)
    assert not rig.nat.table.flows


def test_a_flow_is_told_after_its_mapping_and_ends_before_it() -> None:
    rig, diary = watched()
    left(rig.out(OUT))
    rig.wait(120.0)
    assert diary.words == ["mapping_opened", "flow_opened", "flow_expired", "mapping_expired"]
    assert [facts[1] for facts in diary.all("flow_expired")] == ["expired"]
    assert [facts[1] for facts in diary.all("mapping_expired")] == ["expired"]


def test_packets_of_a_known_flow_are_no_events() -> None:
    rig, diary = watched()
    left(rig.out(OUT))
    before = list(diary.entries)
    for _ in range(10):
        left(rig.into(BACK))
        left(rig.out(OUT))
    assert diary.entries == before


def test_both_legs_of_a_flow_are_made_before_it_is_told() -> None:
    """There the appliance gives them their ALG: the first packet must already meet it."""
    rig, diary = watched()
    left(rig.out(OUT))
    words = [word for word, _ in diary.entries]
    assert words == ["mapping_opened", "leg_made", "flow_opened"]
    (flow, _) = diary.all("flow_opened")[0]
    assert [leg for (leg,) in diary.all("leg_made")] == [flow.outbound]


def test_a_leg_for_one_packet_is_told_and_no_flow() -> None:
    """A stranger who is let in fills no table."""
    rig, diary = watched(filtering=EIF)
    left(rig.out(OUT))
    diary.entries.clear()
    left(rig.into(udp(f"{S}:9", f"{EXTERNAL}:4000")))
    ((leg,),) = diary.all("leg_made")
    assert type(leg) is Leg  # and not one of a flow
    assert diary.words == []


def test_a_flow_that_came_due_in_use_is_told_as_a_refresh_at_its_last_packet() -> None:
    rig, diary = watched()
    left(rig.out(OUT))
    began = rig.now
    rig.wait(100.0)
    left(rig.out(OUT))
    rig.wait(20.0)
    ((mapping, last, now),) = diary.all("mapping_refreshed")
    assert isinstance(mapping, Mapping)
    assert (last - began, now - began) == (100.0, 120.0)


@pytest.mark.parametrize("end", [reset, finish])
def test_a_connection_that_begins_anew_is_told_and_stays_one_flow(end: Any) -> None:
    rig, diary = watched()
    connect(rig)
    end(rig)
    assert "flow_reopened" not in diary.words
    left(rig.out(tcp(INNER, SERVER, SYN, sequence=5000)))
    (flow,) = rig.nat.table.flows.values()
    assert diary.all("flow_reopened") == [(flow,)]
    assert diary.words.count("flow_opened") == 1


def test_an_expectation_is_told_when_it_opens_is_first_used_and_shuts() -> None:
    rig, diary = watched()
    expectations = rig.nat.table.expectations
    expectation = expectations.open(pin(rig), None, "call", "media", Terms(32.0, 60.0), rig.now)
    assert expectation is not None
    for _ in range(3):
        left(rig.into(udp(f"{R}:9", f"{EXTERNAL}:7000")))
    expectations.close(expectation, "closed", rig.now)
    assert diary.words == [
        "mapping_opened", "expectation_opened", "flow_opened", "expectation_used",
        "expectation_closed", "flow_expired", "mapping_expired",
    ]  # fmt: skip
    assert diary.all("expectation_used") == [(expectation, f"{R}:9", rig.now)]
    assert diary.all("expectation_closed") == [(expectation, "closed", rig.now)]


def test_a_renewed_expectation_is_not_told_again() -> None:
    rig, diary = watched()
    mapping = pin(rig)
    for _ in range(3):
        rig.nat.table.expectations.open(mapping, None, "call", "media", Terms(32.0), rig.now)
    assert diary.words.count("expectation_opened") == 1


def test_a_forward_is_told_as_a_mapping_when_it_is_set_and_taken_away() -> None:
    rule = Forward(UDP, Endpoint.parse(f"{EXTERNAL}:80"), Endpoint.parse(f"{A}:8080"))
    rig, diary = watched(forwards=[rule])
    rig.change(forwards=[])
    assert diary.words == ["mapping_opened", "mapping_expired"]
    ((mapping, why, _),) = diary.all("mapping_expired")
    assert (mapping.opened_by, why) == ("forward", "closed")


@pytest.mark.parametrize("complete", [True, False])
def test_held_fragments_are_told_when_they_go_on_or_are_given_up(complete: bool) -> None:
    """Two of three are held; the third, if it comes, completes the datagram and is never held."""
    rig, diary = watched(timeouts=Timeouts(fragments=30.0))
    for piece in cut(LONG, 400, 400)[: 3 if complete else 2]:
        rig.out(piece)
    rig.wait(30.0)
    ((gone, _),) = diary.all("fragments_gone")
    assert (gone.drop is None, gone.pieces) == (complete, 2)
