"""A host that only wants to telephone, and a server for it. SIP over UDP and TCP.

python -m tests.host.neighbour serve ADDRESS
    answers every request; to one that announces an audio port it sends a datagram there
python -m tests.host.neighbour live OWN ADDRESS SECONDS
    registers, calls and sends messages in two writes, in turns. For each of them it prints what it
    was, whether it was as it should be ("fine"), the seconds that it took, and the second in which
    it began
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time

from tests.host import exchanges

PATIENCE = 5.0
FIRST_REPEAT = 0.5  # T1, RFC 3261 17.1.1.1
MEDIA = b"this is what bob says"
SIP_PORT, AUDIO_PORT = 5060, 14000
BETWEEN = 0.1  # seconds from one thing to the next


def request(own: str, method: str, number: int, call_id: str, to_tag: str = "") -> str:
    """The head of a request, as far as all have the same."""
    return (
        f"{method} sip:carol@example.com SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {own}:5060;branch=z9hG4bK{method}{number}\r\n"
        f"From: <sip:bob@example.com>;tag=1\r\nTo: <sip:carol@example.com>{to_tag}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {number} {method}\r\n"
    )


def register(own: str, number: int) -> bytes:
    head = request(own, "REGISTER", number, f"r{number}")
    return f"{head}Contact: <sip:bob@{own}:5060>\r\nContent-Length: 0\r\n\r\n".encode()


def invite(own: str, number: int) -> bytes:
    body = (
        f"v=0\r\no=- 1 1 IN IP4 {own}\r\ns=-\r\nc=IN IP4 {own}\r\nt=0 0\r\n"
        f"m=audio {AUDIO_PORT} RTP/AVP 0\r\n"
    )
    head = request(own, "INVITE", number, f"c{number}")
    rest = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    return f"{head}Contact: <sip:bob@{own}:5060>\r\n{rest}".encode()


def bye(own: str, number: int) -> bytes:
    head = request(own, "BYE", number + 1, f"c{number}", to_tag=";tag=2")
    return f"{head}Content-Length: 0\r\n\r\n".encode()


# --- the server -----------------------------------------------------------------------------------


def answer(message: bytes) -> bytes:
    """RFC 3261 8.2.6. The subject says what the server has seen."""
    head, _, _ = message.partition(b"\r\n\r\n")
    lines = [b"SIP/2.0 200 OK"]
    lines += [line for line in head.split(b"\r\n") if line.split(b":")[0] in exchanges.COPIED]
    lines = [line + b";tag=2" if line.startswith(b"To:") else line for line in lines]
    private = b"PRIVATE" if b"192.168." in message else b"fine"
    return b"\r\n".join([*lines, b"Subject: " + private, b"Content-Length: 0", b"", b""])


def serve(address: str) -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, SIP_PORT))
    threading.Thread(target=exchanges.serve, args=(address, exchanges.serve_one)).start()
    while True:
        message, source = server.recvfrom(65536)
        if b"bob@" not in message:
            continue  # a flood is not to keep this program busy
        announced = re.search(rb"c=IN IP4 ([0-9.]+)\r\n(?s:.*)m=audio (\d+) ", message)
        if announced and not announced[1].startswith(b"192.168."):
            server.sendto(MEDIA, (announced[1].decode(), int(announced[2])))
        server.sendto(answer(message), source)


# --- the host -------------------------------------------------------------------------------------


class Neighbour:
    """Its sockets and its count of messages."""

    def __init__(self, own: str, server: str) -> None:
        self.own, self.server = own, server
        self.number = 0
        self.signalling = self._socket(SIP_PORT)
        self.audio = self._socket(AUDIO_PORT)
        self.connection, self.stream = self._connect(), bytearray()

    def _connect(self) -> socket.socket:
        where = (self.server, SIP_PORT)
        return socket.create_connection(where, PATIENCE, source_address=(self.own, 0))

    def _socket(self, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((self.own, port))
        made.settimeout(FIRST_REPEAT)
        return made

    def _ask(self, message: bytes) -> str:
        """Say it, and again as RFC 3261 17.1.1.2 has it, until the answer to it comes."""
        branch = message.split(b"branch=")[1].split(b"\r\n")[0]
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.signalling.sendto(message, (self.server, SIP_PORT))
            try:
                while branch not in (said := self.signalling.recv(65536)):
                    pass
            except TimeoutError:
                continue
            return "fine" if b"Subject: fine" in said else "PRIVATE"
        return "SILENCE"

    def registration(self) -> str:
        return self._ask(register(self.own, self.number))

    def call(self) -> str:
        """Bob must be told the truth about the port, and must hear what is sent there."""
        went = self._ask(invite(self.own, self.number))
        try:
            if self.audio.recv(2048) != MEDIA:
                went = "NOISE"
        except TimeoutError:
            went = "UNHEARD" if went == "fine" else went
        self._ask(bye(self.own, self.number))
        return went

    def split(self) -> str:
        """Head and body in two writes, with Nagle's algorithm on. A connection that does not answer
        is not used again: its late answer would be taken for that of the next."""
        try:
            own = "{}:{}".format(*self.connection.getsockname())
            for part in exchanges.request(own, self.number):
                self.connection.send(part)
            said = exchanges.read(self.connection, self.stream)
        except OSError as error:
            self.connection.close()
            self.connection, self.stream = self._connect(), bytearray()
            return type(error).__name__
        return "PRIVATE" if b"PRIVATE" in said else "fine" if said else "CLOSED"

    def live(self, seconds: float) -> None:
        born = time.monotonic()
        while time.monotonic() < born + seconds:
            for what in ("registration", "call", "split"):
                self.number += 1
                began = time.monotonic()
                try:
                    went = getattr(self, what)()
                except OSError as error:
                    went = type(error).__name__
                took = time.monotonic() - began
                print(f"{what} {went} {took:.4f} {began - born:.1f}", flush=True)
            time.sleep(BETWEEN)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        Neighbour(*sys.argv[2:4]).live(float(sys.argv[4]))
