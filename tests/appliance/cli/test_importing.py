"""`glassnat import`: two captures of somebody's router."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.excerpts import pcap
from tests.support.packets import A, R, udp

Run = Callable[..., Any]


@pytest.fixture
def both(glassnat: Run, tmp_path: Path) -> str:
    path = tmp_path / "both.pcapng"
    poor = ("--alg", "sip-poor:stray-char", "--until", "1s")
    glassnat("sim", "one-way-audio", *poor, "--capture", str(path))
    return str(path)


@pytest.mark.slow
def test_what_a_simulated_router_did_is_found_in_its_capture(
    glassnat: Run, both: str, tmp_path: Path
) -> None:
    report, profile = tmp_path / "ticket.md", tmp_path / "router.toml"
    answer = glassnat(
        "import", "--inside", both, "--outside", both, "--json",
        "--report", str(report), "--write-profile", str(profile),
    )  # fmt: skip
    assert answer.code == 0
    said = json.loads(answer.out)
    assert [fault["name"] for fault in said["faults"]] == ["stray-char"]
    assert said["profile"] == profile.read_text()
    again = ("--profile", str(profile), "--until", "1s", "--plain")
    assert "at work: stray-char" in glassnat("sim", "one-way-audio", *again).out
    assert report.read_text().startswith("# What the router changes")
    given = ("--inside", both, "--outside", both, "--write-profile", str(profile))
    text = glassnat("import", *given).out
    assert f"glassnat sim STORY --profile {profile}" in text
    assert "The router does what sip-poor:stray-char does." in text


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        (None, [], "No such file"),
        (b"hello", [], "is no pcap and no pcapng"),
        (pcap([]), [], "has no IPv4 packets"),
        (pcap([udp(f"{R}:1", f"{R}:2")]), [], "--set inside.networks="),
        (pcap([udp(f"{R}:1", f"{R}:2")]), ["--set", "inside.networks=x"], "inside.networks"),
        (pcap([udp(f"{A}:1", f"{R}:2")]), [], "both captures have the same packets"),
        (b"", ["--application", "spi"], "one of: sip, ftp"),
    ],
)
def test_what_is_wrong_is_exit_2(
    glassnat: Run, tmp_path: Path, data: bytes | None, more: list[str], said: str
) -> None:
    path = tmp_path / "x.pcap"
    if data is not None:
        path.write_bytes(data)
    answer = glassnat("import", "--inside", str(path), "--outside", str(path), *more)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


@pytest.mark.parametrize(
    ("given", "code", "said", "told"),
    [
        (["--inside", "a"], 0, "inside: 1 packet between", ""),
        (["--inside", "a", "--outside", "none"], 0, "inside: 1 packet", "capture point right"),
        (["--inside", "none", "--outside", "b"], 0, "outside: 1 packet", "capture point right"),
        (
            ["--inside", "a", "--outside", "b"],
            2,
            "",
            "no packet of the one capture is in the other",
        ),
        (["--inside", "a", "--report", "c"], 2, "", "need captures of both sides"),
        ([], 2, "", "give --inside A.pcap and --outside B.pcap"),
    ],
)
def test_of_one_side_is_told_what_it_tells_alone(
    glassnat: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    given: list[str], code: int, said: str, told: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    rows = {"a": [udp(f"{A}:1", f"{R}:2", b"x")], "b": [udp(f"{R}:9", "203.0.113.1:2")], "none": []}
    for name, packets in rows.items():
        Path(name).write_bytes(pcap(packets))
    answer = glassnat("import", *given)
    assert answer.code == code
    assert answer.out.startswith(said)
    assert told in answer.err
