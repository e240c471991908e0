"""How a phone fetches its configuration by FTP before it registers, as desk phones of that time do.

    active     phone ──PORT "connect to me there"──► server        a NAT knows nothing of that port,
               phone ◄══════════ file ══════════════ server        and the address is private
    passive    phone ──PASV──────────────────────────► server
               phone ◄──227 "connect to me there"──── server
               phone ═════════ connects ═════════════► server      as with any web page

The file has one line that matters: `registrar = 203.0.113.9:5060`.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Annotated, Literal

from appliance.parties.ftp import Lines, as_numbers, as_sent, endpoint_in
from appliance.parties.machine import Machine, Timer
from appliance.parties.party import (
    Close,
    Closed,
    Connect,
    Connected,
    Finished,
    News,
    Received,
    Write,
)
from appliance.parties.signalling import DYNAMIC_PORTS, FIRST_DYNAMIC_PORT
from appliance.parties.stunclient import StunTraits
from appliance.parties.traits import about
from nat.endpoint import Endpoint

PATIENCE = 30.0  # seconds for the whole file
MOST_BYTES = 65536  # of a file that is taken in
FILE = "phone.cfg"
FILE_SAYS = "registers where the file from"
FIRST_ERROR = 400  # RFC 959 4.2.1


class ConfiguredTraits(StunTraits, kw_only=True):
    """Of a phone that somebody else has configured."""

    configuration: Annotated[
        str,
        about(
            "The endpoint of the FTP server from which it fetches the name of its registrar before "
            "it registers (RFC 959), as desk phones do; empty: it was typed in."
        ),
    ] = ""
    fetches_by: Annotated[
        Literal["active", "passive"],
        about(
            "Who opens the connection for the file: the server (PORT), or the phone (PASV; RFC "
            "1579 wants that)."
        ),
    ] = "active"

    def check(self) -> None:
        super().check()
        if self.configuration:
            self.must_parse(Endpoint.parse, "configuration")


class FtpClient:
    """Fetches one file from `server`, and tells it, or why not. `ports` are the TCP ports that its
    host takes connections on; `segment` as in the party's table."""

    def __init__(
        self,
        machine: Machine,
        address: int,
        traits: ConfiguredTraits,
        ports: set[int],
        rng: Random,
        on_file: Callable[[str, Endpoint, float], None],
        on_failure: Callable[[str, float], None],
    ) -> None:
        self._machine = machine
        self._address = address
        self._server = Endpoint.parse(traits.configuration)
        self._is_passive = traits.fetches_by == "passive"
        self._sizes = (traits.segment,)
        self._ports = ports
        self._rng = rng
        self._on_file = on_file
        self._on_failure = on_failure
        self._control: Endpoint | None = None
        self._closed: Endpoint | None = None
        self._waits: Timer | None = None
        self._begin()

    def fetch(self, now: float) -> None:
        """Ask for the file, unless that is under way."""
        if self._control is not None:
            return
        self._begin()
        self._control = self._fresh()
        self._machine.do(Connect(self._control, self._server))
        self._waits = self._machine.timers.at(now + PATIENCE, self._out_of_patience)

    def hear(self, news: News, now: float) -> bool:
        """Is it about one of its connections?"""
        if not isinstance(news, Connected | Received | Finished | Closed):
            return False
        if news.local in (self._control, self._closed):
            self._hear_control(news, now)
            return True
        if news.local != self._data:
            return False
        self._hear_data(news, now)
        return True

    # --- the control connection -----------------------------------------------------------

    def _begin(self) -> None:
        self._lines = Lines()
        self._data: Endpoint | None = None
        self._giver: Endpoint | None = None
        self._file = bytearray()

    def _hear_control(self, news: Connected | Received | Finished | Closed, now: float) -> None:
        if isinstance(news, Received):
            for line in self._lines.take(news.payload):
                before = self._machine.thought
                if line[:3].isdecimal() and self._control is not None:
                    self._hear_reply(int(line[:3]), line, now)
                self._machine.accept(as_sent(line), before)
        elif isinstance(news, Closed) and news.local == self._control:
            self._fail(f"no configuration from {self._server} ({news.how.value})", now)

    def _hear_reply(self, code: int, line: str, now: float) -> None:
        """RFC 959 5.4: what may be said next."""
        if code >= FIRST_ERROR:
            self._fail(f"{code} instead of a configuration from {self._server}", now)
        elif code == 220:
            self._say("USER phone")
        elif code == 331:
            self._say("PASS phone")
        elif code == 230:
            self._ask_for_a_connection()
        elif code == 227:
            self._go_there(endpoint_in(line))
        elif code == 200:
            self._say(f"RETR {FILE}")

    def _say(self, line: str) -> None:
        if self._control is not None:
            said = f"{line}\r\n".encode()
            self._machine.do(Write(self._control, self._server, said, self._sizes))

    def _ask_for_a_connection(self) -> None:
        self._data = self._fresh()
        if self._is_passive:
            self._say("PASV")
        else:
            self._ports.add(self._data.port)
            self._say(f"PORT {as_numbers(self._data)}")

    def _go_there(self, there: Endpoint | None) -> None:
        if there is not None and self._data is not None:
            self._machine.do(Connect(self._data, there))
            self._say(f"RETR {FILE}")

    # --- the file ---------------------------------------------------------------------------

    def _hear_data(self, news: Connected | Received | Finished | Closed, now: float) -> None:
        """Whoever connects first brings the file: a phone does not ask who it is, and does not wait
        for the server to say that this was all (226)."""
        if self._giver is None and isinstance(news, Connected):
            self._giver = news.remote
        if isinstance(news, Finished):
            self._machine.do(Close(news.local, news.remote))
        if news.remote != self._giver:
            return
        if isinstance(news, Received) and len(self._file) < MOST_BYTES:
            self._file += news.payload
        elif isinstance(news, Finished):
            self._say("QUIT")
            self._close()
            self._on_file(self._file.decode("latin-1"), news.remote, now)

    def _close(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
        if self._control is not None:
            self._machine.do(Close(self._control, self._server))
        self._closed, self._control = self._control, None  # where the last reply (226) is heard
        if self._data is not None:
            self._ports.discard(self._data.port)

    def _fail(self, why: str, now: float) -> None:
        if self._control is not None:
            self._close()
            self._on_failure(why, now)

    def _out_of_patience(self, now: float) -> None:
        self._fail(f"no configuration from {self._server} in {PATIENCE:.0f} s", now)

    def _fresh(self) -> Endpoint:
        port = FIRST_DYNAMIC_PORT + self._rng.getrandbits(DYNAMIC_PORTS)
        return Endpoint(self._address, port)
