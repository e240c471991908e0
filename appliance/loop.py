"""The loop of a real appliance, and the only clock.

Strategy: one thread, one epoll, no queue. Whoever has something is served in turns: a wire is
drained of at most `PACKETS_PER_TURN` packets before the other wire, the timers and one client of
the control socket get theirs, and of their messages so many are read as a turn allows
(`gateway/turns.py`), so that nobody can starve anybody. `now` is read once a turn and handed down;
nothing below this file knows what time it is.

The control socket's descriptors stand in an epoll of their own, which is one descriptor of the
loop's: however many clients there are, waiting for packets costs the same.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alg import registry
from appliance.control.behind import stay_behind
from appliance.control.client import Client
from appliance.control.listener import (
    ControlMode,
    Listener,
    control_listener,
    read_only_listener,
)
from appliance.control.server import ControlServer
from appliance.control.sweeper import Sweeper
from appliance.control.writer import begin, open_file, write
from appliance.engine import Engine
from appliance.gateway.workers.nursery import Nursery
from appliance.journal.events import Started
from appliance.journal.log import EventLog
from appliance.journal.recorder import Recorder
from appliance.settings.rfc import requirements
from appliance.settings.table import Settings
from appliance.wires.ceiling import Ceiling, bytes_for, faults_explained
from appliance.wires.privileges import give_up, go_first, unprivileged
from appliance.wires.tun import Place, open_wires
from appliance.wires.wire import Wire, WireGone
from nat.endpoint import Side
from nat.mapping import Leg

PACKETS_PER_TURN = 64
INTERRUPTED = 130
TIMER_GRAIN = 0.01
"""Seconds that an expiry may be late by. Nobody sees it: whoever looks a flow up looks at its
deadline too."""
LONGEST_WAIT = 3600.0
"""Seconds without a look at the timers. The kernel counts milliseconds, and only to 24 days."""
BACKLOG_GRAIN = 0.001
"""The same when more is due than is done at once."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NEW_OBJECTS_PER_COLLECTION = 5_000
"""Packets wait while these are looked at, about a millisecond for so many. Each is looked at once,
so that to look at fewer more often costs no more."""


def run(
    settings: Settings,
    control_path: Path,
    control_mode: ControlMode = "owner",
    when_ready: Callable[[], None] = lambda: None,
    speed: float = 1.0,
) -> int:
    """Be the appliance until a signal comes: what `glassnat run` does. Answers the exit code.
    `when_ready` is called when all is open, and packets pass from now on. `speed`: so many seconds
    pass for everything in it in one of the machine's.

    What needs privileges, or is to be written later, is opened first: the wires, the recording, the
    control sockets. Then this process becomes an unprivileged user.

    Raises WireError, ControlError, RecordingError, ceiling.Fault and alg.registry.SpecError with a
    sentence that says what to do. Everything that was made is gone again when this returns or
    raises.
    """
    inside, outside = (Place.of(settings.section(str(side))) for side in Side)
    with contextlib.ExitStack() as undo:
        signals = undo.enter_context(Signals())
        wires = open_wires(inside, outside, offload=not os.environ.get("GLASSNAT_NO_OFFLOAD"))
        for wire in wires:
            undo.callback(wire.close)
        clock = _clock(speed)
        log = EventLog(clock())
        started = _announce(settings, log)
        recorder = _recorder(settings, log, undo)
        listeners = _listeners(control_path, control_mode, undo)
        if settings["capture.file"]:
            _begin_capture(started, control_path)
        nursery = Nursery()  # while there are privileges, for it is to become another user
        undo.callback(nursery.close)
        _leave_privileges(listeners, undo)
        engine = Engine(settings, started.name, "appliance", log, nursery=nursery)
        for side, wire in zip(Side, wires, strict=True):
            engine.kernel_drops[str(side)] = wire.dropped_by_kernel
        if recorder is not None:
            engine.kept["recording"] = recorder.use
        ceiling = Ceiling(bytes_for(settings["process.memory"], settings["nat.limits.flows"]))
        undo.callback(ceiling.close)
        control = ControlServer(engine, *listeners)
        loop = Loop(wires, engine, signals, control, clock, ceiling.check, speed)
        undo.callback(loop.close)
        tame_collector()
        _say(f"ready: inside {inside}, outside {outside}, {wires[0].manner}")
        when_ready()
        with faults_explained(ceiling.most):
            return INTERRUPTED if loop.run() == signal.SIGINT else 0


