"""Stories among namespaces: what the simulation says of them is what really happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from math import pi, sin
from pathlib import Path
from struct import pack
from typing import Any

import pytest

from appliance.cli.lab import OWN_NAMESPACES
from appliance.wires import netns
from tests.support.programs import PATIENCE, ROOT

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "baresip")]

GLASSNAT = (sys.executable, "-m", "appliance.cli")
BOTH_WORLDS = [
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
BARESIP = """
poll_method epoll
sip_listen 192.168.20.100:5060
module_path /usr/lib/baresip/modules
module aufile.so
module g711.so
module_tmp account.so
module_app menu.so
audio_source aufile,{folder}/tone.wav
audio_player aufile,{folder}/heard.wav
audio_alert aufile,/dev/null
net_interface gn-in
"""


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


def test_eight_stories_end_in_reality_as_they_do_in_the_simulation() -> None:
    """Some at a time: they mostly wait."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = list(pool.map(play, BOTH_WORLDS))
    assert [result for result in results if not result["agrees"]] == []


@pytest.mark.parametrize(("alg", "outcome"), [("off", "one-way-audio"), ("sip", "both-ways")])
def test_a_real_phone_has_the_same_trouble(alg: str, outcome: str, tmp_path: Path) -> None:
    """baresip in alice's place: it registers, calls bob and sends a tone."""
    (tmp_path / "config").write_text(BARESIP.format(folder=tmp_path))
    (tmp_path / "accounts").write_text("<sip:alice@203.0.113.9>;regint=60;audio_codecs=PCMU\n")
    (tmp_path / "contacts").write_text("")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as tone:
        tone.setparams((1, 2, 8000, 0, "NONE", ""))
        samples = (round(8000 * sin(2 * pi * 400 * n / 8000)) for n in range(8000 * 8))
        tone.writeframes(b"".join(pack("<h", sample) for sample in samples))
    phone = f"baresip -4 -f {tmp_path} -e '/dial sip:bob@203.0.113.9' -t 6"
    result = check("one-way-audio", "--alg", alg, "--party", f"alice={phone}", "--until", "6.5")
    assert result["outcome"] == outcome, result


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
    up = glassnat("lab", "up", "one-way-audio")
    try:
        assert up.returncode == 0, up.stderr
        ping = ("ping", "-c", "1", "-I", "192.168.20.100", "203.0.113.9")
        assert glassnat("lab", "exec", "one-way-audio", "alice", *ping).returncode == 0
        control = "/run/glassnat/lab-one-way-audio.sock"
        end = time.monotonic() + PATIENCE
        while "192.168.20.100:5060" not in glassnat("show", "flows", "--control", control).stdout:
            assert time.monotonic() < end
    finally:
        assert glassnat("lab", "down", "one-way-audio").returncode == 0


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
