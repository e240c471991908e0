"""Bulk UDP, as a QUIC server sends it: plain, or 40 datagrams with one system call (UDP_SEGMENT).

python -m tests.bench.bulk flood ADDRESS SECONDS DATAGRAMS-A-CALL
python -m tests.bench.bulk sink ADDRESS                             prints Gbit/s, after a silence
"""

from __future__ import annotations

import socket
import sys
import time

SIZE = 1400
PORT = 4433
SEGMENT, RECEIVE_TOGETHER = 103, 104  # UDP_SEGMENT, UDP_GRO: linux/udp.h
RECEIVE_BUFFER_FORCE = 33  # SO_RCVBUFFORCE
SILENCE = 0.5


def flood(address: str, seconds: str, at_once: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((address, PORT))
        if int(at_once) > 1:
            sender.setsockopt(socket.SOL_UDP, SEGMENT, SIZE)
        data = bytes(SIZE * int(at_once))
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            sender.send(data)


def sink(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 1 << 24)
        listener.setsockopt(socket.SOL_UDP, RECEIVE_TOGETHER, 1)
        listener.bind((address, PORT))
        print("ready", flush=True)
        heard = len(listener.recv(65536))
        begin = last = time.monotonic()
        listener.settimeout(SILENCE)
        try:
            while True:
                heard += len(listener.recv(65536))
                last = time.monotonic()
        except TimeoutError:
            print(f"Gbit/s: {heard * 8 / max(last - begin, 1e-9) / 1e9}.", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "flood":
        flood(*sys.argv[2:])
    else:
        sink(*sys.argv[2:])
