"""What phones and servers send only so that the NAT between them remembers.

    phone                    NAT                     server
    CRLF CRLF, zeros, … ──►  the mapping is young  ─►          any packet out refreshes it
                             only if it wants to  ◄── 4 zeros  a packet in need not (RFC 4787 REQ-6)
    200 OK ──────────────►   the mapping is young ◄── OPTIONS  its answer is a packet out

What has no answer tells its sender nothing: whether it arrived is seen when somebody calls. Two
line ends are answered by one, and a phone that waits for that in vain begins anew (RFC 5626 4.4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.parties.machine import Timer, Timers

PING, PONG = b"\r\n\r\n", b"\r\n"  # RFC 5626 3.5.1
FOUR_ZEROS = bytes(4)  # as Kamailio's nathelper writes it
PATIENCE = 10.0  # seconds that a phone waits for a pong (RFC 5626 4.4.1)

BYTES: Mapping[str, bytes] = {"crlf": PONG, "double-crlf": PING, "zeros": FOUR_ZEROS}
"""What a keep-alive that is no message consists of."""


def is_keep_alive(payload: bytes) -> bool:
    """Line ends, zeros, or nothing at all: it is meant for the NAT, and nobody acts on it."""
    return not payload.strip(b"\r\n\0")


def essence(payload: bytes) -> str:
    """What it is in a word; empty for what is no keep-alive, and for no bytes at all."""
    return "keep-alive" if payload and is_keep_alive(payload) else ""


class KeepAlive:
    """A phone's: calls `say` every so many `seconds`. With `patience` somebody must answer within
    so many seconds, by `heard`; else `on_silence` is called."""

    def __init__(
        self,
        timers: Timers,
        seconds: float,
        say: Callable[[float], None],
        patience: float | None,
        on_silence: Callable[[float], None],
    ) -> None:
        self._timers = timers
        self._seconds = seconds
        self._say = say
        self._patience = patience
        self._on_silence = on_silence
        self._next: Timer | None = None
        self._waiting: Timer | None = None

    def start(self, now: float) -> None:
        """From now on; nothing when it is going on already."""
        if self._next is None:
            self._next = self._timers.every(self._seconds, self._again, now)

    def stop(self) -> None:
        for timer in (self._next, self._waiting):
            if timer is not None:
                timer.cancel()
        self._next = self._waiting = None

    def heard(self) -> None:
        """The other side has answered."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _again(self, now: float) -> None:
        self._say(now)
        if self._patience is not None and self._waiting is None:
            self._waiting = self._timers.at(now + self._patience, self._silent)

    def _silent(self, now: float) -> None:
        self.stop()
        self._on_silence(now)
