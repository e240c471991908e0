"""What is too much for one turn waits; nobody waits for all that another host has sent."""

from __future__ import annotations

from math import inf

import pytest

from appliance.gateway import inspection, turns
from appliance.gateway.turns import Turns, work_of
from appliance.journal.events import MessagePassed
from nat.drop import Aside, Drop
from nat.mapping import Leg
from tests.appliance.gateway.test_streams import FIRST, PHONE, SERVER, outside
from tests.fuzz.datapath import REGISTER
from tests.support.audit import audit_books
from tests.support.ends import Line
from tests.support.packets import A, B, R, Seen, udp
from tests.support.world import INSIDE, OUTSIDE, World

FEW = 3
"""Messages that a turn allows in these tests."""


@pytest.fixture
def nat(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World({"alg.sip.module": "sip"})
    monkeypatch.setattr(turns, "AT_ONCE", FEW * turns.WORK_OF_A_MESSAGE)
    monkeypatch.setattr(turns, "IN_A_TURN", FEW * turns.WORK_OF_A_MESSAGE)
    monkeypatch.setattr(turns, "BYTES_OF_A_UNIT", inf)
    monkeypatch.setattr(turns, "WORK_OF_AN_EDIT", 0)
    monkeypatch.setattr(inspection, "WORK_TO_TELL", 1)
    world.engine.begin_turn()
    return world


def register(number: int, host: str = A) -> bytes:
    return udp(f"{host}:5060", f"{R}:5060", REGISTER.replace(b"CSeq: 1 ", b"CSeq: %d " % number))


def is_edited(message: bytes) -> bool:
    return b"Contact: <sip:alice@203.0.113.1:" in message


def verdicts(nat: World, packets: list[bytes]) -> list[object]:
    answers: list[object] = []
    for each in packets:
        nat.put(INSIDE, each)
        answers.append("edited" if isinstance(nat.verdict, Leg) else nat.verdict)
    return answers


def one_turn(nat: World) -> list[bytes]:
    """What leaves in the next turn of what waits."""
    nat.engine.begin_turn()
    nat.engine.expire(nat.now)
    return [Seen(data).payload for side, data in nat.own() if side is OUTSIDE]


def test_a_turn_reads_so_much_and_the_rest_waits_in_order(nat: World) -> None:
    held = [Aside.HELD] * 5
    assert verdicts(nat, [register(n) for n in range(8)]) == ["edited"] * FEW + held
    assert all(is_edited(seen.payload) for seen in nat.take_all(OUTSIDE))
    audit_books(nat)
    later = one_turn(nat) + one_turn(nat)
    assert [f"CSeq: {n} ".encode() in data for n, data in enumerate(later, FEW)] == [True] * 5
    assert all(map(is_edited, later))
    assert nat.engine.datapath.turns.next_deadline() == inf
    audit_books(nat)
    assert nat.show("counters")["wires"]["inside"]["forwarded"] == 8


def test_a_host_waits_for_one_message_of_another_and_not_for_all(nat: World) -> None:
    verdicts(nat, [register(n) for n in range(FEW + 30)])
    assert verdicts(nat, [register(1, B)]) == [Aside.HELD]
    nat.take_all(OUTSIDE)
    first = one_turn(nat)
    assert len(first) == FEW
    sources = [event.source.split(":")[0] for event in nat.told(MessagePassed)[-FEW:]]
    assert sources == [A, B, A]


def test_a_message_does_not_overtake_those_of_its_host(nat: World) -> None:
    verdicts(nat, [register(n) for n in range(FEW + 5)])
    nat.engine.begin_turn()
    assert verdicts(nat, [register(99), register(1, B)]) == [Aside.HELD, "edited"]


def test_a_stream_waits_with_its_host_and_is_edited_all_the_same(nat: World) -> None:
    line = Line(nat, PHONE, SERVER)
    line.say(line.inner, FIRST * 6)
    neighbour = Line(nat, PHONE._replace(address=PHONE.address + 1), SERVER)
    neighbour.say(neighbour.inner, FIRST)
    for _ in range(9):
        for end, data in ((line.outer, each) for each in nat.own()):
            if data[0] is OUTSIDE and Seen(data[1]).destination == SERVER:
                seen = Seen(data[1])
                (end if seen.source == line.outer.remote else neighbour.outer).receive(seen)
        nat.engine.expire(nat.now)
    assert line.outer.heard == outside(FIRST * 6)
    assert b"192.168.20.11:" not in neighbour.outer.heard.split(b"Contact")[1]


def test_more_than_may_wait_passes_as_it_came_and_is_told(
    nat: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_WAITING_OF_A_HOST", 4)
    verdicts(nat, [register(n) for n in range(FEW + 4)])
    nat.take_all(OUTSIDE)
    assert verdicts(nat, [register(99)]) == ["edited"]
    assert not is_edited(nat.take(OUTSIDE).payload)
    assert (
        nat.told(MessagePassed)[-1].note == "left alone: its host sends more messages than are read"
    )
    assert verdicts(nat, [register(1, B)]) == [Aside.HELD], "another has room"


def test_what_waits_is_bounded_in_bytes(nat: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_BYTES_WAITING_OF_A_HOST", 2000)
    verdicts(nat, [register(n) for n in range(100)])
    assert 1000 < nat.engine.datapath.turns.bytes <= 2000


def test_many_hosts_that_wait_leave_room_for_one_more(
    nat: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_BYTES_WAITING", 10_000)
    for host in range(20, 24):
        verdicts(nat, [register(n, f"192.168.20.{host}") for n in range(20)])
    assert nat.engine.datapath.turns.bytes < 2 * 10_000
    assert verdicts(nat, [register(1, B)]) == [Aside.HELD]


def test_nobody_waits_for_a_module_that_edits_nothing(nat: World) -> None:
    """`off`: the correct one only reads along."""
    nat.set("alg.sip.module", "off")
    assert verdicts(nat, [register(n) for n in range(20)]) == ["edited"] * 20
    assert len(nat.told(MessagePassed)) == 20


def test_what_waits_for_a_flow_that_is_over_goes_nowhere(nat: World) -> None:
    verdicts(nat, [register(n) for n in range(FEW + 2)])
    nat.engine.flush(nat.now)
    assert one_turn(nat) == []
    assert nat.drops() == {Drop.NO_MAPPING.reason: 2}
    audit_books(nat)


def test_what_turns_back_waits_for_nobody(nat: World) -> None:
    """It would have to go on from the middle of its way."""
    nat.set("nat.filtering", "endpoint-independent")
    own = nat.out(PHONE._replace(port=5060), SERVER)
    verdicts(nat, [register(n) for n in range(FEW + 2)])
    nat.take_all(OUTSIDE)
    seen = nat.hairpin(PHONE._replace(address=PHONE.address + 1, port=5060), own, payload=REGISTER)
    assert seen.payload == REGISTER


def test_work_is_counted_in_messages_bytes_and_edits() -> None:
    assert work_of(0, 0) == turns.WORK_OF_A_MESSAGE
    assert work_of(60_000, 0) > turns.AT_ONCE, "one of the longest is a turn's work"
    assert work_of(0, 200) > turns.AT_ONCE


def test_what_is_shown_to_somebody_is_more_work() -> None:
    world = World({"alg.sip.module": "sip"})
    for is_read, count in ((False, 16), (True, 6)):
        if not is_read:
            world.log._subscribers = []
        else:
            world.log.subscribe(world.events.append)
        world.engine.begin_turn()
        read = verdicts(world, [register(n) for n in range(40)]).count("edited")
        assert 1 < read < count
        while world.engine.datapath.turns.next_deadline() == 0.0:
            world.engine.expire(world.now)


def test_without_turns_nothing_waits() -> None:
    """In a simulation."""
    free = Turns()
    free.charge(1_000_000)
    assert free.may_read(1)
