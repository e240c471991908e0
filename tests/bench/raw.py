"""Many flows from one namespace: UDP packets made by hand, sent through a raw socket.

python -m tests.bench.raw FLOWS PACKETS SEED     FLOWS endpoints, PACKETS packets spread over them
"""

from __future__ import annotations

import random
import socket
import struct
import sys
import time

from tests.bench.contestants import CLIENT, SERVER

HEADERS = struct.Struct("!BBHHHBBH4s4sHHHH")
PORTS = 50_000
PAYLOAD = bytes(172)
PACE = 0.02
"""Seconds between two bursts, so that no queue runs over."""
BURST = 400


def packets(flows: int) -> list[tuple[bytes, tuple[str, int]]]:
    """One packet a flow, every flow with an inside endpoint of its own: a host has 50,000."""
    made = []
    network = CLIENT.rpartition(".")[0]
    for number in range(flows):
        host, port = f"{network}.{101 + number // PORTS}", 10_000 + number % PORTS
        length = HEADERS.size + len(PAYLOAD)
        header = HEADERS.pack(
            0x45, 0, length, 0, 0, 64, socket.IPPROTO_UDP, 0,
            socket.inet_aton(host), socket.inet_aton(SERVER), port, 9, length - 20, 0,
        )  # fmt: skip
        made.append((header + PAYLOAD, (SERVER, 0)))
    return made


def main(flows: str, count: str, seed: str) -> None:
    ready = packets(int(flows))
    rng = random.Random(int(seed))
    first = list(range(len(ready)))
    order = (first * (int(count) // len(first) + 1))[: int(count)]
    rng.shuffle(order)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        for start in range(0, len(order), BURST):
            for number in order[start : start + BURST]:
                sender.sendto(*ready[number])
            time.sleep(PACE)
    print("sent", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