def _clock(speed: float) -> Callable[[], float]:
    """Seconds that only ever grow, `speed` of them in one."""
    return time.monotonic if speed == 1.0 else lambda: time.monotonic() * speed


def _announce(settings: Settings, log: EventLog) -> Started:
    """The first event of all."""
    values = dict(settings.values)
    started = Started(wall=time.time(), name=settings["name"], mode="appliance", settings=values)
    log.emit(started, log.zero)
    return started


def _listeners(
    path: Path, mode: ControlMode, undo: contextlib.ExitStack
) -> tuple[Listener, Listener]:
    """The socket that obeys and the one that only answers. Raises ControlError."""
    control = control_listener(path, mode)
    undo.callback(control.close)
    read_only = read_only_listener(path, mode)
    undo.callback(read_only.close)
    return control, read_only


def _leave_privileges(listeners: Sequence[Listener], undo: contextlib.ExitStack) -> None:
    """Use them for the last time, and become somebody who has none."""
    _read_ahead()
    go_first()
    account = unprivileged()
    if account is not None:
        undo.callback(Sweeper(listeners).close)
    if not give_up(account):
        _say(f"note: user {os.geteuid()} may not become another here, and so stays who it is")


def _read_ahead() -> None:
    """Read those of the program's own files that are otherwise read when somebody asks: the user
    that it becomes may not be able to."""
    requirements()
    for application in registry.APPLICATIONS.values():
        with contextlib.suppress(KeyError):
            application.correct().explain("")


class RecordingError(Exception):
    """The file of the recording or of the capture cannot be written. The text says why."""

    exit_code = 2


def _recorder(settings: Settings, log: EventLog, undo: contextlib.ExitStack) -> Recorder | None:
    """The recording of `log`, if one is wanted. Raises RecordingError."""
    path = settings["record.file"]
    if not path:
        return None
    try:
        recorder = Recorder(path, _say, settings["record.bytes"])
        undo.callback(recorder.close)
        recorder.attach(log)
        return recorder
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecordingError(f"record.file: {path}: {reason}") from None


def _begin_capture(started: Started, control_path: Path) -> None:
    """Leave a process behind that asks for all packets, as `glassnat capture start` does. It stays
    who it is, so that a ring can go on in the same folder, but has no capabilities."""
    path = Path(str(started.settings["capture.file"])).absolute()
    try:
        file = open_file(path, started, _say)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecordingError(f"capture.file: {path}: {reason}") from None
    with Client(control_path) as client:

        def job() -> None:
            give_up()
            begin(client, file)
            write(client, file)

        stay_behind(job, (sys.stderr.fileno(), client.fileno(), file.fileno()))
    file.let_go()


def _say(sentence: str) -> None:
    sys.stderr.write(f"glassnat: {sentence}\n")
    sys.stderr.flush()


