"""The control socket answers, and nobody connected to it can hurt or slow the loop."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.control import documents
from appliance.control import server as control
from appliance.control.listener import read_only_listener
from appliance.control.paths import read_only_path
from appliance.control.server import ControlServer
from appliance.control.session import ENTRIES_PER_SLICE
from appliance.engine import Flushed
from appliance.journal.counters import AskUse
from appliance.journal.events import Event, PacketSeen, SettingChanged
from appliance.journal.log import EventLog
from appliance.settings.table import SettingError, Settings
from appliance.version import VERSION


class FakePoints:
    """Somebody may look at packets; `show` is who does."""

    def __init__(self) -> None:
        self.show: Callable[[Event], None] | None = None

    def begin(self, show: Callable[[Event], None]) -> None:
        assert self.show is None, "begun twice"
        self.show = show

    def end(self) -> None:
        assert self.show is not None, "ended twice"
        self.show = None


class FakeEngine:
    """What the control socket sees of an engine. `answers` stand for its documents."""

    name = "classroom"
    mode = "appliance"

    def __init__(self) -> None:
        self.settings = Settings()
        self.log = EventLog(0.0)
        self.points = FakePoints()
        self.kept: dict[str, AskUse] = {}
        self.answers: dict[str, Any] = {"flows": [], "counters": {"é": 1}}
        self.flushed: list[bool] = []

    def document(self, what: str) -> object:
        answer = self.answers[what]
        return answer() if callable(answer) else answer

    def set(self, key: str, value: Any, who: str, now: float) -> None:
        if key == "broken":
            raise RuntimeError("a mistake of ours")
        old = self.settings.values.get(key)
        new = self.settings.change(key, value, who)
        self.log.emit(SettingChanged(key=key, old=old, new=new, who=who), now)

    def flush(self, now: float, fits: Callable[[dict[str, str]], bool]) -> Flushed:
        ends = {"internal": "192.0.2.1:5", "external": "203.0.113.1:5"}
        self.flushed = [fits({"protocol": protocol, **ends}) for protocol in ("udp", "tcp")]
        return Flushed(3, 1)


class Loop:
    """As much of the loop as a control socket needs: turns, one after the other."""

    def __init__(self, server: ControlServer) -> None:
        self.selector = selectors.DefaultSelector()
        self.server = server
        server.register(self.selector)

    def turn(self) -> int:
        ready = self.selector.select(0)
        for key, mask in ready:
            key.data.handle(key, mask, 1.0)
        return len(ready)

    def settle(self) -> int:
        """Turns until nobody wants anything; answers how many."""
        turns = 0
        while self.turn():
            turns += 1
            assert turns < 10_000, "the loop would be busy for ever"
        return turns


class Peer:
    """A client that never waits."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.received = b""

    def say(self, *requests: object) -> None:
        for request in requests:
            line = request if isinstance(request, bytes) else json.dumps(request).encode()
            self.socket.sendall(line + b"\n")

    def read(self) -> bool:
        """Take what is there; False at the end of the stream."""
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        self.received += data
        return bool(data)

    @property
    def answers(self) -> list[Any]:
        return [json.loads(line) for line in self.received.splitlines()]


Connect = Callable[..., Peer]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine()
    for what in documents.DOCUMENTS:
        monkeypatch.setitem(documents.DOCUMENTS, what, lambda engine, _, w=what: engine.document(w))
    return engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "classroom.sock"


@pytest.fixture
def server(engine: FakeEngine, path: Path) -> Iterator[ControlServer]:
    server = ControlServer(engine, path, read_only_listener(path, "owner"))
    yield server
    server.close()


@pytest.fixture
def loop(server: ControlServer) -> Iterator[Loop]:
    loop = Loop(server)
    yield loop
    server.close()
    loop.selector.close()


@pytest.fixture
def connect(loop: Loop, path: Path) -> Iterator[Connect]:
    with contextlib.ExitStack() as stack:

        def make(read_only: bool = False) -> Peer:
            peer = Peer(read_only_path(path) if read_only else path)
            stack.callback(peer.socket.close)
            loop.settle()
            return peer

        yield make


