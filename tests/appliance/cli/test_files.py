"""`--capture`: what a run looked like on both wires, for those who read packets."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
SHORT = ("--until", "5s")


def tshark(path: Path, *arguments: str) -> list[str]:
    """What it prints; it must have nothing to complain about (root, it thinks, is dangerous)."""
    done = subprocess.run(
        ["tshark", "-r", str(path), *arguments], capture_output=True, text=True, timeout=60
    )
    complaints = [line for line in done.stderr.splitlines() if "Running as user" not in line]
    assert (done.returncode, complaints) == (0, [])
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.needs("tshark")
def test_wireshark_finds_both_sides_with_names_and_reasons(glassnat: Run, tmp_path: Path) -> None:
    path = tmp_path / "call.pcapng"
    glassnat("sim", "one-way-audio", "--alg", "sip", *SHORT, "--capture", str(path))
    fields = ("frame.interface_name", "frame.packet_id", "ip.src", "frame.comment")
    wanted = [word for field in fields for word in ("-e", field)]
    rows = [row.split("\t") for row in tshark(path, "-Y", "sip", "-T", "fields", *wanted)]
    (side, number, source, opened), (other, same, translated, edits) = rows[:2]
    assert (side, source, other, translated) == (
        "inside", "192.168.20.100", "outside", "203.0.113.1",
    )  # fmt: skip
    assert number == same
    assert "alice (192.168.20.100:5060) is 203.0.113.1:5060 outside" in opened
    assert "The registrar will send calls to this address. (RFC 3261 20.10)" in edits
    assert "192.168.20.100\talice" in tshark(path, "-q", "-z", "hosts")
    checked = ("-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE")
    bad = '_ws.malformed || ip.checksum.status == "Bad" || udp.checksum.status == "Bad"'
    assert tshark(path, *checked, "-Y", bad) == []


def test_the_same_seed_gives_the_same_bytes_and_another_others(
    glassnat: Run, tmp_path: Path
) -> None:
    def captured(name: str, *arguments: str) -> bytes:
        path = tmp_path / name
        glassnat("sim", "one-way-audio", "--until", "3s", "--capture", str(path), *arguments)
        return path.read_bytes()

    first = captured("one")
    assert captured("two") == first != captured("three", "--seed", "7")


@pytest.mark.slow
def test_each_module_that_is_judged_has_a_capture_of_its_own(glassnat: Run, tmp_path: Path) -> None:
    path = tmp_path / "call.pcapng"
    answer = glassnat("check", "one-way-audio", "--capture", str(path))
    names = sorted(each.name for each in tmp_path.iterdir())
    assert len(names) == len(answer.out.splitlines())
    assert {"call-off.pcapng", "call-sip.pcapng"} <= {*names}
    glassnat("check", "one-way-audio", "--alg", "sip", "--capture", str(path))
    assert path.read_bytes() == (tmp_path / "call-sip.pcapng").read_bytes()


@pytest.mark.parametrize("option", ["--capture", "--record"])
def test_a_file_that_cannot_be_written_is_named_and_nothing_is_run(
    glassnat: Run, option: str
) -> None:
    answer = glassnat("sim", "one-way-audio", option, "/nowhere/x")
    assert (answer.code, answer.out) == (2, "")
    assert f"{option} /nowhere/x: No such file" in answer.err
