"""The loop serves everybody in turns, sleeps when there is nothing to do, and ends in order.

The engine here passes packets through or does what its test says; datagram socket pairs stand in
for the TUN devices."""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from math import inf

import pytest

from appliance.loop import PACKETS_PER_TURN, TIMER_GRAIN, Loop, Signals, tame_collector
from appliance.wires.wire import DescriptorWire, WireGone
from nat.endpoint import Side
from nat.mapping import Arrival
from nat.packet import Packet
from tests.support.rig import Through

INSIDE, OUTSIDE = Side.INSIDE, Side.OUTSIDE


class Engine:
    """Passes through, and keeps a diary."""

    def __init__(self) -> None:
        self.outbox: list[tuple[Side, Packet]] = []
        self.handled: list[tuple[Side, bytes]] = []
        self.refused: list[Side] = []
        self.own_refused: list[bytes] = []
        self.expired: list[float] = []
        self.deadline = inf
        self.turns = 0
        self.verdict: Callable[[Packet, Side], Through | None] = lambda packet, side: Through(
            Arrival(side.other)
        )

    def begin_turn(self) -> None:
        self.turns += 1

    def handle(self, packet: Packet, side: Side, now: float) -> Through | None:
        self.handled.append((side, packet.to_bytes()))
        return self.verdict(packet, side)

    def not_sent(self, packet: Packet, side: Side, now: float) -> None:
        self.refused.append(side)

    def own_not_sent(self, packet: Packet, now: float) -> None:
        self.own_refused.append(packet.to_bytes())

    def next_deadline(self) -> float:
        return self.deadline

    def expire(self, now: float) -> None:
        self.expired.append(now)
        self.deadline = inf


class World:
    """A loop, its engine, the kernel's ends of its wires, and a clock that tests turn."""

    def __init__(self, signals: Signals) -> None:
        self.engine = Engine()
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in Side]
        self.near = [near for near, _ in pairs]
        self.far = [far for _, far in pairs]
        for end in (*self.near, *self.far):
            end.setblocking(False)
        self.now = 100.0
        self.wires = [
            DescriptorWire(near.fileno(), name, framed=False)
            for near, name in zip(self.near, ("gn-in", "gn-out"), strict=True)
        ]
        self.signals = signals
        self.loop = Loop(self.wires, self.engine, self.signals, clock=lambda: self.now)

    def waiting(self, side: Side) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.far[side].recv(70000))
            except BlockingIOError:
                return found

    def close(self) -> None:
        self.loop.close()
        for end in (*self.near, *self.far):
            end.close()


@pytest.fixture
def world() -> Iterator[World]:
    with Signals() as signals:
        world = World(signals)
        yield world
        world.close()


def test_packets_pass_both_ways_in_one_turn(world: World) -> None:
    world.far[INSIDE].send(b"out")
    world.far[OUTSIDE].send(b"in")
    world.loop.turn()
    assert world.waiting(OUTSIDE) == [b"out"]
    assert world.waiting(INSIDE) == [b"in"]


def test_a_flood_on_one_wire_gets_its_turn_and_no_more(world: World) -> None:
    """One turn of the loop is at most 64 packets of a wire; then the others are served."""
    world.near[INSIDE].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    received = iter([Packet.of(b"flood")] * 1000)
    world.wires[INSIDE].receive = lambda: next(received)  # type: ignore[method-assign]
    world.far[INSIDE].send(b"wakes the loop")
    world.far[OUTSIDE].send(b"patient")
    world.engine.verdict = lambda packet, side: None
    world.loop.turn()
    assert world.engine.handled.count((INSIDE, b"flood")) == PACKETS_PER_TURN
    assert (OUTSIDE, b"patient") in world.engine.handled


def test_work_on_messages_is_bounded_by_the_turn(world: World) -> None:
    for turn in range(1, 4):
        world.far[INSIDE].send(b"a message")
        world.loop.turn()
        assert world.engine.turns == turn


