"""A live capture: packets go to the writer, or are counted; nobody waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.control.frames import LENGTH, Frame, decode
from appliance.control.listener import read_only_listener
from appliance.control.paths import read_only_path
from appliance.control.server import ControlServer
from appliance.journal.events import CaptureEnded, CaptureStarted
from tests.appliance.control.test_server import Loop, Peer
from tests.support.packets import A, R, udp
from tests.support.world import World

OUT = udp(f"{A}:4000", f"{R}:5000", b"x" * 1000)


class Room:
    """A world that has a control socket; `ask` answers as the one request's connection is told."""

    def __init__(self, folder: Path) -> None:
        self.world = World()
        self.path = folder / "lab.sock"
        second = read_only_listener(self.path, "owner")
        self.server = ControlServer(self.world.engine, self.path, second)
        self.loop = Loop(self.server)
        self.peers: list[Peer] = []

    def peer(self, path: Path | None = None) -> Peer:
        self.peers.append(Peer(path or self.path))
        return self.peers[-1]

    def ask(self, peer: Peer, **request: object) -> dict[str, object]:
        before = len(peer.received)
        peer.say({"id": 1, "do": "capture", **request})
        self.loop.settle()
        peer.read()
        line = peer.received[before:].partition(b"\n")[0]
        answer: dict[str, object] = json.loads(line)
        return answer

    def status(self) -> dict[str, object]:
        result = self.ask(self.peer())["result"]
        assert isinstance(result, dict)
        return result

    def writer(self) -> Peer:
        """A client that has asked for all packets."""
        peer = self.peer()
        assert self.ask(peer, file="call.pcapng") == {
            "id": 1, "ok": True, "result": {"capturing": "call.pcapng"},
        }  # fmt: skip
        peer.received = b""
        return peer

    def frames(self, writer: Peer) -> list[Frame | None]:
        """What has come since the last look; None is the last one."""
        idle = 0
        while idle < 2:  # (when it has read, there may be room for more)
            idle = 0 if self.loop.turn() else idle + 1
            writer.read()
        found: list[Frame | None] = []
        while writer.received:
            size = int.from_bytes(writer.received[:LENGTH], "big")
            body = writer.received[LENGTH : LENGTH + size]
            assert len(body) == size
            writer.received = writer.received[LENGTH + size :]
            found.append(decode(body) if body else None)
        return found


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.server.close()
    room.loop.selector.close()
    for peer in room.peers:
        peer.socket.close()


@pytest.mark.slow
def test_every_packet_goes_to_the_writer_as_it_came_and_as_it_left(room: Room) -> None:
    writer = room.writer()
    left = room.world.pass_out(OUT)
    assert left is not None
    came, went = room.frames(writer)
    assert came is not None
    assert went is not None
    assert (came.data, went.data) == (OUT, left.data)
    assert (came.side, came.has_left, went.side, went.has_left) == (0, False, 1, True)
    assert came.number == went.number
    assert room.status()["packets"] == 2


def test_nobody_pays_before_it_begins_and_after_it_has_ended(room: Room) -> None:
    room.world.pass_out(OUT)
    writer = room.writer()
    room.world.pass_out(OUT)
    writer.socket.close()
    room.loop.settle()
    assert room.world.engine.datapath._tap is None
    assert (room.status()["file"], room.status()["packets"]) == (None, 2)


@pytest.mark.slow
def test_there_is_one_at_a_time(room: Room) -> None:
    room.writer()
    answer = room.ask(room.peer(), file="other.pcapng")
    assert answer["ok"] is False
    assert "call.pcapng is being written; end it with: glassnat capture stop" in str(answer)