def ask(loop: Loop, peer: Peer, *requests: object) -> list[Any]:
    peer.received = b""
    peer.say(*requests)
    for _ in range(10_000):
        busy = loop.turn()
        peer.read()
        if not busy:
            break
    return peer.answers


# --- answers -------------------------------------------------------------------------------------


def test_hello_says_who_is_there(loop: Loop, connect: Connect) -> None:
    (answer,) = ask(loop, connect(), {"id": 1, "do": "hello"})
    assert answer["ok"] is True
    assert answer["result"]["name"] == "classroom"
    assert answer["result"]["mode"] == "appliance"
    assert answer["result"]["version"] == VERSION
    assert answer["result"]["pid"] == os.getpid()
    assert answer["result"]["devices"] == {"inside": "gn-in", "outside": "gn-out"}


def test_who_gives_no_number_is_not_answered_and_tells_all_the_same(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    """Who tells much need not read; whoever only looks tells nothing."""
    lost = {"type": "packet-lost", "where": "w", "why": "y", "protocol": "udp"}
    event = {**lost, "source": "192.0.2.1:1", "destination": "192.0.2.2:2"}
    peer = connect()
    assert ask(loop, peer, {"do": "tell", "event": event}, {"do": "tell", "event": 7}) == []
    answers = ask(loop, peer, {"id": 1, "do": "tell", "event": event}, {"id": 2, "do": "hello"})
    assert answers[0] == {"id": 1, "ok": True, "result": {"event": 2}}
    assert answers[1]["result"]["refused_events"] == 1
    (refused,) = ask(loop, connect(read_only=True), {"id": 3, "do": "tell", "event": event})
    assert "only answers questions" in refused["error"]
    assert engine.log.last_id == 2


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 5000])
def test_lists_of_any_length_arrive_whole(
    loop: Loop, engine: FakeEngine, connect: Connect, count: int
) -> None:
    engine.answers["flows"] = [{"id": number} for number in range(count)]
    (answer,) = ask(loop, connect(), {"id": 7, "do": "show", "what": "flows"})
    assert answer == {"id": 7, "ok": True, "result": engine.answers["flows"]}


