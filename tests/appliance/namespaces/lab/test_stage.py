"""Parties on real sockets: on the loopback of this machine, with no NAT in between.

Every address of 127.0.0.0/8 is this host's, so that all parties can have their own, and tests that
run at the same time too.
"""

from __future__ import annotations

import os

import pytest

from appliance.namespaces.lab import stage
from appliance.namespaces.lab.stage import Stage
from appliance.namespaces.lab.witness import Tell
from appliance.sim.outcome import Outcome
from appliance.sim.reading import read
from appliance.sim.scenario import Act, Scenario
from nat.endpoint import Side
from tests.support.stories import CALL
from tests.support.sweep import sampled

HERE = dict.fromkeys(Side, "")
SPEED = 5.0
NETWORK = f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 200}"
STORY = (
    CALL.replace('side = "inside"', 'side = "outside"')  # which has addresses of all kinds
    .replace("192.168.20.100", f"{NETWORK}.100")
    .replace("203.0.113.9", f"{NETWORK}.9")
    + """
[[script]]
at = 1.0
set = { "nat.timeouts.udp" = "40s" }
"""
)


class Clock:
    """Time that passes while a selector waits, and when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def select(self, timeout: float) -> list[object]:
        self.now += timeout
        return []

    def close(self) -> None:
        pass


def story(transport: str, segment: int = 0) -> Scenario:
    words = f'transport = "{transport}"\nsegment = {segment}\nkind ='
    told = read(STORY.replace("kind =", words), "loopback")
    told.duration = 7.0
    return told


def played(
    told: Scenario,
    changes: list[tuple[str, object]],
    tell: Tell = lambda event, message: None,
) -> Outcome:
    return Stage(
        told, HERE, lambda key, value: changes.append((key, value)), speed=SPEED, tell=tell
    ).run()


@pytest.mark.parametrize(
    ("transport", "segment"),
    sampled([pytest.param("udp", 0), pytest.param("tcp", 0), pytest.param("tcp", 100)], 3),
)
def test_a_call_is_made_and_heard(transport: str, segment: int) -> None:
    """The same parties as in the simulation, and the kernel in the place of its hosts."""
    changes: list[tuple[str, object]] = []
    said: list[str] = []
    outcome = played(
        story(transport, segment), changes, lambda event, _: said.append(event["type"])
    )
    assert outcome.outcome == "both-ways", outcome.sentence
    assert outcome.evidence["registrations_accepted"] == 1
    assert changes == [("nat.timeouts.udp", "40s")]
    assert {*said} == {"message-accepted", "party-learnt", "call-outcome"}
    assert said[-1] == "call-outcome"


def test_while_the_machine_pauses_no_time_passes_in_the_story(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or its people would take the pause for silence, and hang up."""
    clock = Clock()
    monkeypatch.setattr(stage, "time", clock)
    monkeypatch.setattr(stage.selectors, "DefaultSelector", lambda: clock)
    told = read(STORY, "paused")
    told.parties, told.duration = {}, 3.0
    told.script = [Act(at=at, set={"nat.timeouts.udp": "40s"}) for at in (1.0, 2.0)]
    changed: list[float] = []

    def change(key: str, value: object) -> None:
        changed.append(clock.now)
        clock.now += 10.0

    Stage(told, HERE, change).run()
    first, second = changed
    assert second - first == pytest.approx(11.0, abs=0.01)
    assert clock.now == pytest.approx(23.0, abs=0.01)


@pytest.mark.slow
def test_who_is_not_there_is_not_reached() -> None:
    """The kernel says so by ICMP, and the phone goes on asking (RFC 3261 17.1.2)."""
    alone = story("udp")
    del alone.parties["pbx"]
    alone.duration = 3.0
    assert played(alone, []).evidence["registrations_accepted"] == 0


@pytest.mark.slow
def test_a_refused_connection_is_heard_of() -> None:
    alone = story("tcp")
    del alone.parties["pbx"]
    alone.duration = 3.0
    outcome = played(alone, [])
    assert outcome.outcome == "registration-failed"
    assert "connection refused" in outcome.sentence
