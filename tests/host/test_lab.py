"""Stories among namespaces: what the simulation says of them is what really happens."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from appliance.cli.down import STALE, UP, row_of
from appliance.control.client import Client, running
from appliance.journal.events import (
    CallOutcome,
    MessageAccepted,
    MessagePassed,
    PacketLost,
    PartyLearnt,
    decode,
)
from appliance.namespaces.between import record as records
from appliance.namespaces.between import undo
from appliance.namespaces.lab import own
from appliance.sim.titles import own_shelf
from appliance.wires import netns
from tests.support.programs import PATIENCE, PHONES, ROOT

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "baresip", "sipp")]

GLASSNAT = (sys.executable, "-m", "appliance.cli")
BOTH_WORLDS = [
    ("double-nat", "sip", 16),  # with a second appliance in a row
    ("six-streams", "sip", 1),
    ("hold-and-resume", "sip", 6),
    ("one-way-audio", "off", 6),
    ("incoming-call", "off", 6),
    ("nat-yes", "off", 6),
    ("hairpin-desks", "sip", 6),
    ("stray-character", "sip-poor:stray-char", 6),
    ("call-id-rewritten", "sip-poor:callid-oneway", 6),
]
"""With how many seconds of the story pass in one: where people hang up after seconds of silence,
a pause of this machine must not be one."""
AT_A_TIME = 4
PHONES_AT_A_TIME = 6  # in real time, so that they wait for more


def glassnat(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GLASSNAT, *words], capture_output=True, text=True, cwd=ROOT, timeout=4 * PATIENCE
    )


def check(story: str, *words: str) -> dict[str, Any]:
    done = glassnat("lab", "check", story, "--json", *words)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if result["agrees"] else 1)
    return result


def test_nine_stories_end_in_reality_as_they_do_in_the_simulation(tmp_path: Path) -> None:
    """Some at a time: they mostly wait."""

    def play(one: tuple[str, str, int]) -> dict[str, Any]:
        story, alg, speed = one
        record = f"record.file={tmp_path / story}"
        return check(story, "--alg", alg, "--speed", str(speed), "--set", record)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = list(pool.map(play, BOTH_WORLDS))
    assert [result for result in results if not result["agrees"]] == []
    assert_the_parties_were_heard(tmp_path / "one-way-audio")


def assert_the_parties_were_heard(recording: Path) -> None:
    """By the appliance, which has no other way to know."""
    events = {event.id: event for event in map(decode, recording.read_bytes().splitlines())}
    accepted = [each for each in events.values() if isinstance(each, MessageAccepted)]
    assert len(accepted) > 8
    messages = {each.id for each in events.values() if isinstance(each, MessagePassed)}
    assert sorted(each.cause or 0 for each in accepted) == sorted(messages), "one end for each"
    for each in accepted:
        passed = events[each.cause or 0]
        assert isinstance(passed, MessagePassed)
        assert (passed.summary, passed.call_id) == (each.summary, each.call_id)
        assert passed.t <= each.t
    (told,) = [
        each
        for each in events.values()
        if isinstance(each, PartyLearnt) and each.field == "sdp"
        if each.party == "bob"
    ]
    assert (told.does, told.target) == ("sends audio to", "192.168.20.100:4000")
    lost = sum(each.count for each in events.values() if isinstance(each, PacketLost))
    assert lost > 100, "bob's audio has no route"
    assert isinstance([*events.values()][-1], CallOutcome)


class Played(NamedTuple):
    """A story with a real phone in alice's place: the words of `lab check`, what somebody does
    there, until when, how it ends, and how many calls are answered."""

    story: str
    words: str
    phone: str
    until: str
    outcome: str
    answered: int = 1


DIALS = "/dial sip:bob@203.0.113.9"
NAT_YES = "--alg off --set parties.pbx.nat=yes --set parties.alice.answer_after=0"
WHO_ARE_YOU = "--set parties.pbx.password=secret --set parties.alice.password=secret"
HOLDS = f"baresip.sh '1 {DIALS}' '2.5 /hold' '7.5 /resume' '2 /hangup' '20 /quit'"
IS_CALLED = f"baresip.sh '1.5 {DIALS}' '4 /hangup' '20 /quit'"
REAL_PHONES = [
    Played("nat-yes", NAT_YES, IS_CALLED, "13.5", "both-ways", answered=2),
    Played("hold-and-resume", "--alg sip", HOLDS, "12.8", "both-ways"),
    Played(
        "nat-yes",
        f"{NAT_YES} {WHO_ARE_YOU} --speed 4",
        "sipp.sh register call answer",
        "17",
        "both-ways",
        answered=2,
    ),
    Played("hold-and-resume", "--alg sip --speed 2", "sipp.sh register hold", "14.5", "both-ways"),
    Played(
        "hold-and-resume",
        "--alg sip-poor:hold-broken --speed 2",
        "sipp.sh register hold",
        "9",
        "call-dropped",
    ),
    Played(
        "one-way-audio", "--alg off", f"baresip.sh '1 {DIALS}' '20 /quit'", "6", "one-way-audio"
    ),
    Played("one-way-audio", "--alg off --speed 4", "sipp.sh register call", "9", "one-way-audio"),
]


def test_real_phones_have_the_same_trouble(tmp_path: Path) -> None:
    """In alice's place baresip and SIPp register, call, are called and hold: with each a story ends
    as it does in the simulation. They are played beside each other, as they mostly wait, and each
    from a folder of its own, as there are no two labs of one name."""

    def play_it(number: int) -> dict[str, Any]:
        one = REAL_PHONES[number]
        folder = tmp_path / f"{one.story}-{number}"
        shutil.copytree(str(own_shelf() / one.story), folder)
        phone = f"alice={PHONES / one.phone}"
        return check(str(folder), *one.words.split(), "--party", phone, "--until", one.until)

    with ThreadPoolExecutor(PHONES_AT_A_TIME) as pool:
        results = [*pool.map(play_it, range(len(REAL_PHONES)))]
    ends = [(each["outcome"], each["evidence"]["calls_answered"]) for each in results]
    assert ends == [(one.outcome, one.answered) for one in REAL_PHONES], results
    assert [each for each in results if not each["agrees"]] == []


def test_down_removes_what_a_killed_lab_has_left() -> None:
    """By its name alone."""
    playing = subprocess.Popen(
        [*GLASSNAT, "lab", "check", "incoming-call"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert playing.stderr is not None
    said = b""
    while b"registration accepted" not in said:
        said += os.read(playing.stderr.fileno(), 65536)
    playing.send_signal(signal.SIGKILL)
    playing.wait()
    playing.stderr.close()
    assert netns.exists("glassnat-lab-incoming-call-in")
    done = glassnat("lab", "down", "incoming-call")
    assert done.returncode == 0, done.stderr
    assert not netns.exists("glassnat-lab-incoming-call-in")
    assert not netns.exists("glassnat-lab-incoming-call-out")
    assert glassnat("lab", "down", "incoming-call").returncode == 0


def test_a_story_is_played_in_the_background_and_can_be_looked_at() -> None:
    known_before = [*Path("/etc").glob("netns/*")]
    up = glassnat("lab", "up", "one-way-audio")
    try:
        assert up.returncode == 0, up.stderr
        ping = ("ping", "-c", "1", "-I", "192.168.20.100", "pbx")
        done = glassnat("lab", "exec", "one-way-audio", "alice", *ping)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "PING pbx (203.0.113.9)" in done.stdout
        control = "/run/glassnat/lab-one-way-audio.sock"
        end = time.monotonic() + PATIENCE
        while "192.168.20.100:5060" not in glassnat("show", "flows", "--control", control).stdout:
            assert time.monotonic() < end
    finally:
        assert glassnat("lab", "down", "one-way-audio").returncode == 0
    assert [*Path("/etc").glob("netns/*")] == known_before


def alone(story: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command as it begins again for an ordinary user."""
    again = [*own.way_to(f"lab-{story}"), *GLASSNAT, "lab", *words]
    return subprocess.run(again, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE)


