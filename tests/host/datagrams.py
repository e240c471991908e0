"""UDP in bulk, as a QUIC server would: many datagrams with one system call (UDP_SEGMENT).

python -m tests.host.datagrams send ADDRESS SIZE COUNT     COUNT datagrams, 40 a call
python -m tests.host.datagrams hear ADDRESS                says how many came, after a silence
"""

from __future__ import annotations

import socket
import sys

SEGMENT = 103  # UDP_SEGMENT, linux/udp.h
RECEIVE_BUFFER_FORCE = 33  # SO_RCVBUFFORCE, asm-generic/socket.h
PORT = 4433
AT_ONCE = 40
SILENCE = 1.0


def send(address: str, size: str, count: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_UDP, SEGMENT, int(size))
        sender.connect((address, PORT))
        for _ in range(int(count) // AT_ONCE):
            sender.send(bytes(int(size) * AT_ONCE))


def hear(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 1 << 24)
        listener.bind((address, PORT))
        print("ready", flush=True)
        sizes = [len(listener.recv(65536))]
        listener.settimeout(SILENCE)
        try:
            while True:
                sizes.append(len(listener.recv(65536)))
        except TimeoutError:
            print(f"heard {len(sizes)} of {sizes[0]} bytes", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(*sys.argv[2:])
    else:
        hear(*sys.argv[2:])
