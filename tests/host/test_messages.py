"""What tcpdump and tshark print of a capture is read back byte for byte."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from alg.registry import APPLICATIONS
from appliance.forensics.messages.reading import read
from nat.tcp import ACK, PSH
from tests.support.excerpts import GOOD, INVITE, RINGING, pcap
from tests.support.packets import tcp, udp

pytestmark = [pytest.mark.host, pytest.mark.needs("tcpdump", "tshark")]

PHONE, SERVER = "192.168.20.100:5060", "192.0.2.9:5060"
ETHERNET = b"\x02" * 12 + b"\x08\x00"


def printed(folder: Path, frames: Sequence[bytes], *command: str) -> bytes:
    """What a program says of a capture; `FILE` stands for it."""
    path = folder / "a.pcap"
    path.write_bytes(pcap([ETHERNET + frame for frame in frames], link=1))
    words = [str(path) if word == "FILE" else word for word in command]
    return subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=60).stdout


def found(text: bytes) -> list[bytes]:
    return [each.data for each in read(text, APPLICATIONS.values(), {}).excerpts]


@pytest.mark.parametrize("options", [("-A",), ("-A", "-tttt"), ("-A", "-e"), ("-v",)])
def test_tcpdump(tmp_path: Path, options: tuple[str, ...]) -> None:
    frames = [udp(PHONE, SERVER, each, identification=10 * 256 + 13) for each in GOOD.values()]
    text = printed(tmp_path, frames, "tcpdump", "-n", *options, "-r", "FILE")
    assert found(text) == [*GOOD.values()]


@pytest.mark.parametrize("options", [b"", b"\x01\x01\x08\x0a" + b"Q" * 8])
def test_tcpdump_of_a_connection(tmp_path: Path, options: bytes) -> None:
    frames = [tcp(PHONE, SERVER, ACK | PSH, payload=INVITE, options=options)]
    assert found(printed(tmp_path, frames, "tcpdump", "-n", "-A", "-r", "FILE")) == [INVITE]


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_tshark_s_follow(tmp_path: Path, protocol: str) -> None:
    if protocol == "udp":
        frames = [udp(PHONE, SERVER, INVITE), udp(SERVER, PHONE, RINGING)]
    else:
        frames = [tcp(PHONE, SERVER, ACK, payload=INVITE), tcp(SERVER, PHONE, ACK, payload=RINGING)]
    follow = ("tshark", "-r", "FILE", "-q", "-z", f"follow,{protocol},ascii,0")
    assert found(printed(tmp_path, frames, *follow)) == [INVITE, RINGING]


def test_a_pcapng_of_tshark_s(tmp_path: Path) -> None:
    frames = [udp(PHONE, SERVER, each) for each in GOOD.values()]
    data = printed(tmp_path, frames, "tshark", "-r", "FILE", "-F", "pcapng", "-w", "-")
    assert found(data) == [*GOOD.values()]
