"""What ordinary hosts do all day, beside telephoning (`tests/host/neighbour.py`).

python -m tests.soak.traffic serve ADDRESS
    a web server, and an echo for UDP
python -m tests.soak.traffic use OWN ADDRESS SECONDS
    loads pages, asks by UDP, knocks at closed ports and at hosts that are too far away; says what
    failed and in which second, and at the end how often of each
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WEB_PORT, ASKED_PORT, CLOSED_PORT = 8080, 5300, 9
PAGE = b"<p>hello</p>" * 4000
PATIENCE = 5.0
FAILED = "failed:"
"""What a line begins with that tells of something that went wrong: what it was, why, the seconds
that it took, and the second in which it began."""


class Web(BaseHTTPRequestHandler):
    """One page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def serve(address: str) -> None:
    web = ThreadingHTTPServer((address, WEB_PORT), Web)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asked.bind((address, ASKED_PORT))
    print("ready", flush=True)
    while True:
        asked.sendto(*asked.recvfrom(2048))


def page(own: str, server: str) -> str:
    """A connection for each, as browsers once did."""
    with socket.create_connection((server, WEB_PORT), PATIENCE, (own, 0)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        size = 0
        while piece := connection.recv(65536):
            size += len(piece)
    if size <= len(PAGE):
        raise ConnectionAbortedError
    return "pages"


def question(own: str, server: str) -> str:
    """From a port of its own, as resolvers ask (RFC 5452 9.2)."""
    with _datagrams(own) as asking:
        asking.sendto(b"what is the address of phone.example?", (server, ASKED_PORT))
        try:
            return "answers" if asking.recv(2048) else "empty answers"
        except TimeoutError:
            return "unanswered questions"


def closed(own: str, server: str) -> str:
    """The server says by ICMP that nobody listens (RFC 1122 4.1.3.3)."""
    with _datagrams(own) as asking:
        asking.connect((server, CLOSED_PORT))
        asking.send(b"is anybody there?")
        try:
            asking.recv(2048)
        except ConnectionRefusedError:
            return "ports known to be closed"
        except TimeoutError:
            pass
        return "ports that say nothing"


def too_far(own: str, server: str) -> str:
    """TTL 1: the appliance itself answers (RFC 1812 5.3.1)."""
    with _datagrams(own) as asking:
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        asking.sendto(b"traceroute", (server, 33_434))
    return "packets that died on the way"


def _datagrams(own: str) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((own, 0))
    made.settimeout(1.0)
    return made


def use(own: str, server: str, seconds: float) -> None:
    done: Counter[str] = Counter()
    born = time.monotonic()
    while time.monotonic() < born + seconds:
        for deed in (page, question, closed, too_far):
            began = time.monotonic()
            try:
                done[deed(own, server)] += 1
            except OSError as error:
                took = time.monotonic() - began
                what = f"{deed.__name__} {type(error).__name__}"
                print(f"{FAILED} {what} {took:.4f} {began - born:.1f}", flush=True)
        time.sleep(0.02)
    for what, count in sorted(done.items()):
        print(f"{count} {what}")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        _, own_, server_, time_ = sys.argv[1:]
        use(own_, server_, float(time_))
