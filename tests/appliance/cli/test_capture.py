"""`glassnat capture`: a file of mine, a process of mine, packets of the appliance's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import capture
from appliance.forensics.messages.capture import frames
from nat.endpoint import Side
from nat.packet import Packet
from tests.appliance.cli.served import Appliance
from tests.support.packets import R, udp

Run = Callable[..., Any]


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Those that stay behind, to be waited for."""
    found: list[int] = []
    stay_behind = capture.stay_behind

    def noted(*arguments: Any) -> int:
        found.append(stay_behind(*arguments))
        return found[-1]

    monkeypatch.setattr(capture, "stay_behind", noted)
    return found


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")  # only the test is
def test_from_start_to_stop_every_packet_is_in_the_file(
    glassnat: Run, appliance: Appliance, tmp_path: Path, children: list[int]
) -> None:
    path = tmp_path / "call.pcapng"
    begun = glassnat("capture", "start", str(path))
    assert (begun.code, begun.out) == (0, "")
    assert f"every packet is written to {path}" in begun.err
    packet = Packet.of(udp("192.168.20.100:4000", f"{R}:5000"))
    appliance.do(lambda: appliance.engine.handle(packet, Side.INSIDE, 10.0))
    again = glassnat("capture", "start", str(path))
    assert again.code == 4
    assert f"{path} is being written; end it with: glassnat capture stop" in again.err
    status = json.loads(glassnat("capture", "status", "--json").out)
    assert status == {"file": str(path), "packets": 2, "lost": 0}
    ended = glassnat("capture", "stop")
    assert ended == (0, f"{path}: 2 packets\n", "")
    assert len([*frames(path.read_bytes())]) == 2
    os.waitpid(children[0], 0)


def test_without_one_there_is_nothing_to_stop(glassnat: Run, appliance: Appliance) -> None:
    assert glassnat("capture", "status").out == "no capture\n"
    answer = glassnat("capture", "stop")
    assert answer.code == 4
    assert "begin one with: glassnat capture start FILE" in answer.err


def test_a_file_that_cannot_be_written_begins_nothing(glassnat: Run, appliance: Appliance) -> None:
    answer = glassnat("capture", "start", "/nowhere/call.pcapng")
    assert answer.code == 2
    assert "/nowhere/call.pcapng: No such file" in answer.err
    assert glassnat("capture", "status").out == "no capture\n"
