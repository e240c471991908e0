"""A control connection through the whole appliance, in memory: both ends, and who can connect to
what they announce."""

from __future__ import annotations

from typing import Any

from nat.endpoint import Endpoint, Side
from tests.support.ends import End, Line
from tests.support.packets import ACK, SYN
from tests.support.world import World

HOST = "192.168.20.10"
EXTERNAL = "203.0.113.1"
CLIENT = Endpoint.parse(f"{HOST}:40000")
SERVER = Endpoint.parse("203.0.113.9:21")
INSIDE_SERVER = Endpoint.parse(f"{HOST}:21")
OUTSIDE_CLIENT = Endpoint.parse("203.0.113.9:50000")
STRANGER = Endpoint.parse("198.51.100.7:20")
FORWARD = {
    "nat.forward": [{"protocol": "tcp", "external": f"{EXTERNAL}:21", "internal": f"{HOST}:21"}]
}


class Control:
    """A control connection that is open; `client` and `server` are its ends."""

    def __init__(self, line: Line, client: End, server: End) -> None:
        self.line, self.client, self.server = line, client, server
        self.nat = line.nat

    @classmethod
    def outwards(cls, module: str = "ftp", server: Endpoint = SERVER, **settings: Any) -> Control:
        """From a client inside to a server outside."""
        line = Line(World({"alg.ftp.module": module, **settings}), CLIENT, server)
        return cls(line, line.inner, line.outer)

    @classmethod
    def inwards(cls, module: str = "ftp", **settings: Any) -> Control:
        """From a client outside to a server behind a forward."""
        nat = World({"alg.ftp.module": module, **FORWARD, **settings})
        published = Endpoint.parse(f"{EXTERNAL}:21")
        inner = End(Side.INSIDE, INSIDE_SERVER, OUTSIDE_CLIENT, 1000)
        outer = End(Side.OUTSIDE, OUTSIDE_CLIENT, published, 4_294_967_000)
        line = Line.between(nat, inner, outer)
        line.put(outer, outer.segment(SYN, -1))
        line.put(inner, inner.segment(SYN | ACK, -1))
        line.put(outer, outer.segment(ACK, 0))
        return cls(line, outer, inner)

    def ask(self, command: bytes, *replies: bytes, cuts: tuple[int, ...] = ()) -> None:
        """A command of the client, and what the server replies to it; both are acknowledged."""
        if command:
            self.line.say(self.client, command, *cuts)
        for reply in replies:
            self.line.say(self.server, reply)
        self.line.acknowledge(self.client)
        self.line.acknowledge(self.server)

    def greet(self) -> None:
        self.ask(b"", b"220 ready\r\n")
        self.ask(b"USER anonymous\r\n", b"331 password\r\n")
        self.ask(b"PASS guest@\r\n", b"230 logged in\r\n")

    def heard_last(self, end: End) -> bytes:
        return end.heard.splitlines(keepends=True)[-1]

    def connects(self, remote: Endpoint, port: int) -> Endpoint | None:
        """Which inside endpoint a connection from outside to an external port reaches."""
        external = Endpoint.parse(f"{EXTERNAL}:{port}")
        self.nat.put(Side.OUTSIDE, self.nat.made(remote, external, SYN))
        reached = [seen.destination for seen in self.nat.take_all(Side.INSIDE)]
        self.nat.take_all(Side.OUTSIDE)
        return reached[0] if reached else None

    @property
    def open(self) -> list[str]:
        """The expectations, as "192.168.20.10:40001 <- 203.0.113.9:0"."""
        return [f"{each['internal']} <- {each['remote']}" for each in self.nat.show("expectations")]

    @property
    def counters(self) -> dict[str, int]:
        counted: dict[str, int] = self.nat.show("counters")["alg"]["ftp"]
        return counted
