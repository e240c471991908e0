"""`glassnat replay`: a capture through a NAT of your choice."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.forensics.messages.capture import frames
from appliance.journal.events import MessagePassed
from tests.support.excerpts import pcap
from tests.support.packets import A, R, udp

Run = Callable[..., Any]


@pytest.fixture
def captured(glassnat: Run, tmp_path: Path) -> Path:
    """A phone without an ALG, on both sides."""
    path = tmp_path / "one.pcapng"
    glassnat("sim", "one-way-audio", "--until", "8s", "--capture", str(path))
    return path


def test_the_same_phone_with_another_alg(glassnat: Run, captured: Path, tmp_path: Path) -> None:
    both = tmp_path / "two.pcapng"
    answer = glassnat("replay", str(captured), "--alg", "sip", "--capture", str(both))
    assert answer.code == 0
    assert 'ok sdp.c.address: "192.168.20.100" became "203.0.113.1"' in answer.out
    assert "packets replayed" in answer.err
    sides = {frame.wire for frame in frames(both.read_bytes())}
    assert sides == {"inside", "outside"}


def test_the_same_capture_gives_the_same_bytes(glassnat: Run, captured: Path) -> None:
    arguments = ("replay", str(captured), "--json", "--set", "nat.ports=random")
    first, second = (glassnat(*arguments).out for _ in range(2))
    assert first == second != glassnat(*arguments, "--seed", "5").out
    assert json.loads(first.splitlines()[0])["mode"] == "replay"


def test_packets_can_be_shown_at_the_four_points(glassnat: Run, captured: Path) -> None:
    assert "packet 1 comes out of it" in glassnat("replay", str(captured), "--points").out


@pytest.mark.parametrize(
    ("data", "arguments", "said"),
    [
        (None, [], "No such file"),
        (b"hello", [], "is no pcap, no pcapng and no recording"),
        (b'{"type": "started"}\n', [], "line 1: no event"),
        (pcap([]), [], "has no IPv4 packets"),
        (pcap([udp(f"{A}:1", f"{R}:2")]), ["--interface", "dmz"], "has no IPv4 packets of dmz"),
        (pcap([udp(f"{R}:1", f"{R}:2")]), [], "--set inside.networks="),
        (pcap([udp(f"{A}:1", f"{R}:2")]), ["--alg", "pour"], "alg.sip.module"),
    ],
)
def test_what_is_wrong_is_exit_2(
    glassnat: Run, tmp_path: Path, data: bytes | None, arguments: list[str], said: str
) -> None:
    path = tmp_path / "x.pcap"
    if data is not None:
        path.write_bytes(data)
    answer = glassnat("replay", str(path), *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


# --- recordings ----------------------------------------------------------------------------------


@pytest.fixture
def recorded(glassnat: Run, tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    glassnat("sim", "one-way-audio", "--json", "--until", "6s", "--record", str(path))
    return path


def test_a_recording_is_told_again_as_it_was(glassnat: Run, recorded: Path) -> None:
    assert glassnat("replay", str(recorded), "--json").out == recorded.read_text()
    said = glassnat("replay", str(recorded)).out
    assert "INVITE out, alice (192.168.20.100:5060)" in said


def test_on_a_terminal_a_recording_is_drawn(
    glassnat: Run, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("tui.ways_in")
    drawn: list[int] = []
    module.run_recording = lambda events: drawn.append(len(events)) or 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tui.ways_in", module)
    monkeypatch.setattr("appliance.cli.replay.on_terminal", lambda: True)
    assert glassnat("replay", str(recorded)).code == 0
    assert drawn == [len(recorded.read_text().splitlines())]


def test_on_a_terminal_a_replay_is_drawn_and_played_anew_for_each_turn(
    glassnat: Run, captured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("tui.ways_in")
    drawn: list[list[Any]] = []

    def run_replay(replayed: Callable[..., list[Any]]) -> int:
        drawn.append(replayed({}, ()))
        drawn.append(replayed({"alg.sip.module": "sip"}, ()))
        return 0

    module.run_replay = run_replay  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tui.ways_in", module)
    monkeypatch.setattr("appliance.cli.replay.on_terminal", lambda: True)
    both = tmp_path / "two.pcapng"
    assert glassnat("replay", str(captured), "--capture", str(both)).code == 0
    verdicts = [
        {event.verdict for event in events if isinstance(event, MessagePassed)} for events in drawn
    ]
    assert verdicts == [{"unchanged"}, {"rewritten"}]
    assert both.stat().st_size
    assert "INVITE out" in glassnat("replay", str(captured), "--plain").out
    assert len(drawn) == 2
