"""The control sockets: how `show`, `set`, `watch` and the TUI reach a running appliance.

There is one that obeys and, beside it, one that only answers questions. One line of JSON in, one
line of JSON out, over a Unix socket:

    {"id": 1, "do": "show", "what": "flows", "filters": {"protocol": "udp"}}
    {"id": 1, "ok": true, "result": [...]}
    {"id": 2, "ok": false, "error": "a sentence"}

and after `watch`, events as bare objects, one a line; with `"points": true` each packet as well, at
each of its points. After `capture` with a file, frames (`frames.py`).

Strategy: **nobody who is connected here may slow or stop forwarding.** Nothing blocks. Each turn of
the loop does at most one slice of work for a client (`session.py`): one read, one request, or one
write. A client with an unread answer is not listened to. A subscriber that falls too far behind is
told so and dropped, and counted.
"""

from __future__ import annotations

import contextlib
import os
import selectors
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from appliance.control import documents, filters
from appliance.control.calls import call
from appliance.control.captures import LiveCapture
from appliance.control.filters import ONE_CALL, WHATS, Fits
from appliance.control.listener import Listener
from appliance.control.session import Gathering, Session
from appliance.control.telling import Telling
from appliance.engine import Engine
from appliance.journal.counters import Use
from appliance.journal.events import Event, encode
from appliance.settings.table import SETTINGS
from appliance.version import VERSION

LONGEST_NAME = 4096
"""Characters of a file's name (PATH_MAX, linux/limits.h)."""
MOST_CLIENTS = 64
"""At each socket: however many look on, its owner finds a place."""
CHANGING = ("set", "flush", "tell")
"""What the read-only socket refuses."""
WRITES_OF_A_CAPTURE = 8
"""In one turn: there is more to write than for those who watch."""
AT_THE_END = 0.5
"""Seconds in which what a writer has yet to take is sent when the appliance ends."""


