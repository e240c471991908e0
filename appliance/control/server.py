"""The control socket: how `show`, `set`, `watch` and the TUI reach a running appliance.

One line of JSON in, one line of JSON out, over a Unix socket:

    {"id": 1, "do": "show", "what": "flows", "filters": {"protocol": "udp"}}
    {"id": 1, "ok": true, "result": [...]}
    {"id": 2, "ok": false, "error": "a sentence"}

and after `watch`, events as bare objects, one a line; with `"points": true` each packet as well, at
each of its points.

Strategy: **nobody who is connected here may slow or stop forwarding.** Nothing blocks. Each turn of
the loop does at most one slice of work for a client: one read, one request, or one write of at
most `SLICE` bytes, and a long answer is turned into JSON slice by slice, only as fast as its reader
takes it. A client with an unread answer is not listened to. A subscriber that falls too far behind
is told so and dropped, and counted.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import selectors
import socket
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import msgspec

from appliance.control.filters import Fits
from appliance.control.filters import wanted as filters_of
from appliance.journal.events import Event, encode
from appliance.settings.table import Settings
from appliance.version import VERSION

WHATS = ("flows", "mappings", "calls", "expectations", "counters", "settings", "rfc")
"""What `show` can be asked for."""

SLICE = 64 * 1024
"""Bytes written, and entries of a list turned into JSON, before packets have their turn again."""
ENTRIES_PER_SLICE = 200
LONGEST_REQUEST = 64 * 1024
MOST_CLIENTS = 64
BACKLOG_BYTES = 4 * 1024 * 1024
"""How far behind a subscriber may fall before it is dropped."""
ROOT_FOLDER = Path("/run/glassnat")


class ControlError(Exception):
    """The socket cannot be opened. `exit_code` is the contract's: 3 not possible, 4 already up."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class Log(Protocol):
    """What is needed of `appliance.journal.log.EventLog`."""

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]: ...

    def since(self, event_id: int) -> Iterable[Event]: ...


class Points(Protocol):
    """What is needed of `appliance.journal.tap.Points`."""

    def begin(self, show: Callable[[Event], None]) -> None: ...

    def end(self) -> None: ...


class Controlled(Protocol):
    """What is needed of `appliance.engine.Engine`."""

    @property
    def name(self) -> str: ...

    @property
    def mode(self) -> str: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def log(self) -> Log: ...

    @property
    def points(self) -> Points: ...

    def show(self, what: str, now: float) -> object: ...

    def set(self, key: str, value: Any, who: str, now: float) -> None: ...

    def flush(
        self,
        now: float,
        protocol: str | None = None,
        internal: str | None = None,
        external: str | None = None,
    ) -> int: ...


def own_folder() -> Path:
    """Where this user's appliances put their sockets."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if os.geteuid() == 0 or not runtime:
        return ROOT_FOLDER
    return Path(runtime) / "glassnat"


def default_path(name: str) -> Path:
    """The socket of the appliance called `name`."""
    return own_folder() / f"{name}.sock"


class Listener:
    """The listening socket and its file, which belong to the caller of sudo: making it may need
    privileges that are gone by the time there is an engine to serve. Raises ControlError when the
    path is taken or not possible."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = _listen(path)
        self._inode = os.stat(path).st_ino

    def close(self) -> None:
        """The file goes too, unless another has taken its place. Twice is harmless."""
        self.socket.close()
        with contextlib.suppress(OSError):
            if os.stat(self.path).st_ino == self._inode:
                self.path.unlink()


