"""Stories among namespaces: what the simulation says of them is what really happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.lab import OWN_NAMESPACES
from appliance.wires import netns
from tests.host.realphones import baresip, sipp
from tests.support.programs import PATIENCE, ROOT

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


def play(one: tuple[str, str, int]) -> dict[str, Any]:
    story, alg, speed = one
    return check(story, "--alg", alg, "--speed", str(speed))


def test_nine_stories_end_in_reality_as_they_do_in_the_simulation() -> None:
    """Some at a time: they mostly wait."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = list(pool.map(play, BOTH_WORLDS))
    assert [result for result in results if not result["agrees"]] == []


def test_real_phones_have_the_same_trouble(tmp_path: Path) -> None:
    """In alice's place baresip registers, calls, is called and holds, and SIPp calls: with each a
    story ends as it does in the simulation. They are played beside each other, as they wait."""
    dials = "/dial sip:bob@203.0.113.9"
    calling = baresip(tmp_path / "calling", (1.0, dials))
    called = baresip(tmp_path / "called", (1.5, dials), (5.5, "/hangup"))
    holding = baresip(
        tmp_path / "holding", (1.0, dials), (3.5, "/hold"), (11.0, "/resume"), (13.0, "/hangup")
    )
    picks_up_at_once = ("--set", "parties.alice.answer_after=0")
    plays = [
        ("one-way-audio", "off", calling, "6", ()),
        ("nat-yes", "off", called, "13.5", ("--set", "parties.pbx.nat=yes", *picks_up_at_once)),
        ("hold-and-resume", "sip", holding, "12.8", ()),
        ("stray-character", "sip", sipp(tmp_path / "sipp"), "6", ()),
    ]

    def compare(one: tuple[str, str, str, str, tuple[str, ...]]) -> dict[str, Any]:
        story, alg, phone, until, words = one
        return check(story, "--alg", alg, "--party", f"alice={phone}", "--until", until, *words)

    with ThreadPoolExecutor(len(plays)) as pool:
        results = [*pool.map(compare, plays)]
    assert [each["outcome"] for each in results] == ["one-way-audio", *["both-ways"] * 3], results
    assert [each for each in results if not each["agrees"]] == []
    assert results[1]["evidence"]["calls_answered"] == 2


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


def test_it_needs_no_root_where_everybody_may_have_namespaces_of_their_own() -> None:
    """The command that an ordinary user's `lab check` begins again with."""
    words = ("lab", "check", "incoming-call", "--alg", "sip", "--speed", "6")
    own_run = 'mount -t tmpfs tmpfs /run && exec "$@"'
    done = subprocess.run(
        [*OWN_NAMESPACES, "sh", "-c", own_run, "sh", *GLASSNAT, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert "the simulation agrees: both ways" in done.stdout
