"""Outcomes before choosing, as they become known."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Sequence

from appliance.sim.matrix import Plan
from tests.tui.test_simulated import simulation
from tui.foresight import SPEC, Foresight, Found, Players, serve
from tui.simulated import SimulationFeed

KEY = "alg.sip.module"


class Told(Players):
    """Plays nothing, and knows all."""

    played: list[str] = []  # noqa: RUF012 - each test sees what was asked for

    def play(self, plans: Sequence[Plan]) -> Iterator[Found]:
        for plan in plans:
            self.played.append(plan.axes[SPEC])
            yield plan.axes[SPEC], "no-audio"


def feed_with(players: type[Players]) -> SimulationFeed:
    feed = SimulationFeed(simulation)
    feed.foresight = Foresight(players)
    return feed


def test_the_first_is_played_at_once_and_the_others_elsewhere() -> None:
    Told.played.clear()
    feed = feed_with(Told)
    found = feed.foresee({KEY: ["off", "sip", "sip-poor:no-sdp"]})
    feed.foresight.wait()
    assert found == {"off": "one-way-audio", "sip": "no-audio", "sip-poor:no-sdp": "no-audio"}
    assert Told.played == ["sip", "sip-poor:no-sdp"]


async def test_what_is_known_is_not_played_again_unless_something_else_is_turned() -> None:
    feed = feed_with(Told)
    found = feed.foresee({KEY: ["off", "sip"]})
    feed.foresight.wait()
    feed.foresight.end()
    assert feed.foresee({KEY: ["off"]}) is found
    await feed.set("parties.pbx.comedia", True)
    again = feed.foresee({KEY: ["off"]})
    feed.foresight.wait()
    assert again == {"off": "both-ways"}


def test_the_other_program_tells_a_line_for_each() -> None:
    """Its processes are those of the matrix, which has tests of its own."""
    assert list(serve(io.BytesIO(pickle.dumps([])))) == []


def test_nobody_waits_for_what_nobody_wants_to_know_any_more() -> None:
    feed = feed_with(Players)
    feed.foresee({KEY: ["off", "sip", "sip-poor:no-sdp"]})
    feed.foresight.end()
    feed.foresight.wait()
    assert "sip-poor:no-sdp" not in feed.foresight.outcomes