class ControlServer:
    """The listening socket and its clients, driven by the loop's selector.

    Every file descriptor is registered with this object as its `data`, so the loop's part is
    `key.data.handle(key, mask, now)`. Raises ControlError when the path is taken or not possible.
    """

    def __init__(self, engine: Controlled, where: str | Path | Listener) -> None:
        self.engine = engine
        self._listening = where if isinstance(where, Listener) else Listener(Path(where))
        self.path = self._listening.path
        self.dropped_subscribers = 0
        self._clients: dict[int, _Client] = {}
        self._selector: selectors.BaseSelector | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._looking = False  # at packets
        self._listener = self._listening.socket

    def fileno(self) -> int:
        return self._listener.fileno()

    def register(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        selector.register(self._listener, selectors.EVENT_READ, self)

    def handle(self, key: selectors.SelectorKey, mask: int, now: float) -> None:
        """One slice of work for whoever is ready. Never raises, whatever a client does."""
        if key.fd == self._listener.fileno():
            self._accept()
            return
        client = self._clients.get(key.fd)
        if client is None:
            return
        try:
            if mask & selectors.EVENT_WRITE:
                client.write()
            elif mask & selectors.EVENT_READ:
                client.read()
            self._serve(client, now)
        except Exception:  # a closed connection, or a generator of an answer that failed half-way
            client.gone = True
        self._settle(client)

    def close(self) -> None:
        """Close everything; the socket's file goes too, unless another has taken its place.
        To be called before the selector is closed; calling it twice is harmless."""
        for client in list(self._clients.values()):
            client.gone = True
            self._settle(client)
        if self._selector is not None:
            self._selector.unregister(self._listener)
            self._selector = None
        self._listening.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= MOST_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        client = _Client(connection)
        self._clients[connection.fileno()] = client
        if self._selector is not None:
            self._selector.register(connection, selectors.EVENT_READ, self)

    def _serve(self, client: _Client, now: float) -> None:
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
        self, client: _Client, number: object, request: Mapping[str, Any], now: float
    ) -> None:
        verb = request.get("do")
        if verb == "show":
            client.answer(number, *self._show(request, now))
        elif verb == "set":
            client.answer(number, self._set(request, now))
        elif verb == "flush":
            client.answer(number, self._flush(request, now))
        elif verb == "watch":
            self._watch(client, number, request)
        elif verb == "hello":
            client.answer(number, self._hello())
        else:
            raise ValueError(f"{verb!r} is not known; one of: hello, show, set, flush, watch")

    def _hello(self) -> dict[str, object]:
        settings = self.engine.settings
        return {
            "name": self.engine.name,
            "mode": self.engine.mode,
            "version": VERSION,
            "pid": os.getpid(),
            "devices": {side: settings[f"{side}.device"] for side in ("inside", "outside")},
            "dropped_subscribers": self.dropped_subscribers,
        }

    def _show(self, request: Mapping[str, Any], now: float) -> tuple[object, Fits | None]:
        what = _one_of(request, "what", WHATS)
        filters = request.get("filters") or {}
        if not isinstance(filters, dict):
            raise ValueError('"filters" is an object: {"protocol": "udp"}')
        fits = filters_of(what, filters) if filters else None
        return self.engine.show(what, now), fits

    def _flush(self, request: Mapping[str, Any], now: float) -> dict[str, object]:
        chosen = {name: request.get(name) for name in ("protocol", "internal", "external")}
        filters_of("flows", {name: value for name, value in chosen.items() if value is not None})
        return {"flushed": self.engine.flush(now, **chosen)}

    def _set(self, request: Mapping[str, Any], now: float) -> dict[str, object]:
        key = request.get("key")
        if not isinstance(key, str) or "value" not in request:
            raise ValueError('set wants "key" and "value"')
        who = request.get("who", "control")
        if not isinstance(who, str) or len(who) > 64:
            raise ValueError('"who" is a short text')
        self.engine.set(key, request["value"], who, now)
        return {"key": key, "value": self.engine.settings.values.get(key, request["value"])}

    def _watch(self, client: _Client, number: object, request: Mapping[str, Any]) -> None:
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

    def _hand_out(self, event: Event, clients: Iterable[_Client]) -> None:
        line = encode(event) + b"\n"
        for client in clients:
            was_idle = client.idle
            client.append(line)
            if client.backlog > BACKLOG_BYTES:
                self.dropped_subscribers += 1
                client.drop("fell too far behind: dropped")
            if was_idle:
                self._listen_for(client)

    def _settle(self, client: _Client) -> None:
        """After each turn: forget the client, or wait for what it needs next."""
        if not client.gone and not client.finished:
            self._listen_for(client)
            return
        del self._clients[client.connection.fileno()]
        if self._selector is not None:
            self._selector.unregister(client.connection)
        client.connection.close()
        if self._unsubscribe and not any(other.watching for other in self._clients.values()):
            self._unsubscribe()
            self._unsubscribe = None
        self._look_at_points()

    def _listen_for(self, client: _Client) -> None:
        if self._selector is not None:
            mask = selectors.EVENT_READ if client.idle else selectors.EVENT_WRITE
            if client.idle and client.has_line:
                mask |= selectors.EVENT_WRITE  # a turn for the request that is already here
            self._selector.modify(client.connection, mask, self)