class Loop:
    """Carries packets between two wires until a signal says stop.

    `clock` answers seconds that only ever grow, `speed` of them in one. `watch` is called whenever
    the timers are looked at. `run` raises WireGone when a wire goes away, and what `watch` raises.
    """

    def __init__(
        self,
        wires: Sequence[Wire],
        engine: Engine,
        signals: Signals,
        control: ControlServer | None = None,
        clock: Callable[[], float] = time.monotonic,
        watch: Callable[[], None] = lambda: None,
        speed: float = 1.0,
    ) -> None:
        self._wires = wires
        self._engine = engine
        self._control = control
        self._clock = clock
        self._watch = watch
        self._speed = speed
        self._signals = signals
        self._look_again = clock()
        self._rested = False
        self._wait = 0.0
        self._clients = selectors.EpollSelector()
        self._served = -1  # the descriptor of the client that had its turn last
        self._poll = select.epoll()
        self._sides = {wire.fileno(): side for wire, side in zip(wires, Side, strict=True)}
        for descriptor in (*self._sides, self._clients.fileno(), self._signals.fileno()):
            self._poll.register(descriptor, select.EPOLLIN)
        if control is not None:
            control.register(self._clients)

    def run(self) -> int:
        """Carry packets until a signal comes; answers its number."""
        while not self._signals.received:
            self.turn()
        return self._signals.received

    def turn(self) -> None:
        """Wait for whatever comes next, and serve everybody once."""
        ready = self._poll.poll(self._wait)
        now = self._clock()
        self._engine.begin_turn()
        # After a rest it is one packet, mostly. To ask for the next at once, and hear that there is
        # none, would only delay its answer, which may wait at the other wire already.
        at_most = 1 if self._rested else PACKETS_PER_TURN
        for descriptor, mask in ready:
            side = self._sides.get(descriptor)
            if side is not None:
                carried = self._drain(side, now, at_most)
                if mask & ~select.EPOLLIN and not carried:
                    raise WireGone(f"the device {self._wires[side].name} has failed")
            elif descriptor == self._signals.fileno():
                self._signals.read()
            else:
                self._serve_clients(now)
        if ready:
            if self._rested:  # what has just woken us is not to wait for the timers
                self._look_again = now + TIMER_GRAIN
            elif now >= self._look_again:
                self._keep_time(now)
            self._wait = min(self._wait, TIMER_GRAIN)
        else:
            self._keep_time(now)
        self._rested = not ready

    def _keep_time(self, now: float) -> None:
        """Let the engine forget what is over, and see how long nothing will be.

        While packets come this is done once a grain of time and not every turn: the next deadline
        may be wrong by then, but a grain later it is looked at again.
        """
        self._watch()
        deadline = self._engine.next_deadline()
        if deadline <= now:
            self._engine.expire(now)
            self._send_outbox(now)
            deadline = self._engine.next_deadline()
        if deadline <= now:  # more is due than is done at once: go on with it in the next turn
            self._look_again, self._wait = now, BACKLOG_GRAIN
        else:
            self._look_again = now + TIMER_GRAIN
            self._wait = min(max((deadline - now) / self._speed, TIMER_GRAIN), LONGEST_WAIT)

    def close(self) -> None:
        """End the control socket and give back what the loop opened; the rest is others'."""
        if self._control is not None:
            self._control.close()
        self._poll.close()
        self._clients.close()

    def _drain(self, side: Side, now: float, at_most: int) -> int:
        """Carry what waits on one wire; how many packets that were."""
        wires, handle, outbox = self._wires, self._engine.handle, self._engine.outbox
        receive = wires[side].receive
        for carried in range(at_most):
            packet = receive()
            if packet is None:
                return carried
            verdict = handle(packet, side, now)
            if isinstance(verdict, Leg) and not wires[verdict.exit].send(packet):
                self._engine.not_sent(packet, side, now)
            if outbox:
                self._send_outbox(now)
        return at_most

    def _send_outbox(self, now: float) -> None:
        """The appliance's own packets, and those that go in several pieces. One that is not taken
        is lost, as on any wire: nobody waits for it here."""
        for side, packet in self._engine.outbox:
            if not self._wires[side].send(packet):
                self._engine.own_not_sent(packet, now)
        self._engine.outbox.clear()

    def _serve_clients(self, now: float) -> None:
        """One slice of work a turn, for one client after the other: all of them together take no
        more from the packets than one alone."""
        ready = self._clients.select(0)
        if self._control is None or not ready:
            return
        key, mask = min(ready, key=lambda each: (each[0].fd <= self._served, each[0].fd))
        self._served = key.fd
        self._control.handle(key, mask, now)


class Signals:
    """The signals that ask the program to stop, as a descriptor that the loop can wait for.

    Python runs a handler between two lines of whatever is under way; this way nothing is ever cut
    in two, and a signal that comes while the wires are being opened waits for the loop.
    """

    def __init__(self) -> None:
        self.received = 0
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1

    def fileno(self) -> int:
        return self._reader.fileno()

    def __enter__(self) -> Signals:
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno())
        for number in STOP_SIGNALS:
            self._before[number] = signal.signal(number, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def read(self) -> None:
        """Take in what has come; the first one that asks to stop counts."""
        for number in self._reader.recv(64):
            if number in STOP_SIGNALS:
                self.received = self.received or number


def tame_collector() -> None:
    """Keep Python's garbage collector from stopping the loop.

    Flows and mappings are free of cycles and are freed when they are let go of. With a hundred
    thousand of them alive, one full collection stops the loop for a sixth of a second and finds
    nothing. So what exists by now is never looked at again, and from now on only young objects
    are: the little rubbish with cycles (exceptions, mostly) dies young.
    """
    gc.collect()
    gc.freeze()
    never = 1_000_000_000
    gc.set_threshold(NEW_OBJECTS_PER_COLLECTION, never, never)
