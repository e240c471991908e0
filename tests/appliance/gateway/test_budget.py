"""Somebody else's code may take only so long."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.gateway.budget import OutOfTime, time_budget
from nat.endpoint import Side
from nat.packet import Packet
from tests.support.packets import A, R, udp
from tests.support.world import World

SHORT = 0.01


def loop_for_ever() -> None:
    while True:
        pass


def test_what_takes_too_long_is_interrupted() -> None:
    with pytest.raises(OutOfTime, match="longer than 10 ms"), time_budget(SHORT):
        loop_for_ever()


def swallow_every_exception() -> None:
    while True:
        try:
            loop_for_ever()
        except Exception:
            continue


def swallow_one_of_everything() -> None:
    try:
        loop_for_ever()
    except BaseException:
        loop_for_ever()


@pytest.mark.parametrize("stubborn", [swallow_every_exception, swallow_one_of_everything])
def test_catching_does_not_help(stubborn: Callable[[], None]) -> None:
    with pytest.raises(OutOfTime), time_budget(SHORT):
        stubborn()


ENDLESS = """
class Endless:
    name = "endless"
    def inspect(self, message, context):
        while True:
            try:
                len(message)
            except Exception:
                pass
    def explain(self, rule):
        raise KeyError(rule)
"""


def test_a_foreign_module_that_never_ends_does_not_stop_the_nat(tmp_path: Path) -> None:
    """Promise 4: its message passes unchanged, the failure is counted, nothing is opened."""
    (tmp_path / "endless.py").write_text(ENDLESS)
    world = World()
    world.engine.set("alg.sip.module", f"{tmp_path}/endless.py:Endless", "test", 0.0)
    sent = udp(f"{A}:5060", f"{R}:5060", b"OPTIONS sip:x SIP/2.0\r\n\r\n")
    packet = Packet.of(sent)
    assert world.engine.handle(packet, Side.INSIDE, 1.0) is not None
    assert packet.payload == Packet.of(sent).payload
    assert world.engine.slots["sip"].counters["errors"] == 1


def test_what_is_in_time_is_left_alone_and_no_alarm_stays_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_budget(60.0):
        done = sum(range(1000))
    assert done == 499500
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_outside_the_main_thread_nothing_is_limited() -> None:
    """Signals cannot reach it; a program that runs modules there has to watch them by itself."""
    done: list[bool] = []

    def work() -> None:
        with time_budget(SHORT):
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
