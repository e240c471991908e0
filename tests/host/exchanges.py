"""SIP over TCP by ordinary sockets.

python -m tests.host.exchanges serve ADDRESS
    answers every request
python -m tests.host.exchanges call ADDRESS CONNECTIONS EXCHANGES
    sends each request in two writes, head and body, with Nagle's algorithm as it is, waits for the
    answer, and prints whether the server saw it edited and the seconds that it took
python -m tests.host.exchanges sink ADDRESS
    reads and says nothing
python -m tests.host.exchanges flood ADDRESS SECONDS
    sends the shortest messages there are, as fast as it may
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable

COPIED = (b"Via", b"From", b"To", b"Call-ID", b"CSeq")  # RFC 3261 8.2.6.2
PATIENCE = 60.0
SHORT = b"A b: SIP/2.0\nl:0\n\n"  # 18 bytes


def request(own: str, number: int) -> tuple[bytes, bytes]:
    body = b"This is the body of %d.\r\n" % number
    head = (
        f"MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP {own};branch=z9hG4bK{number}"
        f"\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: c{number}\r\n"
        f"CSeq: {number} MESSAGE\r\nContact: <sip:a@{own};transport=tcp>\r\n"
        f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body


def read(connection: socket.socket, waiting: bytearray) -> bytes:
    """The next message with its body; empty at the end."""
    while True:
        head_end = waiting.find(b"\r\n\r\n") + 4
        if head_end > 3:
            length = int(waiting[:head_end].lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(waiting) >= head_end + length:
                message = bytes(waiting[: head_end + length])
                del waiting[: head_end + length]
                return message
        piece = connection.recv(65536)
        if not piece:
            return b""
        waiting += piece


def serve_one(connection: socket.socket) -> None:
    waiting = bytearray()
    while message := read(connection, waiting):
        lines = [b"SIP/2.0 200 OK"]
        lines += [line for line in message.split(b"\r\n") if line.split(b":")[0] in COPIED]
        private = b"PRIVATE" if b"192.168." in message else b"edited"
        lines += [b"Subject: " + private, b"Content-Length: 0", b"", b""]
        connection.sendall(b"\r\n".join(lines))


def discard(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def serve(address: str, each: Callable[[socket.socket], None]) -> None:
    with socket.create_server((address, 5060)) as listening:
        print("ready", flush=True)
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=each, args=(connection,), daemon=True).start()


def call(address: str, first: int, exchanges: int) -> None:
    with socket.create_connection((address, 5060), PATIENCE) as connection:
        own = "{}:{}".format(*connection.getsockname())
        waiting = bytearray()
        for number in range(first, first + exchanges):
            began = time.monotonic()
            for part in request(own, number):
                connection.send(part)
            answer = read(connection, waiting)
            what = "PRIVATE" if b"PRIVATE" in answer else "edited"
            assert b"CSeq: %d MESSAGE" % number in answer, answer
            print(f"{what} {time.monotonic() - began:.3f}\n", end="", flush=True)


def flood(address: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    with socket.create_connection((address, 5060), PATIENCE) as connection:
        connection.settimeout(0.1)
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                connection.send(SHORT * 80)


def main() -> None:
    if sys.argv[1] in ("serve", "sink"):
        serve(sys.argv[2], serve_one if sys.argv[1] == "serve" else discard)
    if sys.argv[1] == "flood":
        flood(sys.argv[2], float(sys.argv[3]))
        return
    address, connections, exchanges = sys.argv[2], *map(int, sys.argv[3:])
    callers = [
        threading.Thread(target=call, args=(address, 1 + n * exchanges, exchanges))
        for n in range(connections)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()


if __name__ == "__main__":
    main()
