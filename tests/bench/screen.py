"""Figures of the screen: how soon it is there, how soon it answers, and what it costs.

python -m tests.bench.screen [paint] [menu] [attached] [replay]

All of it under a pty. The screen is attached to an appliance with 1,000 flows and 50 calls that
somebody is in.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.contestants import CLIENT, SERVER, Appliance, appliance
from tests.bench.figure import Figure
from tests.bench.measures import tcp_out
from tests.bench.sip import SCENARIOS
from tests.bench.terminal import Terminal, glassnat
from tests.support.lab import GLASSNAT
from tests.support.programs import Program, run_in, running, until

FLOWS, CALLS = 1_000, 50
RECORDED = 50_000
ROUNDS = 5
SECONDS = 2.0
WATCHED = 10.0
"""Seconds for which the screen's share of a processor is taken."""
PICKER = "a NAT you can see through"
STORY, READY = "alice: hang up", "ALG [off]"
"""What stands on the screen once a story can be read (who will do what), and once it can be
played."""
VIEWS = {"4": "4 Events", "3": "3 Before", "5": "5 Guide"}
"""Keys, and what stands on the screen after them and not before."""
ALL_KNOWN = "runs again from T+0"
"""What the menu says once it knows every outcome."""


def figures() -> list[Figure]:
    """All of them; takes about a minute and a half."""
    return [each for part in PARTS.values() for each in part()]


def paint() -> list[Figure]:
    """From the command to the first picture, which for a story is one that it can be read in: the
    best of some starts, since whatever else the machine does can only make it later."""
    return [
        Figure("start to first paint, picker", "s", _best_paint(PICKER), 0.7, 0.4, False),
        Figure(
            "start to first paint, story", "s", _best_paint(STORY, "sim", "one-way-audio"), 0.7,
            0.4, False,
        ),
    ]  # fmt: skip


def _best_paint(words: str, *command: str) -> float:
    took = []
    for _ in range(ROUNDS):
        with glassnat(*command) as terminal:
            took.append(terminal.wait_for(words) - terminal.began)
    return min(took)


def menu() -> list[Figure]:
    """From the key to the outcomes of a story with a minute of audio, each played to its end."""
    with glassnat("sim", "one-way-audio") as terminal:
        terminal.wait_for(READY)
        terminal.rest(3.0)  # somebody reads first
        pressed = terminal.press("a")
        first = terminal.wait_for("ONE-WAY") - pressed
        everything = terminal.wait_for(ALL_KNOWN) - pressed
    return [
        Figure("first outcome in the ALG menu", "s", first, 0.5, 0.25, False),
        Figure("all outcomes in the ALG menu", "s", everything, 8, 4, False),
    ]


def attached() -> list[Figure]:
    """What a screen costs that looks at a busy appliance."""
    with _busy() as here:
        with _screen(here) as screen:
            share = _share(screen)
            latency = _latency(screen)
        lost = _lost(here)
    return [
        Figure(f"screen attached, {FLOWS:,} flows, {CALLS} calls", "% of a core", share, 20, 10,
               False),
        Figure("key press to changed screen", "ms", latency, 100, 50, False),
        Figure("throughput lost with a screen attached, TCP bulk", "%", lost, 3, 0, False),
    ]  # fmt: skip


def _share(screen: Terminal) -> float:
    before, began = screen.processor_time(), time.monotonic()
    screen.rest(WATCHED)
    return 100 * (screen.processor_time() - before) / (time.monotonic() - began)


def _latency(screen: Terminal) -> float:
    """Milliseconds, the median over the keys that open a view."""
    took = []
    for _ in range(ROUNDS):
        for key, words in VIEWS.items():
            pressed = screen.press(key)
            took.append(screen.wait_for(words) - pressed)
            screen.rest(0.3)
    return statistics.median(took) * 1000


def _lost(here: Appliance) -> float:
    """Percent of the throughput, in interleaved rounds: what else the machine does hits both."""
    alone, beside = [], []
    for _ in range(ROUNDS):
        alone.append(tcp_out(here.road, SECONDS))
        with _screen(here) as screen, _read(screen):
            beside.append(tcp_out(here.road, SECONDS))
    return 100 * (1 - statistics.median(beside) / statistics.median(alone))


@contextlib.contextmanager
def _read(screen: Terminal) -> Iterator[None]:
    """Somebody reads what the screen writes, while others work."""
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            screen.rest(0.05)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        is_over.set()
        reader.join()


@contextlib.contextmanager
def _screen(here: Appliance) -> Iterator[Terminal]:
    with glassnat("attach", "--control", here.control) as screen:
        screen.wait_for("LIVE")
        screen.rest(2.0)
        yield screen


# --- an appliance with much to show --------------------------------------------------------------


@contextlib.contextmanager
def _busy() -> Iterator[Appliance]:
    with appliance("screen") as here, _calls(here):
        run_in(
            here.road.client, sys.executable, "-m", "tests.bench.raw", str(FLOWS), str(FLOWS), "1"
        )
        yield here


@contextlib.contextmanager
def _calls(here: Appliance) -> Iterator[None]:
    """Calls that are answered, and that nobody ends."""
    call = (SCENARIOS / "load-call.xml").read_text()
    until_answered, bye, rest = call.rpartition("<send")
    options = ("-s", "bob", "-p", "5060", "-nostdin", "-m", str(CALLS))
    with TemporaryDirectory() as folder:
        file = Path(folder, "call.xml")
        file.write_text(f'{until_answered}<pause milliseconds="600000"/>{bye}{rest}')
        answer = ["sipp", *options, "-sf", str(SCENARIOS / "load-answer.xml"), "-i", SERVER]
        with running(here.road.server, *answer):
            until(lambda: ":5060" in run_in(here.road.server, "ss", "-unlH"))
            many = ("-r", str(CALLS), "-l", str(CALLS))
            caller = ["sipp", *options, *many, "-sf", str(file), "-i", CLIENT, f"{SERVER}:5060"]
            calling = Program(here.road.client, caller, folder=Path(folder))
            try:
                until(lambda: here.ask("show", "calls", "--json").count('"answered"') >= CALLS)
                yield
            finally:
                calling.stop()


# --- a long recording -----------------------------------------------------------------------------


def replay() -> list[Figure]:
    """From the command to a picture of a recording, which has been read whole by then."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "long.jsonl"
        _record(path)
        took = _best_paint("REC ", "replay", str(path))
    title = f"a recording of {RECORDED:,} events, until it is on the screen"
    return [Figure(title, "s", took, 2, 1, False)]


def _record(path: Path) -> None:
    """A story's events again and again, each time a minute later."""
    run_in("", *GLASSNAT, "sim", "one-way-audio", "--record", str(path))
    begin, *rest = [json.loads(line) for line in path.read_text().splitlines()]
    with path.open("w") as file:
        for number in range(RECORDED):
            minutes, at = divmod(number, 1 + len(rest))
            event = rest[at - 1] if at else begin
            before = minutes * (1 + len(rest))
            cause = event.get("cause")
            told = {"id": event["id"] + before, "t": event["t"] + 60 * minutes}
            told |= {"cause": cause + before} if cause else {}
            file.write(json.dumps({**event, **told}) + "\n")


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "paint": paint, "menu": menu, "attached": attached, "replay": replay,
}  # fmt: skip

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        for figure in PARTS[part]():
            print(figure.line(), flush=True)