def test_a_list_may_be_made_while_it_is_sent(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    engine.answers["flows"] = lambda: ({"id": number} for number in range(1000))
    (answer,) = ask(loop, connect(), {"id": 7, "do": "show", "what": "flows"})
    assert len(answer["result"]) == 1000


def test_a_large_answer_is_sent_in_slices_between_packets(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    made = 0

    def entries() -> Iterator[dict[str, object]]:
        nonlocal made
        for number in range(100_000):
            made += 1
            yield {"id": number, "padding": "x" * 100}

    engine.answers["flows"] = entries
    peer = connect()
    peer.say({"id": 1, "do": "show", "what": "flows"})
    most = 0
    for _ in range(20):
        before = made
        loop.turn()
        peer.read()
        most = max(most, made - before)
    assert 0 < most <= 2000, "one turn did too much of the work"


def test_what_is_not_ascii_is_escaped(loop: Loop, connect: Connect) -> None:
    peer = connect()
    (answer,) = ask(loop, peer, {"id": 1, "do": "show", "what": "counters"})
    assert peer.received.isascii()
    assert answer["result"] == {"é": 1}


def test_set_changes_and_answers_the_value_in_use(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    request = {"id": 1, "do": "set", "key": "nat.timeouts.udp", "value": "30s", "who": "alice"}
    (answer,) = ask(loop, connect(), request)
    assert answer["result"] == {"key": "nat.timeouts.udp", "value": 30.0}
    assert engine.settings["nat.timeouts.udp"] == 30.0


def test_flush_hands_on_what_is_to_be_forgotten(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    (answer,) = ask(loop, connect(), {"id": 1, "do": "flush", "protocol": "udp"})
    assert answer["result"] == {"flushed": 3, "expectations": 1}
    assert engine.flushed == [True, False]


def test_requests_are_answered_in_their_order(loop: Loop, connect: Connect) -> None:
    answers = ask(loop, connect(), *({"id": number, "do": "hello"} for number in range(50)))
    assert [answer["id"] for answer in answers] == list(range(50))


def test_a_client_that_has_said_all_is_still_answered(loop: Loop, connect: Connect) -> None:
    peer = connect()
    peer.say({"id": 1, "do": "hello"}, {"id": 2, "do": "hello"})
    peer.socket.shutdown(socket.SHUT_WR)
    loop.settle()
    assert peer.read()
    assert [answer["id"] for answer in peer.answers] == [1, 2]
    assert not peer.read()


# --- requests that are wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff\x00", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"", "not JSON"),
        (b"7", "not a JSON object"),
        ({"do": "dance"}, "one of: hello, show"),
        ({"do": ["x"]}, "one of: hello, show"),
        ({"do": "show", "what": "secrets"}, "one of: flows"),
        ({"do": "show", "what": ["flows"]}, "one of: flows"),
        ({"do": "show", "what": "calls"}, "internal error"),
        ({"do": "show", "what": "flows", "filters": "udp"}, '"filters" is an object'),
        ({"do": "show", "what": "flows", "filters": {"protocol": "x"}}, "one of: icmp, tcp, udp"),
        ({"do": "flush", "internal": "everything"}, 'internal: "everything" is none of'),
        ({"do": "set", "key": "nat.timeouts.udp", "value": "soon"}, "not a duration"),
        ({"do": "set", "key": "inside.device", "value": "x"}, "cannot change while"),
        ({"do": "set", "key": 7, "value": "x"}, 'wants "key"'),
        ({"do": "set", "key": "nat.parity"}, 'wants "key"'),
        ({"do": "set", "key": "nat.parity", "value": True, "who": "x" * 100}, "short text"),
        ({"do": "set", "key": "broken", "value": 1}, "internal error: RuntimeError"),
        ({"do": "watch", "since": "x"}, "id of an event"),
    ],
)
def test_a_wrong_request_gets_a_sentence_and_the_next_an_answer(
    loop: Loop, connect: Connect, request_: object, said: str
) -> None:
    peer = connect()
    (answer,) = ask(loop, peer, request_)
    assert answer["ok"] is False
    assert said in answer["error"]
    assert ask(loop, peer, {"id": 2, "do": "hello"})[0]["ok"] is True


def test_a_request_without_end_is_cut_off(loop: Loop, connect: Connect) -> None:
    peer = connect()
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        for _ in range(10):
            peer.socket.sendall(b"x" * 65536)
            loop.settle()
    while peer.read():
        loop.settle()
    assert "too long" in peer.answers[0]["error"]
    assert ask(loop, connect(), {"id": 1, "do": "hello"})[0]["ok"] is True


def test_a_client_that_goes_away_is_forgotten(loop: Loop, connect: Connect) -> None:
    gone, stays = connect(), connect()
    gone.say({"id": 1, "do": "watch"})
    gone.socket.close()
    loop.settle()
    assert ask(loop, stays, {"id": 1, "do": "hello"})[0]["ok"] is True


def test_a_filter_is_applied_slice_by_slice(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    """Looking for one flow among many stops forwarding no more than sending them all does."""
    taken: list[int] = []

    def entries() -> Iterator[object]:
        for number in range(10 * ENTRIES_PER_SLICE):
            taken.append(number)
            yield {"protocol": "tcp" if number % 1000 == 500 else "udp", "id": number}

    engine.answers["flows"] = entries
    peer = connect()
    peer.say({"id": 1, "do": "show", "what": "flows", "filters": {"protocol": "tcp"}})
    most = 0
    while True:
        before = len(taken)
        if not loop.turn():
            break
        most = max(most, len(taken) - before)
    peer.read()
    assert [entry["id"] for entry in peer.answers[0]["result"]] == [500, 1500]
    assert most <= 2 * ENTRIES_PER_SLICE


def test_an_answer_that_fails_half_way_ends_that_client_only(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    def entries() -> Iterator[object]:
        yield from range(1000)
        raise RuntimeError("a flow went away")

    engine.answers["flows"] = entries
    unlucky, other = connect(), connect()
    ask(loop, unlucky, {"id": 1, "do": "show", "what": "flows"})
    assert not unlucky.read()
    assert ask(loop, other, {"id": 1, "do": "hello"})[0]["ok"] is True


def test_too_many_clients_are_turned_away(loop: Loop, connect: Connect) -> None:
    peers = [connect() for _ in range(control.MOST_CLIENTS)]
    assert not connect().read()
    peers[0].socket.close()
    loop.settle()
    assert ask(loop, connect(), {"id": 1, "do": "hello"})[0]["ok"] is True


# --- the socket that only answers ----------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "set", "key": "nat.timeouts.udp", "value": "30s"},
        {"do": "flush"},
        {"do": "flush", "protocol": "udp"},
    ],
)
def test_whoever_may_only_look_changes_nothing(
    loop: Loop, engine: FakeEngine, connect: Connect, path: Path, request_: dict[str, Any]
) -> None:
    before = dict(engine.settings.values)
    peer = connect(read_only=True)
    (answer,) = ask(loop, peer, {"id": 1, **request_})
    sentence = f"this socket only answers questions; {request_['do']} wants {path}"
    assert answer == {"id": 1, "ok": False, "error": sentence}
    assert dict(engine.settings.values) == before
    assert engine.flushed == []
    assert ask(loop, peer, {"id": 2, "do": "hello"})[0]["ok"] is True


def test_whoever_may_only_look_sees_all(loop: Loop, engine: FakeEngine, connect: Connect) -> None:
    peer = connect(read_only=True)
    hello, counters, watching = ask(
        loop,
        peer,
        {"id": 1, "do": "hello"},
        {"id": 2, "do": "show", "what": "counters"},
        {"id": 3, "do": "watch", "points": True},
    )
    assert hello["result"]["read_only"] is True
    assert counters["result"] == {"é": 1}
    assert watching["result"] == {"watching": True}
    engine.log.emit(change(1), 5.0)
    loop.settle()
    peer.read()
    assert peer.answers[-1]["type"] == "setting-changed"
    assert ask(loop, connect(), {"id": 1, "do": "hello"})[0]["result"]["read_only"] is False


def test_however_many_look_on_the_owner_finds_a_place(loop: Loop, connect: Connect) -> None:
    lookers = [connect(read_only=True) for _ in range(control.MOST_CLIENTS)]
    assert not connect(read_only=True).read()
    assert ask(loop, connect(), {"id": 1, "do": "hello"})[0]["ok"] is True
    assert ask(loop, lookers[0], {"id": 1, "do": "hello"})[0]["ok"] is True


# --- watching ------------------------------------------------------------------------------------


def change(number: int) -> SettingChanged:
    return SettingChanged(key="nat.timeouts.udp", old=number, new=number + 1, who="test")


def test_a_watcher_gets_events_as_bare_objects(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    peer = connect()
    ask(loop, peer, {"id": 1, "do": "watch"})
    engine.log.emit(change(1), 5.0)
    loop.settle()
    peer.read()
    assert peer.answers[0] == {"id": 1, "ok": True, "result": {"watching": True}}
    assert peer.answers[1]["type"] == "setting-changed"
    assert peer.answers[1]["t"] == 5.0


@pytest.mark.parametrize(("since", "ids"), [(None, [4]), (0, [1, 2, 3, 4]), (2, [3, 4])])
def test_a_watcher_may_ask_for_what_was_before(
    loop: Loop,
    engine: FakeEngine,
    connect: Connect,
    since: int | None,
    ids: list[int],
) -> None:
    for number in range(3):
        engine.log.emit(change(number), float(number))
    peer = connect()
    ask(loop, peer, {"id": 1, "do": "watch", **({} if since is None else {"since": since})})
    engine.log.emit(change(3), 3.0)
    loop.settle()
    peer.read()
    assert [event["id"] for event in peer.answers[1:]] == ids


def seen(number: int) -> PacketSeen:
    return PacketSeen(
        packet=number, point="arrived", side="inside", protocol="udp", source="192.168.20.100:5060",
        destination="203.0.113.9:5060", ttl=64, size=500,
    )  # fmt: skip


def test_packets_are_looked_at_while_somebody_wants_to_see_them(
    loop: Loop, engine: FakeEngine, connect: Connect
) -> None:
    """And only who wants to see them does."""
    plain, first, second = connect(), connect(), connect()
    ask(loop, plain, {"id": 1, "do": "watch"})
    assert engine.points.show is None
    for peer in (first, second):
        ask(loop, peer, {"id": 1, "do": "watch", "points": True})
    assert engine.points.show is not None
    engine.points.show(seen(7))
    loop.settle()
    for peer in (plain, first, second):
        peer.read()
    assert [answer["packet"] for answer in first.answers[1:]] == [7]
    assert len(plain.answers) == 1
    first.socket.close()
    loop.settle()
    assert engine.points.show is not None
    second.socket.close()
    loop.settle()
    assert engine.points.show is None


def test_points_are_wanted_or_not(loop: Loop, connect: Connect) -> None:
    (answer,) = ask(loop, connect(), {"id": 1, "do": "watch", "points": "all"})
    assert answer == {"id": 1, "ok": False, "error": '"points" is true or false'}


def test_a_watcher_may_still_ask(loop: Loop, engine: FakeEngine, connect: Connect) -> None:
    peer = connect()
    ask(loop, peer, {"id": 1, "do": "watch"})
    assert ask(loop, peer, {"id": 2, "do": "hello"})[0]["id"] == 2


def test_nobody_is_called_for_events_when_nobody_watches(
    loop: Loop, engine: FakeEngine, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = connect()
    ask(loop, peer, {"id": 1, "do": "watch"})
    peer.socket.close()
    loop.settle()
    monkeypatch.setattr(control, "encode", pytest.fail)
    engine.log.emit(change(1), 1.0)


@pytest.mark.slow
def test_a_watcher_that_does_not_read_is_dropped_and_counted(
    loop: Loop,
    engine: FakeEngine,
    connect: Connect,
) -> None:
    engine.settings.assign("memory.watcher", 65_536, "test")
    slow, quick = connect(), connect()
    for peer in (slow, quick):
        ask(loop, peer, {"id": 1, "do": "watch"})
    for number in range(20_000):
        engine.log.emit(change(number), float(number))
        if number % 100 == 0:
            loop.turn()
            quick.read()
    loop.settle()
    quick.read()
    assert loop.server.dropped_subscribers == 1
    assert len([answer for answer in quick.answers if "type" in answer]) == 20_000
    while slow.read():
        loop.settle()
    assert slow.answers[-1] == {"id": None, "ok": False, "error": "fell too far behind: dropped"}


def test_all_watchers_together_may_be_behind_only_so_far(
    loop: Loop, engine: FakeEngine, connect: Callable[[], Peer]
) -> None:
    """Who is furthest behind goes first; the most there ever was is shown with the counters."""
    engine.settings.assign("memory.watchers", 100_000, "test")
    slow = connect()
    ask(loop, slow, {"id": 1, "do": "watch"})
    for number in range(500):
        engine.log.emit(change(number), float(number))
    others = [connect() for _ in range(3)]
    for peer in others:
        ask(loop, peer, {"id": 1, "do": "watch"})
    while loop.server.dropped_subscribers == 0:
        engine.log.emit(change(0), 0.0)
    use = engine.kept["watchers"]()
    assert use.now <= use.limit == 100_000 < use.high_water < 101_000
    loop.settle()
    while slow.read():
        loop.settle()
    assert slow.answers[-1]["error"] == "fell too far behind: dropped"
    for peer in others:
        peer.read()
        assert "error" not in peer.answers[-1]


def test_refusals_of_the_engine_are_its_own_words() -> None:
    with pytest.raises(SettingError):
        FakeEngine().set("inside.device", "x", "test", 0.0)
