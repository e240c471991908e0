"""News from a running appliance: the same frames, over its control socket."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.control import documents
from appliance.control.server import ControlServer
from appliance.engine import Engine
from appliance.journal.events import Event, PacketSeen, SettingChanged, Started
from appliance.sim.simulation import Simulation
from tests.tui.test_simulated import simulation
from tui.attached import STARTED_AGAIN, SocketFeed
from tui.feed import Feed, FeedError, Wanted
from tui.model import Model


@asynccontextmanager
async def appliance(folder: Path) -> AsyncIterator[tuple[Path, Simulation]]:
    """The real control server on an engine that a simulation has brought to three seconds."""
    ran = simulation({})
    ran.run_until(3.0)
    path = folder / "x.sock"
    server = ControlServer(ran.engine, path)
    selector = selectors.DefaultSelector()
    server.register(selector)

    async def serve() -> None:
        while True:
            for key, mask in selector.select(0):
                server.handle(key, mask, ran.now)
            await asyncio.sleep(0.001)

    task = asyncio.create_task(serve())
    try:
        yield path, ran
    finally:
        task.cancel()
        server.close()
        selector.close()


async def told(feed: Feed, wanted: type) -> Model:
    """A model that has folded frames until an event of this type came."""
    model = Model()
    async with asyncio.timeout(10):
        while not any(isinstance(event, wanted) for event in model.log):
            model.take(await feed.next_frame(0.25, running=True))
            await asyncio.sleep(0.005)
    return model


async def test_who_attaches_late_is_told_what_happened_before(tmp_path: Path) -> None:
    async with appliance(tmp_path) as (path, _):
        feed = SocketFeed(str(path))
        model = await told(feed, Started)
        assert model.started is not None
        assert [row.internal for row in model.translations.rows()] == ["192.168.20.100:5060"]
        assert model.settings["alg.sip.module"] == "off"
        await feed.close()


async def test_a_knob_turned_over_the_socket_acts_on_the_appliance(tmp_path: Path) -> None:
    async with appliance(tmp_path) as (path, ran):
        feed = SocketFeed(str(path))
        await told(feed, Started)
        await feed.set("alg.sip.module", "sip")
        await told(feed, SettingChanged)
        assert ran.engine.settings["alg.sip.module"] == "sip"
        assert await feed.flush() == 1
        with pytest.raises(FeedError, match="soon"):
            await feed.set("nat.timeouts.udp", "soon")
        await feed.close()


async def test_settings_are_asked_for_only_when_one_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are many, and the appliance tells of each change anyway."""
    asked: list[str] = []
    show = documents.show

    def counted(engine: Engine, what: str, now: float) -> object:
        asked.append(what)
        return show(engine, what, now)

    monkeypatch.setattr(documents, "show", counted)
    monkeypatch.setattr("tui.attached._RESTS", 0)  # it is asked for every frame
    async with appliance(tmp_path) as (path, _):
        feed = SocketFeed(str(path))
        await told(feed, Started)
        for _frame in range(3):
            assert (await feed.next_frame(0.25, running=True)).settings is not None
        assert asked.count("flows") > 3
        assert asked.count("settings") == 1
        await feed.set("alg.sip.module", "sip")
        model = await told(feed, SettingChanged)
        model.take(await feed.next_frame(0.25, running=True))
        assert model.settings["alg.sip.module"] == "sip"
        assert asked.count("settings") == 2
        await feed.close()


async def test_read_only_turns_nothing(tmp_path: Path) -> None:
    async with appliance(tmp_path) as (path, ran):
        feed = SocketFeed(str(path), read_only=True)
        await told(feed, Started)
        with pytest.raises(FeedError, match="read-only"):
            await feed.set("alg.sip.module", "sip")
        with pytest.raises(FeedError, match="read-only"):
            await feed.flush()
        assert ran.engine.settings["alg.sip.module"] == "off"
        await feed.close()


async def lost(feed: SocketFeed) -> None:
    """Until the feed has noticed that the appliance has ended."""
    async with asyncio.timeout(10):
        while not feed.lost:
            await feed.next_frame(0.25, running=True)
            await asyncio.sleep(0.005)


async def test_an_appliance_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    feed = SocketFeed(str(tmp_path / "nobody.sock"))
    await feed.next_frame(0.25, running=True)
    assert feed.lost


async def test_an_appliance_that_ends_is_said_in_words(tmp_path: Path) -> None:
    async with appliance(tmp_path) as (path, _):
        feed = SocketFeed(str(path))
        await told(feed, Started)
    await lost(feed)
    await feed.close()


async def test_with_the_appliance_its_clock_stops_and_every_key_is_answered_alike(
    tmp_path: Path,
) -> None:
    """What stands on the screen is how things were when the connection ended."""
    async with appliance(tmp_path) as (path, _):
        feed = SocketFeed(str(path))
        await told(feed, Started)
    await lost(feed)
    assert feed.lost == "the appliance has ended"
    ended = (await feed.next_frame(0.25, running=True)).now
    for _try in range(3):
        with pytest.raises(FeedError, match=r"^the appliance has ended$"):
            await feed.flush()
        with pytest.raises(FeedError, match=r"^the appliance has ended$"):
            await feed.set("nat.hairpin", False)
    await asyncio.sleep(0.02)
    assert (await feed.next_frame(0.25, running=True)).now == ended
    await feed.close()


async def test_an_appliance_that_is_started_again_is_joined_again_and_told_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.attached.AGAIN", 0.01)
    feed = SocketFeed(str(tmp_path / "x.sock"))
    async with appliance(tmp_path):
        await told(feed, Started)
    await lost(feed)
    monkeypatch.setattr("appliance.control.server.os.getpid", lambda: -1)  # another process
    async with appliance(tmp_path):
        anew: list[str] = []
        events: list[Event] = []
        async with asyncio.timeout(10):
            while not events:
                frame = await feed.next_frame(0.25, running=True)
                anew += [frame.anew] if frame.anew else []
                events += frame.events
                await asyncio.sleep(0.005)
        assert (anew, feed.lost) == ([STARTED_AGAIN], "")
        assert isinstance(events[0], Started)
        await feed.set("alg.sip.module", "sip")
        await feed.close()


async def test_of_the_call_that_is_looked_at_more_is_told_at_once(tmp_path: Path) -> None:
    async with appliance(tmp_path) as (path, _):
        feed = SocketFeed(str(path))
        model = await told(feed, Started)
        call = model.current_call()
        assert call is not None
        feed.wanted = Wanted(call.call)
        model.take(await feed.next_frame(0.25, running=True))
        assert model.calls.counted.call == call.call
        await feed.close()


async def test_packets_are_looked_at_while_somebody_wants_to_see_them(tmp_path: Path) -> None:
    async with appliance(tmp_path) as (path, ran):
        feed = SocketFeed(str(path))
        await told(feed, Started)
        feed.wanted = Wanted(points=True)
        seen: list[PacketSeen] = []
        async with asyncio.timeout(10):
            while not seen:
                seen += (await feed.next_frame(0.25, running=True)).points
                ran.run_until(ran.now + 0.1)
                await asyncio.sleep(0.005)
        assert [each.point for each in seen[:4]] == [
            "arrived", "translated-in", "translated-out", "left",
        ]  # fmt: skip
        feed.wanted = Wanted()
        async with asyncio.timeout(10):
            while ran.engine.datapath._tap is not None:
                await feed.next_frame(0.25, running=True)
                await asyncio.sleep(0.005)
        await feed.close()