def test_what_is_too_much_for_one_turn_goes_on_in_the_next_also_beside_packets(
    world: World,
) -> None:
    world.engine.next_deadline = lambda: 0.0  # type: ignore[method-assign]
    world.loop.turn()  # nothing comes: a rest
    world.far[INSIDE].send(b"first")
    world.loop.turn()
    world.now += TIMER_GRAIN
    before = len(world.engine.expired)
    for _ in range(3):
        world.far[INSIDE].send(b"more")
        world.loop.turn()
    assert len(world.engine.expired) == before + 3


def test_after_a_rest_one_packet_is_taken_before_its_answer_may_come(world: World) -> None:
    """Nobody is asked for a second packet while the answer to the first waits elsewhere."""
    world.loop.turn()  # nothing comes: a rest
    for data in (b"first", b"second"):
        world.far[INSIDE].send(data)
    world.loop.turn()
    assert world.engine.handled == [(INSIDE, b"first")]
    world.far[OUTSIDE].send(b"answer")
    world.loop.turn()
    assert sorted(world.engine.handled[1:]) == [(INSIDE, b"second"), (OUTSIDE, b"answer")]


def test_what_does_not_leave_is_not_sent(world: World) -> None:
    world.engine.verdict = lambda packet, side: None
    world.far[INSIDE].send(b"held or dropped")
    world.loop.turn()
    assert world.waiting(INSIDE) == world.waiting(OUTSIDE) == []


def test_a_packet_may_turn_back(world: World) -> None:
    """A hairpinned packet leaves on the wire it came from."""
    world.engine.verdict = lambda packet, side: Through(Arrival.INSIDE)
    world.far[INSIDE].send(b"hairpin")
    world.loop.turn()
    assert world.waiting(INSIDE) == [b"hairpin"]


def test_the_appliances_own_packets_leave_with_the_packet_that_caused_them(world: World) -> None:
    def answer(packet: Packet, side: Side) -> None:
        world.engine.outbox.append((side, Packet.of(b"an ICMP error")))

    world.engine.verdict = answer
    world.far[INSIDE].send(b"too far")
    world.loop.turn()
    assert world.waiting(INSIDE) == [b"an ICMP error"]


def test_a_packet_that_the_other_wire_does_not_take_is_reported(world: World) -> None:
    world.wires[OUTSIDE].send = lambda packet: False  # type: ignore[method-assign]
    world.far[INSIDE].send(b"refused")
    world.loop.turn()
    assert world.engine.refused == [INSIDE]


def test_a_packet_of_the_outbox_that_its_wire_does_not_take_is_reported_too(world: World) -> None:
    world.engine.outbox += [(OUTSIDE, Packet.of(b"refused")), (INSIDE, Packet.of(b"taken"))]
    world.wires[OUTSIDE].send = lambda packet: False  # type: ignore[method-assign]
    world.engine.deadline = 99.0
    world.loop.turn()
    assert world.engine.own_refused == [b"refused"]
    assert world.waiting(INSIDE) == [b"taken"]


def test_timers_run_when_they_are_due(world: World) -> None:
    world.engine.deadline = 100.0
    world.loop.turn()
    assert world.engine.expired == [100.0]


def test_timers_that_are_not_due_wait(world: World) -> None:
    world.engine.deadline = 107.0
    world.far[INSIDE].send(b"ends the wait")
    world.loop.turn()
    assert world.engine.expired == []


def test_what_expiry_sends_leaves_at_once(world: World) -> None:
    def expire(now: float) -> None:
        world.engine.outbox.append((OUTSIDE, Packet.of(b"a late error")))
        world.engine.deadline = inf

    world.engine.expire = expire  # type: ignore[method-assign]
    world.engine.deadline = 99.0
    world.loop.turn()
    assert world.waiting(OUTSIDE) == [b"a late error"]


def test_a_wire_that_goes_away_ends_the_loop(world: World) -> None:
    def gone() -> Packet | None:
        raise WireGone("the device gn-in has gone away")

    world.wires[INSIDE].receive = gone  # type: ignore[method-assign]
    world.far[INSIDE].send(b"wakes the loop")
    with pytest.raises(WireGone, match="gn-in"):
        world.loop.run()


