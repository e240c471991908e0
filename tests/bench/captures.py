"""Figures of captures: what a live one costs, and how long two large ones of a router take.

python -m tests.bench.captures
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.journal.capture import Captured
from appliance.journal.capturefile import heading, packet_blocks
from nat.endpoint import Side
from tests.appliance.forensics.situations import (
    MEDIA,
    OWN,
    STARTED,
    THEIRS,
    Router,
    offer,
    request,
)
from tests.bench.contestants import PROGRAM, appliance
from tests.bench.figure import Figure
from tests.bench.measures import tcp_out
from tests.support.packets import udp
from tests.support.programs import run_in

ROUNDS = 5
SECONDS = 2.0
PACKETS = 100_000
"""In each of the two captures."""
CALLS = 25
FAULT = "sip-poor:no-sdp"
RTP_INTERVAL = 0.02
RING = ("capture.bytes=67108864", "capture.files=2")
"""As much as is written over and over: a capture that is to go on for long is one."""


def figures() -> list[Figure]:
    """All of them; takes about a minute."""
    return [
        Figure("TCP out with a capture, against none", "", _captured(), 0.5, 0.7, True),
        Figure(f"import of two captures of {PACKETS:,} packets", "s", _imported(), 30, 10, False),
    ]


def _captured() -> float:
    """Ratio of throughput, in interleaved rounds: whatever else the machine does hits both."""
    ratios = []
    with TemporaryDirectory() as folder, appliance("captured", RING) as here:
        for number in range(ROUNDS):
            without = tcp_out(here.road, SECONDS)
            here.ask("capture", "start", str(Path(folder, f"{number}.pcapng")))
            try:
                ratios.append(tcp_out(here.road, SECONDS) / without)
            finally:
                here.ask("capture", "stop")
    return statistics.median(ratios)


def _imported() -> float:
    """Seconds of the command, for a router with a fault that every call shows."""
    with TemporaryDirectory() as folder:
        files = {side: str(Path(folder, f"{side}.pcapng")) for side in Side}
        write_captures(files)
        words = [word for side, file in files.items() for word in (f"--{side}", file)]
        begin = time.perf_counter()
        said = run_in("", *PROGRAM, "import", *words, "--json", timeout=300)
        took = time.perf_counter() - begin
    assert f'"{FAULT.partition(":")[2]}"' in said
    return took


class _BothSides(Router):
    """A router with a capture on each side, in files of their own."""

    def __init__(self) -> None:
        self.blocks = {side: [heading(STARTED)] for side in Side}
        super().__init__(FAULT)

    def write(self, captured: Captured) -> None:
        self.blocks[captured.side].extend(packet_blocks(captured, 1_000_000_000))


def write_captures(files: Mapping[Side, str]) -> None:
    """Calls one after the other, with audio both ways."""
    router = _BothSides()
    for call in range(CALLS):
        port = 4000 + 2 * call
        router.asks(request("INVITE", offer(port), call=str(call)), THEIRS)
        for number in range(PACKETS // CALLS // 2):
            router.at(router.now + RTP_INTERVAL)
            audio = number.to_bytes(4, "big") + bytes(168)
            router.send(Side.INSIDE, udp(f"{OWN}:{port}", f"{MEDIA}:7000", audio))
            router.send(Side.OUTSIDE, udp(f"{MEDIA}:7000", f"203.0.113.1:{port}", audio))
        router.asks(request("BYE", call=str(call), cseq=2))
    for side, file in files.items():
        Path(file).write_bytes(b"".join(router.blocks[side]))


if __name__ == "__main__":
    for figure in figures():
        print(figure.line())
