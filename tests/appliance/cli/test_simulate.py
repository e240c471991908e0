"""`glassnat sim` shows, `glassnat check` judges."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from appliance.cli import simulate
from appliance.journal.events import decode
from appliance.sim.scenario import Step
from tests.support.stories import CALL

Run = Callable[..., Any]
SHORT = ("--until", "8s")


def test_without_a_terminal_a_run_is_text_and_ends_with_the_outcome(glassnat: Run) -> None:
    answer = glassnat("sim", "one-way-audio", *SHORT)
    assert answer.code == 0
    assert answer.out.splitlines()[-1].startswith("outcome: one-way audio: bob hears alice (")
    assert "REGISTER out" in answer.out
    assert "One-way audio" in answer.err


def test_the_correct_module_makes_it_a_conversation(glassnat: Run) -> None:
    answer = glassnat("sim", "one-way-audio", "--alg", "sip", "--plain", *SHORT)
    assert answer.out.splitlines()[-1].startswith("outcome: both ways")


def test_as_json_every_line_is_an_event_and_the_last_the_outcome(glassnat: Run) -> None:
    out = glassnat("sim", "one-way-audio", "--json", *SHORT).out
    *events, last = out.splitlines()
    assert decode(events[0].encode()).t == 0.0
    assert json.loads(events[0])["type"] == "started"
    numbers = [decode(line.encode()).id for line in events]
    assert numbers == sorted(numbers)
    outcome = json.loads(last)
    assert outcome["type"] == "outcome"
    assert outcome["outcome"] == "one-way-audio"
    assert outcome["evidence"]["registrations_accepted"] == 1


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_others(glassnat: Run) -> None:
    def run(*arguments: str) -> str:
        out: str = glassnat("sim", "one-way-audio", "--json", "--until", "3s", *arguments).out
        return out

    assert run() == run()
    assert run("--seed", "7") == run("--seed", "7") != run()


def test_a_setting_reaches_the_nat(glassnat: Run) -> None:
    out = glassnat("sim", "one-way-audio", "--json", *SHORT, "--set", "nat.timeouts.udp=30s").out
    assert json.loads(out.splitlines()[0])["settings"]["nat.timeouts.udp"] == 30.0


def test_packets_are_shown_at_the_four_points_beside_the_events(glassnat: Run) -> None:
    """As `watch --points` does, whose sentences these are."""
    out = glassnat("sim", "one-way-audio", "--points", "--until", "0.6s").out
    for said in (
        "packet 1 arrived on the inside: udp from alice (192.168.20.100:5060) to pbx",
        "packet 1 goes into translation, coming from the inside",
        "packet 1 comes out of it, for the outside: from 203.0.113.1:5060 to pbx",
        "source: 192.168.20.100:5060 became 203.0.113.1:5060",
        "packet 2 left on the inside",
    ):
        assert said in out
    as_json = glassnat("sim", "one-way-audio", "--points", "--json", "--until", "0.6s").out
    points = [event["point"] for event in map(json.loads, as_json.splitlines())
              if event["type"] == "packet-seen"]  # fmt: skip
    assert points == ["arrived", "translated-in", "translated-out", "left"] * 2


def test_the_points_show_where_a_firewall_lost_a_port(glassnat: Run) -> None:
    """The ports of the packet monitor in "Check Point and Asterisk", in its order: 17973 stands
    between two translations on the way out, and on the way back only one of them is undone."""
    out = glassnat("sim", "check-point-reply-port", "--points", "--json", "--until", "0.6s").out
    seen = [event for event in map(json.loads, out.splitlines()) if event["type"] == "packet-seen"]
    ports = [[event[end].partition(":")[2] for end in ("source", "destination")] for event in seen]
    assert ports == [
        ["5060", "5060"], ["5060", "5060"], ["17973", "5060"], ["17973", "5060"],
        ["40625", "5060"], ["40625", "5060"],
        ["5060", "40625"], ["5060", "40625"], ["5060", "17973"], ["5060", "17973"],
    ]  # fmt: skip


def test_a_run_is_recorded(glassnat: Run, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    out = glassnat("sim", "one-way-audio", "--json", *SHORT, "--record", str(path)).out
    assert path.read_text().splitlines() == out.splitlines()[:-1]


def test_a_paced_run_keeps_step_with_life(glassnat: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(simulate.time, "sleep", slept.append)
    glassnat("sim", "one-way-audio", "--until", "2s", "--speed", "2")
    assert sum(slept) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["one-way-adio"], "one-way-audio"),
        (["one-way-audio", "--plain", "--json"], "exclude each other"),
        (["one-way-audio", "--alg", "pour"], "alg.sip.module"),
        (["one-way-audio", "--alg", "sip-poor:no-spd"], "no-sdp"),
        (["one-way-audio", "--alg", "none.py:X"], "none.py"),
        (["one-way-audio", "--set", "nat.maping=x"], 'did you mean "nat.mapping"'),
        (["one-way-audio", "--profile", "symetric"], 'did you mean "symmetric"'),
        (["one-way-audio", "--until", "soon"], "not a duration"),
        (["one-way-audio", "--speed", "0"], "neither a speed"),
        (["one-way-audio", "--speed", "fast"], "neither a speed"),
        (["one-way-audio", "--record", "/nowhere/x.jsonl"], "--record /nowhere/x.jsonl"),
    ],
)
def test_what_is_wrong_is_exit_2(glassnat: Run, arguments: list[str], said: str) -> None:
    answer = glassnat("sim", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert answer.out == ""


# --- check ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_scenario_that_goes_as_it_says_is_exit_0(glassnat: Run) -> None:
    answer = glassnat("check", "one-way-audio")
    assert answer.code == 0
    assert "one-way-audio with sip: as expected: both ways" in answer.out


def test_a_module_that_is_set_is_the_one_that_is_judged(glassnat: Run) -> None:
    answer = glassnat("check", "one-way-audio", "--set", "alg.sip.module=sip")
    assert answer.code == 0
    (line,) = answer.out.splitlines()
    assert line.startswith("one-way-audio with sip: as expected")


@pytest.mark.slow
def test_as_json_it_ends_with_an_outcome(glassnat: Run) -> None:
    out = glassnat("check", "one-way-audio", "--alg", "sip", "--json").out
    outcome = json.loads(out.splitlines()[-1])
    assert outcome["type"] == "outcome"
    assert outcome["outcome"] == outcome["expected"] == "both-ways"
    assert outcome["holds"] is True


@pytest.fixture
def disappointed(monkeypatch: pytest.MonkeyPatch) -> None:
    load = simulate.load_scenario

    def expecting_more(name: str) -> Any:
        story = load(name)
        story.expect["off"].outcome = "both-ways"
        story.expect["sip"].evidence = {"calls_tried": 99}
        return story

    monkeypatch.setattr(simulate, "load_scenario", expecting_more)


@pytest.mark.slow
@pytest.mark.usefixtures("disappointed")
def test_one_that_does_not_is_exit_1_with_what_was_expected(glassnat: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    answer = glassnat("check", "one-way-audio", "--junit", str(report))
    assert answer.code == 1
    assert "with off: NOT as expected: one-way audio" in answer.out
    assert "expected both-ways with calls_tried 99" in answer.out
    suite = ElementTree.parse(report).getroot()
    assert suite.get("failures") == "2"
    assert [case.get("name") for case in suite if len(case)] == ["off", "sip"]


def test_a_step_whose_run_does_not_print_what_it_shows_is_told(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A guide is held against its own runs, and so not against what somebody turns."""
    step = Step(
        alg="sip",
        title="It works",
        predict="?",
        see="!",
        shows=["outcome: both ways", "out of tune"],
    )
    load = simulate.load_scenario

    def with_guide(name: str) -> Any:
        story = load(name)
        story.steps = [step, replace(step, shows=["outcome: both ways"])]
        story.expect = {"sip": story.expect["sip"]}
        return story

    monkeypatch.setattr(simulate, "load_scenario", with_guide)
    report = tmp_path / "report.xml"
    answer = glassnat("check", "nat-yes", "--junit", str(report))
    assert answer.code == 1
    told, judged = answer.out.splitlines()
    assert told == 'nat-yes, step 1 (It works): its run does not print "out of tune"'
    assert judged.startswith("nat-yes with sip: as expected")
    suite = ElementTree.parse(report).getroot()
    assert [case.get("name") for case in suite if len(case)] == ["step 1"]
    first, last = map(json.loads, glassnat("check", "nat-yes", "--json").out.splitlines())
    assert (first["type"], first["step"], first["not_shown"]) == ("step", 1, ["out of tune"])
    assert last["type"] == "outcome"
    assert glassnat("check", "nat-yes", "--alg", "sip").code == 0


def test_a_story_without_expectations_cannot_be_checked(glassnat: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(CALL)
    answer = glassnat("check", str(tmp_path / "mine.toml"))
    assert (answer.code, answer.err) == (
        2,
        f"glassnat: mine expects nothing; {simulate.NO_EXPECTATION}\n",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--alg", "sip-poor:nothing"], "expects nothing of sip-poor:nothing; it knows: off"),
        (["--alg", "sip", "--junit", "/nowhere/x.xml"], "--junit /nowhere/x.xml"),
    ],
)
def test_check_says_what_it_cannot_do(glassnat: Run, arguments: list[str], said: str) -> None:
    answer = glassnat("check", "one-way-audio", *arguments)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize("key", ["alg.sip.module", "alg.ftp.module"])
def test_a_module_that_cannot_be_had_is_told_with_its_setting(glassnat: Run, key: str) -> None:
    answer = glassnat("sim", "one-way-audio", "--plain", "--set", f"{key}=nowhere.py:Mine")
    assert answer.code == 2
    assert f"{key}: there is no file 'nowhere.py' (see: glassnat alg list)" in answer.err