class ControlServer:
    """The listening sockets and their clients, driven by the loop's selector. `read_only` is the
    one that only answers questions, if there is to be one.

    Every file descriptor is registered with this object as its `data`, so the loop's part is
    `key.data.handle(key, mask, now)`. Raises ControlError when the path is taken or not possible.
    """

    def __init__(
        self, engine: Engine, where: str | Path | Listener, read_only: Listener | None = None
    ) -> None:
        self.engine = engine
        self._listener = where if isinstance(where, Listener) else Listener(Path(where))
        self._read_only = read_only
        self.path = self._listener.path
        self.dropped_subscribers = 0
        self.backlog_high_water = 0
        engine.kept["watchers"] = self._use
        self.telling = Telling(engine.log)
        self.capture = LiveCapture(engine, self._listen_for)
        self._now = 0.0  # of the last turn
        self._clients: dict[int, Session] = {}
        self._selector: selectors.BaseSelector | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._looking = False  # at packets

    def fileno(self) -> int:
        return self._listener.socket.fileno()

    def register(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        for listener in self._listeners():
            selector.register(listener.socket, selectors.EVENT_READ, self)

    def _listeners(self) -> list[Listener]:
        return [self._listener] if self._read_only is None else [self._listener, self._read_only]

    def handle(self, key: selectors.SelectorKey, mask: int, now: float) -> None:
        """One slice of work for whoever is ready. Never raises, whatever a client does."""
        self._now = now
        for listener in self._listeners():
            if key.fd == listener.socket.fileno():
                self._accept(listener)
                return
        client = self._clients.get(key.fd)
        if client is None:
            return
        try:
            if mask & selectors.EVENT_WRITE:
                self._write(client)
            elif mask & selectors.EVENT_READ:
                client.read()
            self._serve(client, now)
        except Exception:  # a closed connection, or a generator of an answer that failed half-way
            client.gone = True
        self._settle(client)

    def close(self) -> None:
        """Close everything; the sockets' files go too, unless others have taken their places.
        To be called before the selector is closed; calling it twice is harmless."""
        for client in list(self._clients.values()):
            if client.captures:
                client.flush(AT_THE_END)
            client.gone = True
            self._settle(client)
        for listener in self._listeners():
            if self._selector is not None:
                self._selector.unregister(listener.socket)
            listener.close()
        self._selector = None

    def _accept(self, listener: Listener) -> None:
        connection = listener.accept()
        if connection is None:
            return
        read_only = listener is self._read_only
        if sum(each.read_only == read_only for each in self._clients.values()) >= MOST_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        client = Session(connection, read_only)
        self._clients[connection.fileno()] = client
        if self._selector is not None:
            self._selector.register(connection, selectors.EVENT_READ, self)

    def _write(self, client: Session) -> None:
        for _ in range(WRITES_OF_A_CAPTURE if client.captures else 1):
            if client.idle or not client.write():
                return

    def _serve(self, client: Session, now: float) -> None:
        """Answer the client's next request, once it has taken the answer to the one before."""
        if not client.idle:
            return
        line = client.next_line()
        if line is None:
            return
        number: object = None
        try:
            request = _request(line)
            number = request.get("id")
            self._answer(client, number, request, now)
        except ValueError as error:  # what a client got wrong: SettingError and SpecError too
            client.answer(number, error=str(error))
        except Exception as error:  # a mistake of ours in answering must not stop forwarding
            client.answer(number, error=f"internal error: {type(error).__name__}: {error}")

    def _answer(
        self, client: Session, number: object, request: Mapping[str, Any], now: float
    ) -> None:
        verb = request.get("do")
        if client.read_only and verb in CHANGING:
            raise ValueError(f"this socket only answers questions; {verb} wants {self.path}")
        if verb == "show":
            client.answer(number, *self._show(request, now))
        elif verb == "set":
            client.answer(number, self._set(request, now))
        elif verb == "flush":
            client.answer(number, self._flush(request, now))
        elif verb == "watch":
            self._watch(client, number, request)
        elif verb == "capture":
            self._capture(client, number, request, now)
        elif verb == "tell":
            self._tell(client, number, request, now)
        elif verb == "hello":
            client.answer(number, self._hello(client))
        else:
            known = "hello, show, set, flush, watch, capture, tell"
            raise ValueError(f"{verb!r} is not known; one of: {known}")

    def _hello(self, client: Session) -> dict[str, object]:
        settings = self.engine.settings
        return {
            "name": self.engine.name,
            "mode": self.engine.mode,
            "version": VERSION,
            "pid": os.getpid(),
            "read_only": client.read_only,
            "devices": {side: settings[f"{side}.device"] for side in ("inside", "outside")},
            "dropped_subscribers": self.dropped_subscribers,
            "refused_events": self.telling.refused,
        }

    def _show(self, request: Mapping[str, Any], now: float) -> tuple[object, Fits | None]:
        what = _one_of(request, "what", (*WHATS, ONE_CALL))
        if what == ONE_CALL:
            name = request.get("call")
            if not isinstance(name, str):
                raise ValueError('"call" is a Call-ID, or how one begins')
            return Gathering(call(self.engine, name, now)), None
        chosen = request.get("filters") or {}
        if not isinstance(chosen, dict):
            raise ValueError('"filters" is an object: {"protocol": "udp"}')
        fits = filters.wanted(what, chosen) if chosen else None
        return documents.show(self.engine, what, now), fits

    def _flush(self, request: Mapping[str, Any], now: float) -> dict[str, object]:
        chosen = {name: request.get(name) for name in ("protocol", "internal", "external")}
        given = {name: value for name, value in chosen.items() if value is not None}
        return self.engine.flush(now, filters.wanted("flows", given))._asdict()

    def _set(self, request: Mapping[str, Any], now: float) -> dict[str, object]:
        key = request.get("key")
        if not isinstance(key, str) or "value" not in request:
            raise ValueError('set wants "key" and "value"')
        who = request.get("who", "control")
        if not isinstance(who, str) or len(who) > 64:
            raise ValueError('"who" is a short text')
        self.engine.set(key, request["value"], who, now)
        whole = key in SETTINGS  # and not one entry of a table
        value = self.engine.settings.written(key) if whole else request["value"]
        return {"key": key, "value": value}

    def _tell(
        self, client: Session, number: object, request: Mapping[str, Any], now: float
    ) -> None:
        """Who gives no number does not read answers, and is not to wait for that either."""
        try:
            result = self.telling.take(request, now)
        except ValueError:
            if number is not None:
                raise
        else:
            if number is not None:
                client.answer(number, result)

    def _watch(self, client: Session, number: object, request: Mapping[str, Any]) -> None:
        since = request.get("since")
        if since is not None and (isinstance(since, bool) or not isinstance(since, int)):
            raise ValueError('"since" is the id of an event')
        wants_points = request.get("points", False)
        if not isinstance(wants_points, bool):
            raise ValueError('"points" is true or false')
        client.answer(number, {"watching": True})
        if since is not None:
            client.follow(encode(event) + b"\n" for event in self.engine.log.since(since))
        client.watching = True
        if self._unsubscribe is None:
            self._unsubscribe = self.engine.log.subscribe(self._publish)
        client.sees_points = wants_points
        self._look_at_points()

    def _capture(
        self, client: Session, number: object, request: Mapping[str, Any], now: float
    ) -> None:
        """What `LiveCapture` can do. Without more words: how it is."""
        if client.read_only and {"ended", "file", "stop"} & request.keys():
            raise ValueError(f"this socket only answers questions; capture wants {self.path}")
        if "ended" in request:
            self.capture.ended(client, str(request["ended"]), now)
        elif "file" in request:
            file = request["file"]
            if not isinstance(file, str) or not 0 < len(file) <= LONGEST_NAME:
                raise ValueError('"file" is the name of a file')
            self.capture.begin(client, file, now)
            client.captures = True
            client.answer(number, {"capturing": file})
        elif request.get("stop"):
            self.capture.stop(lambda status: self._answer_later(client, number, status))
        else:
            client.answer(number, self.capture.status())

    def _answer_later(self, client: Session, number: object, result: object) -> None:
        """If the client is still there."""
        if self._clients.get(client.connection.fileno()) is client:
            client.answer(number, result)
            self._listen_for(client)

    def _look_at_points(self) -> None:
        """Packets are looked at while somebody wants to see them, and no longer."""
        wanted = any(client.sees_points for client in self._clients.values())
        if wanted and not self._looking:
            self.engine.points.begin(self._publish_point)
        elif self._looking and not wanted:
            self.engine.points.end()
        self._looking = wanted

    def _publish(self, event: Event) -> None:
        """Called for every event while somebody watches: no system call here."""
        self._hand_out(event, [each for each in self._clients.values() if each.watching])

    def _publish_point(self, event: Event) -> None:
        self._hand_out(event, [each for each in self._clients.values() if each.sees_points])

    def _hand_out(self, event: Event, clients: Iterable[Session]) -> None:
        line = encode(event) + b"\n"
        for client in clients:
            was_idle = client.idle
            client.append(line)
            if client.backlog > self.engine.settings["memory.watcher"]:
                self._drop_watcher(client)
            if was_idle:
                self._listen_for(client)
        now, high_water, limit = self._use()
        self.backlog_high_water = max(high_water, now)
        if now > limit:
            self._drop_watcher(max(self._watchers(), key=lambda client: client.backlog))

    def _drop_watcher(self, client: Session) -> None:
        self.dropped_subscribers += 1
        client.drop("fell too far behind: dropped")

    def _use(self) -> Use:
        """Bytes that watchers have yet to take."""
        backlog = sum(client.backlog for client in self._watchers())
        limit = self.engine.settings["memory.watchers"]
        return Use(backlog, max(self.backlog_high_water, backlog), limit)

    def _watchers(self) -> list[Session]:
        return [client for client in self._clients.values() if not client.captures]

    def _settle(self, client: Session) -> None:
        """After each turn: forget the client, or wait for what it needs next."""
        if not client.gone and not client.finished:
            self._listen_for(client)
            return
        if client.captures:
            self.capture.ended(client, _last_words(client), self._now)
        del self._clients[client.connection.fileno()]
        if self._selector is not None:
            self._selector.unregister(client.connection)
        client.connection.close()
        if self._unsubscribe and not any(other.watching for other in self._clients.values()):
            self._unsubscribe()
            self._unsubscribe = None
        self._look_at_points()

    def _listen_for(self, client: Session) -> None:
        if self._selector is not None:
            mask = selectors.EVENT_READ if client.idle else selectors.EVENT_WRITE
            if client.idle and client.has_line:
                mask |= selectors.EVENT_WRITE  # a turn for the request that is already here
            self._selector.modify(client.connection, mask, self)


def _last_words(writer: Session) -> str:
    """Why a writer that is gone has ended, if it had the time to say so."""
    with contextlib.suppress(OSError):
        writer.read()
    with contextlib.suppress(ValueError):
        while line := writer.next_line():
            if "ended" in (request := _request(line)):
                return str(request["ended"])
    return "its writer has gone away"


def _request(line: bytes) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ValueError("the request is not JSON") from None
    if not isinstance(request, dict):
        raise ValueError("the request is not a JSON object")
    return request


def _one_of(request: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = request.get(name)
    if value not in choices:
        raise ValueError(f'"{name}" is one of: {", ".join(choices)}')
    return str(value)