class _Client:
    """One connection: what it has sent and what it has yet to take."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.watching = False
        self.sees_points = False
        self.gone = False
        self.backlog = 0  # bytes in `_lines`
        self._received = bytearray()
        self._ready = b""  # the part of the output that is being written
        self._sources: deque[Iterator[bytes]] = deque()  # answers not yet turned into bytes
        self._lines: deque[bytes] = deque()  # events, after all sources
        self._closing = False
        self._ended = False  # it will send no more

    @property
    def idle(self) -> bool:
        """Has it taken everything that was for it?"""
        return not (self._ready or self._sources or self._lines)

    @property
    def finished(self) -> bool:
        return self.idle and (self._closing or (self._ended and not self.has_line))

    @property
    def has_line(self) -> bool:
        return b"\n" in self._received

    def read(self) -> None:
        try:
            data = self.connection.recv(LONGEST_REQUEST)
        except BlockingIOError:
            return
        self._ended = not data
        self._received += data

    def next_line(self) -> bytes | None:
        """The next request, if it is here as a whole."""
        if self._closing:
            return None
        end = self._received.find(b"\n")
        if end < 0:
            if len(self._received) > LONGEST_REQUEST:
                self.drop("the request is too long")
            return None
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    def answer(
        self,
        number: object,
        result: object = None,
        fits: Fits | None = None,
        error: str | None = None,
    ) -> None:
        """Queue the answer to request `number`; of a list, the entries that fit."""
        if error is not None:
            text = json.dumps({"id": number, "ok": False, "error": error})
            self.follow([text.encode() + b"\n"])
        else:
            self.follow(_encoded_answer(number, result, fits))

    def follow(self, pieces: Iterable[bytes]) -> None:
        """Queue bytes that are made only when there is room for them."""
        self._sources.append(iter(pieces))

    def append(self, line: bytes) -> None:
        """Queue an event."""
        self._lines.append(line)
        self.backlog += len(line)

    def drop(self, sentence: str) -> None:
        """Forget what is queued but for the piece under way, say why, close."""
        self._received.clear()
        self._sources.clear()
        self._lines.clear()
        self.backlog = 0
        self.watching = self.sees_points = False
        self._closing = True
        self.answer(None, error=sentence)

    def write(self) -> None:
        """Send at most a slice."""
        if not self._ready:
            self._ready = self._next_slice()
        try:
            sent = self.connection.send(self._ready[:SLICE])
        except BlockingIOError:
            return
        self._ready = self._ready[sent:]

    def _next_slice(self) -> bytes:
        """Whole pieces, about `SLICE` bytes of them."""
        pieces: list[bytes] = []
        size = 0
        while self._sources and size < SLICE:
            piece = next(self._sources[0], None)
            if piece is None:
                self._sources.popleft()
                continue
            pieces.append(piece)
            size += len(piece)
            if not piece or (len(pieces) > 1 and size > SLICE // 4):
                break
        while self._lines and not self._sources and size < SLICE:
            line = self._lines.popleft()
            self.backlog -= len(line)
            pieces.append(line)
            size += len(line)
        return b"".join(pieces)


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


def _encoded_answer(number: object, result: object, fits: Fits | None) -> Iterator[bytes]:
    """The answer as JSON, piece by piece; a list (or a generator) some entries at a time. A piece
    of which nothing fits is empty."""
    head = b'{"id":' + _json(number) + b',"ok":true,"result":'
    if isinstance(result, list | Iterator):
        yield head + b"["
        entries = iter(result)
        between = b""
        while batch := list(islice(entries, ENTRIES_PER_SLICE)):
            chosen = [entry for entry in batch if fits(entry)] if fits else batch
            yield between + _json(chosen)[1:-1] if chosen else b""
            between = b"," if chosen else between
        yield b"]}\n"
    else:
        yield head + _json(result) + b"}\n"


def _json(value: object) -> bytes:
    """ASCII JSON: what is not ASCII could come from the network."""
    line = msgspec.json.encode(value)
    return line if line.isascii() else json.dumps(json.loads(line)).encode()


# --- the socket's file ---------------------------------------------------------------------------


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path`, for its owner alone. Raises ControlError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _make_folder(path.parent)
        _remove_stale(path)
        _bind_for_owner(listener, path)
        listener.listen(16)
    except ControlError:
        listener.close()
        raise
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ControlError(f"{path} was taken by another appliance just now", 4) from None
        reason = error.strerror or str(error)
        raise ControlError(
            f"cannot make the control socket {path}: {reason}; choose another with --control", 3
        ) from None
    return listener


def _bind_for_owner(listener: socket.socket, path: Path) -> None:
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    _give_to_caller(path)


def ensure_free(path: Path) -> None:
    """Nobody answers at `path`; a socket that nobody answers at is removed, since it is left over
    from a crash. Raises ControlError."""
    try:
        _remove_stale(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ControlError(f"cannot use the control socket {path}: {reason}", 3) from None


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o755 if folder == ROOT_FOLDER else 0o700, parents=True)


def _remove_stale(path: Path) -> None:
    """A socket that nobody answers is left over from a crash; one that answers is in use."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} exists and is not a socket; choose another with --control", 3)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise ControlError(f"an appliance is already running at {path}", 4)


def _give_to_caller(path: Path) -> None:
    """Under sudo the socket belongs to who called it: clients need no privileges."""
    caller = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and caller.isascii() and caller.isdecimal():
        os.chown(path, int(caller), -1)
