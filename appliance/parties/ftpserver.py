"""A server that hands out one file by FTP: the configuration of phones (RFC 959).

It does what servers do since the bounce attacks became known: a connection for the file is opened
to the host that asks for it, and to no other (RFC 2577 3). So it refuses a private address that no
ALG has translated, and says so at once.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Annotated

from appliance.parties.ftp import Lines, as_numbers, as_sent, endpoint_in
from appliance.parties.machine import Machine
from appliance.parties.party import (
    Action,
    Close,
    Closed,
    Connect,
    Connected,
    Datagram,
    Finished,
    Ground,
    News,
    Received,
    What,
    Write,
)
from appliance.parties.signalling import DYNAMIC_PORTS, FIRST_DYNAMIC_PORT
from appliance.parties.traits import Traits, about
from nat.endpoint import Endpoint, address_text

MOST_SESSIONS = 100
REFUSES = "500: it names {}, and the connection comes from {}"


class FtpServerTraits(Traits, tag="ftp-server", kw_only=True):
    """Of a server that hands out a file."""

    gives: Annotated[str, about("What stands in its file, such as registrar = 203.0.113.9:5060.")]
    port: Annotated[int, about("The port that it listens on (RFC 959 8: 21).")] = 21
    finds_after: Annotated[
        float, about("Seconds until it has found the file and opens the connection for it.")
    ] = 0.1

    def people(self, name: str) -> Sequence[str]:
        return ()

    def check(self) -> None:
        super().check()
        if self.finds_after < 0:
            raise ValueError("finds_after: it finds nothing before it is asked")


@dataclass(slots=True)
class Session:
    """A control connection: where the file is to go (`target`), or on which port of one's own it is
    to be fetched (`offered`), and by which connection (`link`)."""

    remote: Endpoint
    lines: Lines = field(default_factory=Lines)
    target: Endpoint | None = None
    offered: int = 0
    link: tuple[Endpoint, Endpoint] | None = None
    is_wanted: bool = False


class FtpServer(Machine):
    """The server `name`."""

    def __init__(self, name: str, traits: FtpServerTraits, rng: Random) -> None:
        super().__init__()
        self.name = name
        self.address = traits.own_address
        self.ports: Set[int] = frozenset()
        self.tcp_ports = {traits.port}
        self._own = Endpoint(traits.own_address, traits.port)
        self._file = f"{traits.gives}\r\n".encode()
        self._finds_after = traits.finds_after
        self._rng = rng
        self._sessions: dict[Endpoint, Session] = {}

    def start(self, now: float) -> Sequence[Action]:
        return ()

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        return ()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        if isinstance(news, Connected | Received | Finished | Closed):
            if news.local == self._own:
                self._hear_control(news, now)
            else:
                self._hear_data(news)
        return self.actions()

    # --- the control connection -------------------------------------------------------------

    def _hear_control(self, news: Connected | Received | Finished | Closed, now: float) -> None:
        if isinstance(news, Connected) and len(self._sessions) < MOST_SESSIONS:
            session = self._sessions[news.remote] = Session(news.remote)
            self._say(session, "220 configurations of phones")
            return
        known = self._sessions.get(news.remote)
        if known is None:
            return
        if isinstance(news, Received):
            for line in known.lines.take(news.payload):
                before = self.thought
                self._hear_command(known, line, now)
                self.accept(as_sent(line), before)
        elif isinstance(news, Finished):
            self.do(Close(self._own, known.remote))
        else:
            self._forget(known)

    def _hear_command(self, session: Session, line: str, now: float) -> None:
        verb, _, argument = line.partition(" ")
        if verb == "USER":
            self._say(session, "331 and the word")
        elif verb == "PASS":
            self._say(session, "230 you are in")
        elif verb == "PORT":
            self._hear_port(session, argument, line)
        elif verb == "PASV":
            self._offer(session)
        elif verb == "RETR":
            self._say(session, "150 it comes")
            session.is_wanted = True
            self.timers.at(now + self._finds_after, partial(self._hand_out, session))
        elif verb == "QUIT":
            self._say(session, "221 bye")
        else:
            self._say(session, "502 that is not done here")

    def _hear_port(self, session: Session, argument: str, line: str) -> None:
        target, there = endpoint_in(argument), session.remote.address
        if target is not None and target.address == there:
            session.target = target
            self._say(session, "200 there it will go")
            return
        named = address_text(target.address) if target else "nobody"
        reason = REFUSES.format(named, address_text(there))
        ground = Ground(as_sent(line), "port", "RFC 2577 3")
        self.object_to(What.MESSAGE_REFUSED, self.name, reason, ground)
        self._say(session, "500 that is not you")

    def _offer(self, session: Session) -> None:
        session.offered = self._fresh()
        self.tcp_ports.add(session.offered)
        there = as_numbers(Endpoint(self.address, session.offered))
        self._say(session, f"227 Entering Passive Mode ({there})")

    def _say(self, session: Session, line: str) -> None:
        self.do(Write(self._own, session.remote, f"{line}\r\n".encode()))

    # --- the file ----------------------------------------------------------------------------

    def _hand_out(self, session: Session, now: float) -> None:
        if session.target is not None:
            session.link = Endpoint(self.address, self._fresh()), session.target
            self.do(Connect(*session.link))
        elif session.link is not None:
            self._write(session)

    def _hear_data(self, news: Connected | Received | Finished | Closed) -> None:
        link = (news.local, news.remote)
        for session in self._sessions.values():
            if isinstance(news, Connected) and news.local.port == session.offered:
                session.link = link
            if session.link != link:
                continue
            if isinstance(news, Connected):
                self._write(session)
            elif isinstance(news, Closed) and session.is_wanted:
                session.is_wanted = False
                self._say(session, "425 nobody is there")

    def _write(self, session: Session) -> None:
        if session.link is not None and session.is_wanted:
            session.is_wanted = False
            self.do(Write(*session.link, self._file))
            self.do(Close(*session.link))
            self._say(session, "226 that was it")

    def _forget(self, session: Session) -> None:
        self.tcp_ports.discard(session.offered)
        del self._sessions[session.remote]

    def _fresh(self) -> int:
        return FIRST_DYNAMIC_PORT + self._rng.getrandbits(DYNAMIC_PORTS)
