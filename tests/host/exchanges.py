"""SIP over TCP by ordinary sockets: `serve ADDRESS` answers every request and says how many it has
answered; `call ADDRESS CONNECTIONS EXCHANGES` sends each request in two writes, head and body,
with Nagle's algorithm as it is, waits for the answer, and prints the seconds that each took.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

COPIED = (b"Via", b"From", b"To", b"Call-ID", b"CSeq")  # RFC 3261 8.2.6.2
PATIENCE = 60.0


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


def serve(address: str) -> None:
    with socket.create_server((address, 5060)) as listening:
        print("ready", flush=True)
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()


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


def main() -> None:
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
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
