"""All that the stories expect, in both worlds: which runs there are, and what is told of them."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import Any

import pytest

from appliance.cli import comparing
from appliance.cli.comparing import Play
from appliance.sim.stories import list_scenarios, load_scenario

STORIES = {name: load_scenario(name) for name in ("one-way-audio", "nat-yes", "left-open")}
ONE = {"one-way-audio": STORIES["one-way-audio"]}

SAID = (
    '{"outcome":"both-ways","simulated":"both-ways","sentence":"both",'
    '"evidence":{"calls_answered":1},"agrees":true}'
)

COUNTS = {"calls_answered": 1}


def row(play: Play, **more: Any) -> dict[str, Any]:
    ended = {"outcome": "both-ways", "simulated": "both-ways", "sentence": "", "agrees": True}
    return {**play._asdict(), "seconds": 1.0, **ended, **more}


def test_every_expectation_of_every_story_is_a_run() -> None:
    stories = {story.name: story for story in list_scenarios()}
    found = [play for each in comparing.plays(stories, None, None) for play in each]
    assert {(play.scenario, play.expects) for play in found} == {
        (name, label) for name, story in stories.items() for label in story.expect
    }


def test_a_run_turns_what_its_story_turns() -> None:
    path = "./somewhere/nat-yes"
    plays, *_ = comparing.plays({path: STORIES["nat-yes"]}, None, None)
    assert {play.scenario for play in plays} == {path}
    turned = {play.expects: play.turned for play in plays}
    assert turned["nat=yes"] == "--alg off --set parties.pbx.nat=yes"


def test_one_module_alone_can_be_asked_for() -> None:
    found = comparing.plays(STORIES, "sip", 4.0)
    assert {play.turned.split()[1] for each in found for play in each} == {"sip"}
    assert {play.speed for each in found for play in each} == {4.0}


def test_a_story_is_played_as_fast_as_its_length_allows() -> None:
    """A short one as slowly as people speak, a long one not as fast as this machine might."""
    assert [comparing.fitting(seconds) for seconds in (8.0, 60.0, 1100.0)] == [1.0, 4.0, 12.0]


def test_what_differs_or_was_not_played_is_said_and_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    everything = comparing.plays(ONE, None, 1.0)
    worse = {"sip": {"outcome": "no-audio", "sentence": "no audio: of anybody", "agrees": False}}
    worse["off"] = {"simulated": "", "sentence": "the appliance said nothing", "agrees": False}
    agree = comparing.compare(
        everything, 1, False, lambda play: row(play, **worse.get(play.expects, {}))
    )
    out, err = capsys.readouterr()
    assert agree is False
    count = len(everything[0])
    assert out.splitlines()[-1] == f"{count - 2} of {count} end in reality as in the simulation"
    assert "DIFFERS: in the simulation both-ways, here no audio: of anybody" in out
    assert "NOT PLAYED: the appliance said nothing" in out
    assert f"{count:4} of {count}  one-way-audio, " in err


def test_what_is_only_simulated_is_not_played_and_no_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As a module that breaks a promise on real wires: its story says why."""
    (plays,) = comparing.plays({"nat-yes": STORIES["nat-yes"]}, None, 1.0)
    played: list[str] = []

    def player(play: Play) -> dict[str, Any]:
        played.append(play.expects)
        return row(play)

    assert comparing.compare([plays], 1, False, player) is True
    (unreal,) = [play for play in plays if play.expects not in played]
    assert unreal.expects == "sip-poor:born-unnatted"
    out = capsys.readouterr().out
    assert f"only simulated: {unreal.only_simulated}" in out
    count = len(plays)
    told = f"{count - 1} of {count} end in reality as in the simulation, 1 only simulated"
    assert told in out


def test_what_a_story_does_not_mark_and_the_appliance_refuses_is_a_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    why = {"simulated": "", "sentence": "in simulation only", "agrees": False}
    everything = comparing.plays(ONE, "off", 1.0)
    assert comparing.compare(everything, 1, False, lambda play: row(play, **why)) is False
    assert "NOT PLAYED: in simulation only" in capsys.readouterr().out


def test_as_json_each_run_is_told_as_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    everything = comparing.plays(STORIES, "off", 1.0)
    assert comparing.compare(everything, 3, True, row) is True
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["scenario"] for each in told} == {*STORIES}


def test_two_runs_of_a_story_are_never_beside_each_other() -> None:
    """What a lab makes has the name of its story."""
    under_way: set[str] = set()
    lock = threading.Lock()

    def play(one: Play) -> dict[str, Any]:
        with lock:
            assert one.scenario not in under_way
            under_way.add(one.scenario)
        with lock:
            under_way.remove(one.scenario)
        return row(one)

    comparing.compare(comparing.plays(STORIES, None, 1.0), 8, True, play)


def test_who_gives_up_begins_nothing_more() -> None:
    """Ctrl-C: what is under way hears it too, and ends."""
    played: list[Play] = []

    def player(play: Play) -> dict[str, Any]:
        played.append(play)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        comparing.compare(comparing.plays(STORIES, None, 1.0), 1, True, player)
    assert len(played) <= len(STORIES)


@pytest.mark.parametrize(
    ("code", "said", "complaint", "sentence", "agrees"),
    [
        (0, SAID, "", "both", True),
        (0, SAID.replace(":1", ":0"), "", "both; calls_answered: 0, not 1", False),
        (
            2,
            "",
            "note: something\nglassnat: in simulation only\n",
            "in simulation only",
            False,
        ),
        (
            3,
            "",
            "glassnat: the appliance said nothing\n",
            "the appliance said nothing",
            False,
        ),
    ],
)
def test_a_run_is_a_lab_check_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    said: str,
    complaint: str,
    sentence: str,
    agrees: bool,
) -> None:
    begun: list[list[str]] = []

    def run(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        begun.append(words)
        return subprocess.CompletedProcess(words, code, said, complaint)

    monkeypatch.setattr(comparing.subprocess, "run", run)
    found = comparing.play_in_a_process(Play("nat-yes", "off", "--alg off", COUNTS, 4.0))
    assert begun[0][3:] == ["lab", "check", "nat-yes", "--json", "--speed", "4", "--alg", "off"]
    assert found["sentence"] == sentence
    assert found["agrees"] is agrees