def test_a_wire_in_error_that_has_nothing_to_say_is_no_busy_loop() -> None:
    """epoll reports the error again and again; once is enough."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    near.setblocking(False)
    wires = [DescriptorWire(writer, "gn-in", False), DescriptorWire(near.fileno(), "gn-out", False)]
    wires[0].receive = lambda: None  # type: ignore[method-assign]
    os.close(reader)
    with Signals() as signals:
        loop = Loop(wires, Engine(), signals, clock=lambda: 0.0)
        with pytest.raises(WireGone, match="gn-in has failed"):
            loop.run()
        loop.close()
    os.close(writer)
    near.close()
    far.close()


def test_where_time_passes_faster_a_deadline_is_waited_for_as_much_less(world: World) -> None:
    """A minute in an eighth of a second."""
    speed = 500.0
    began = time.monotonic()
    loop = Loop(
        world.wires,
        world.engine,
        world.signals,
        clock=lambda: (time.monotonic() - began) * speed,
        speed=speed,
    )
    world.engine.deadline = 60.0
    while not world.engine.expired:
        loop.turn()
    loop.close()
    assert world.engine.expired[0] >= 60.0
    assert time.monotonic() - began < 30.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_loop_between_two_turns(world: World, number: signal.Signals) -> None:
    world.far[INSIDE].send(b"wakes the loop")
    world.engine.verdict = lambda packet, side: os.kill(os.getpid(), number)
    assert world.loop.run() == number
    assert world.engine.handled == [(INSIDE, b"wakes the loop")]


def test_a_signal_that_came_before_the_loop_ends_it_at_once() -> None:
    """While the devices are being opened, nothing is cut in two."""
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        signals.read()
        assert signals.received == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_control_gets_its_turn_beside_packets(world: World) -> None:
    asked: list[bytes] = []
    here, there = socket.socketpair()

    class Control:
        def register(self, selector: selectors.BaseSelector) -> None:
            selector.register(here, selectors.EVENT_READ, self)

        def handle(self, key: selectors.SelectorKey, mask: int, now: float) -> None:
            asked.append(here.recv(100))

        def close(self) -> None:
            here.close()

    loop = Loop(world.wires, world.engine, world.signals, Control(), clock=lambda: 0.0)
    there.send(b"show flows")
    world.far[INSIDE].send(b"packet")
    loop.turn()
    assert asked == [b"show flows"]
    assert world.waiting(OUTSIDE) == [b"packet"]
    loop.close()
    assert here.fileno() == -1, "closed with the loop"
    there.close()


class Clients:
    """A control socket whose clients always want something; it notes who had a turn."""

    def __init__(self, count: int) -> None:
        self.pairs = [socket.socketpair() for _ in range(count)]
        self.served: list[int] = []
        for _, far in self.pairs:
            far.send(b"a request, and after it another")

    def register(self, selector: selectors.BaseSelector) -> None:
        for near, _ in self.pairs:
            selector.register(near, selectors.EVENT_READ, self)

    def handle(self, key: selectors.SelectorKey, mask: int, now: float) -> None:
        self.served.append(key.fd)

    def close(self) -> None:
        for ends in self.pairs:
            for end in ends:
                end.close()


@pytest.mark.parametrize("count", [1, 2, 8])
def test_all_clients_together_have_the_turn_of_one(world: World, count: int) -> None:
    """Eight that ask in a loop take no more from the packets than one does, and none of them waits
    for another twice."""
    clients = Clients(count)
    with contextlib.closing(Loop(world.wires, world.engine, world.signals, clients)) as loop:
        for turn in range(3 * count):
            world.far[INSIDE].send(b"packet")
            loop.turn()
            assert len(clients.served) == turn + 1
    assert len(world.engine.handled) == 3 * count
    everybody = sorted(set(clients.served))
    assert len(everybody) == count
    assert clients.served == everybody * 3


@pytest.mark.slow
def test_the_collector_never_looks_at_old_objects() -> None:
    """A full collection over a hundred thousand flows takes 160 ms and finds nothing."""
    before = gc.get_threshold()
    gc.unfreeze()
    try:
        tame_collector()
        young, *older = gc.get_threshold()
        assert 0 < young < 100_000
        assert min(older) > 1_000_000
        assert gc.get_freeze_count() > 0
    finally:
        gc.set_threshold(*before)