@pytest.mark.slow
def test_a_writer_that_is_too_slow_misses_packets_and_hears_how_many(room: Room) -> None:
    writer = room.writer()
    room.world.set("memory.capture", 65_536)
    for _ in range(100):
        room.world.pass_out(OUT)
    status = room.status()
    assert int(str(status["lost"])) + int(str(status["packets"])) == 200
    assert int(str(status["lost"])) > 0
    room.frames(writer)
    room.world.pass_out(OUT)
    first = room.frames(writer)[0]
    assert first is not None
    assert first.lost == (int(str(status["lost"])) // 2,) * 2
    use = room.world.engine.kept["capture"]()
    assert use.now == 0
    assert 0 < use.high_water < use.limit + 4096


@pytest.mark.slow
def test_to_stop_is_to_wait_until_the_file_is_whole(room: Room) -> None:
    writer, stopper = room.writer(), room.peer()
    room.world.pass_out(OUT)
    stopper.say({"id": 7, "do": "capture", "stop": True})
    room.loop.settle()
    room.world.pass_out(OUT)
    assert room.frames(writer)[2:] == [None]
    stopper.read()
    assert stopper.received == b""
    writer.say({"do": "capture", "ended": ""})
    room.loop.settle()
    stopper.read()
    (answer,) = stopper.answers
    assert (answer["id"], answer["result"]["file"]) == (7, "call.pcapng")
    told = [event for event in room.world.events if isinstance(event, CaptureEnded)]
    assert [(event.why, event.packets) for event in told] == [("", 2)]


@pytest.mark.slow
def test_who_stops_and_goes_away_is_not_answered(room: Room) -> None:
    writer, stopper = room.writer(), room.peer()
    stopper.say({"id": 7, "do": "capture", "stop": True})
    room.loop.settle()
    stopper.socket.close()
    room.loop.settle()
    writer.say({"do": "capture", "ended": ""})
    room.loop.settle()
    assert room.status()["file"] is None


def _says_why(writer: Peer) -> None:
    writer.say({"do": "capture", "ended": "No space left on device"})
    writer.socket.close()


def _is_killed(writer: Peer) -> None:
    writer.socket.close()


def _is_killed_while_it_speaks(writer: Peer) -> None:
    writer.socket.send(b'{"do": "capt')
    writer.socket.close()


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (_says_why, "No space left on device"),
        (_is_killed, "its writer has gone away"),
        (_is_killed_while_it_speaks, "its writer has gone away"),
    ],
)
@pytest.mark.parametrize("is_behind", [False, True])
def test_why_it_ended_is_an_event(
    room: Room, ends: Callable[[Peer], None], why: str, is_behind: bool
) -> None:
    """Also when the writer had not taken all that was for it, and so was not listened to."""
    writer = room.writer()
    for _ in range(2000 if is_behind else 1):
        room.world.pass_out(OUT)
        room.loop.turn()
    ends(writer)
    room.loop.settle()
    begun, ended = [
        event for event in room.world.events if isinstance(event, CaptureStarted | CaptureEnded)
    ]
    assert begun.file == ended.file == "call.pcapng"
    assert isinstance(ended, CaptureEnded)
    assert ended.why == why


@pytest.mark.slow
def test_a_writer_is_no_watcher_and_is_not_dropped_as_one(room: Room) -> None:
    writer = room.writer()
    room.world.set("memory.watchers", 65_536)
    watcher = room.peer()
    watcher.say({"id": 1, "do": "watch"})
    room.loop.settle()
    for _ in range(200):
        room.world.pass_out(OUT)
    assert len(room.frames(writer)) == 400


@pytest.mark.slow
def test_what_the_writer_has_yet_to_take_is_sent_when_the_appliance_ends(room: Room) -> None:
    writer = room.writer()
    for _ in range(5):
        room.world.pass_out(OUT)
    room.server.close()
    assert len(room.frames(writer)) == 10


def test_who_may_only_look_hears_how_it_is_and_begins_none(room: Room) -> None:
    looker = room.peer(read_only_path(room.path))
    assert room.ask(looker)["ok"] is True
    for request in ({"file": "x"}, {"stop": True}, {"ended": ""}):
        answer = room.ask(room.peer(read_only_path(room.path)), **request)
        assert "only answers questions" in str(answer["error"])


@pytest.mark.parametrize("file", ["", 7, "x" * 5000])
def test_a_file_has_a_name(room: Room, file: object) -> None:
    assert room.ask(room.peer(), file=file)["ok"] is False


def test_to_stop_where_there_is_none_is_a_no(room: Room) -> None:
    assert "there is no capture" in str(room.ask(room.peer(), stop=True)["error"])
