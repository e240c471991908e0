"""Outcomes before choosing, as they become known."""

from __future__ import annotations

import contextlib
import io
import pickle
from collections.abc import Iterator, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from alg.registry import MODULES
from appliance.sim.matrix import Plan
from tests.support.programs import until
from tests.tui.test_simulated import simulation
from tui.foresight import SPEC, Foresight, Found, Players, serve
from tui.simulated import SimulationFeed

KEY = "alg.sip.module"
SIP_POOR = MODULES["sip-poor"]


class Told(Players):
    """Plays nothing, and knows all."""

    played: list[str] = []  # noqa: RUF012 - each test sees what was asked for

    def __init__(self) -> None:
        """There is no other program."""

    def end(self) -> None:
        pass

    def play(self, plans: Sequence[Plan]) -> Iterator[Found]:
        for plan in plans:
            self.played.append(plan.axes[SPEC])
            yield plan.axes[SPEC], "no-audio"


def feed_with(players: type[Players]) -> SimulationFeed:
    feed = SimulationFeed(simulation)
    feed.foresight = Foresight(players)
    return feed


def test_all_that_somebody_may_choose_is_played_in_the_order_of_the_menu() -> None:
    Told.played.clear()
    feed = feed_with(Told)
    found = feed.foresee({KEY: ["off", "sip", "sip-poor:no-sdp"]})
    feed.foresight.wait()
    assert found == {"off": "no-audio", "sip": "no-audio", "sip-poor:no-sdp": "no-audio"}
    assert Told.played == ["off", "sip", "sip-poor:no-sdp"]


async def test_what_is_known_is_not_played_again_unless_something_else_is_turned() -> None:
    feed = feed_with(Told)
    found = feed.foresee({KEY: ["off", "sip"]})
    feed.foresight.wait()
    feed.foresight.rest()
    Told.played.clear()
    assert feed.foresee({KEY: ["off"]}) is found
    assert Told.played == []
    await feed.set("parties.pbx.comedia", True)
    again = feed.foresee({KEY: ["off"]})
    feed.foresight.wait()
    assert again == {"off": "no-audio"}
    assert Told.played == ["off"]


@pytest.fixture
def feed() -> Iterator[SimulationFeed]:
    made = feed_with(Players)
    yield made
    made.foresight.end()


@pytest.mark.slow
def test_the_other_program_plays_to_the_end_and_waits_for_the_next_question(
    feed: SimulationFeed,
) -> None:
    """A cell says what a whole run on the screen would come to."""
    feed.foresight.prepare()
    found = feed.foresee({KEY: ["off", "sip-poor:callid-oneway", "nowhere.py:Mine"]})
    feed.foresight.wait()
    assert found == {
        "off": "one-way-audio",
        "sip-poor:callid-oneway": "registration-failed",
        "nowhere.py:Mine": "",
    }
    feed.foresight.rest()
    assert feed.foresee({KEY: ["off", "sip"]}) is found
    feed.foresight.wait()
    assert found["sip"] == "both-ways"


@pytest.mark.slow
def test_it_ends_when_nobody_asks_any_more() -> None:
    lines: list[str] = []
    with ThreadPool(1) as pool:
        serve(io.BytesIO(pickle.dumps([])), lines.append, pool)
    assert lines == ["\n"]


def processes_of(session: int) -> list[str]:
    """Those that are not over, by the fourth word behind the name in proc_pid_stat(5)."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError, ValueError):
            words = (process / "stat").read_text().rpartition(")")[2].split()
            if words[0] != "Z" and int(words[3]) == session:
                found.append(process.name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ended", "left"])
def test_no_process_of_it_stays(how: str) -> None:
    """Neither when the screen ends it, at whatever moment, nor when the screen is gone."""
    players = Players()
    if how == "left":
        assert list(players.play([])) == []
        assert players._program.stdin is not None
        players._program.stdin.close()
        players._program.wait()
    else:
        assert processes_of(players._program.pid)
        players.end()
    until(lambda: not processes_of(players._program.pid))
    players.end()


def test_nobody_waits_for_what_nobody_wants_to_know_any_more(feed: SimulationFeed) -> None:
    found = feed.foresee({KEY: [f"sip-poor:{name}" for name in SIP_POOR.faults]})
    feed.foresight.rest()
    feed.foresight.wait()
    assert len(found) < len(SIP_POOR.faults)