def test_it_needs_no_root_where_everybody_may_have_namespaces_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Played to the end, and in the background, where it is found by name from outside."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    story = "incoming-call"
    done = alone(story, "check", story, "--alg", "sip", "--speed", "6")
    assert done.returncode == 0, done.stderr
    assert "the simulation agrees: both ways" in done.stdout

    done = alone(story, "up", story)
    try:
        assert done.returncode == 0, done.stderr
        assert "sudo" not in done.stderr
        assert not netns.exists(f"glassnat-lab-{story}-in")  # the machine has none
        row = row_of(f"lab-{story}")
        assert row["state"] == UP
        with Client(running()[row["name"]]) as client:
            assert client.ask("show", what="counters")
        done = alone(story, "exec", story, "alice", "ip", "-br", "address")
        assert "192.168.20.100" in done.stdout, done.stderr
        os.kill(row["pid"], signal.SIGKILL)
        _, traces = records.read(row["name"])
        end = time.monotonic() + PATIENCE
        while any(undo.is_alive(each) for each in traces if each.kind == "process"):
            assert time.monotonic() < end  # with the last of them the namespaces have gone
        assert row_of(row["name"])["state"] == STALE
    finally:
        assert alone(story, "down", story).returncode == 0
    assert [*(tmp_path / "glassnat").iterdir()] == []
