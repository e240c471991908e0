"""What really goes to the terminal, seen from the other end of a pty.

The screen is opened on a story whose every text is hostile, all views are looked at, and the bytes
that came out are searched: no escape sequence of the network's may be among them.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
from appliance.journal.events import SilenceInferred
from tests.tui.stories import FakeFeed, flow, message, started, state
from tests.tui.test_points import way
from tui.app import GlassnatApp
from tui.faults import FaultRow
from tui.widgets.alg_menu import Choices

EVIL = (
    "\\x1b]52;c;b3duZWQ=\\x07\\x1b]0;owned\\x07\\x1b[8mHIDDEN\\x1b[5m\\x9b8m\\x90q\\x9c"
    "[@click=app.quit]x[/]\\u202e\\u2066\\u200d"
)
CODED = (EVIL + "\\u0301\\u05d0").encode().decode("latin-1") + "\\x9b8m\\x90q"

class Still(FakeFeed):
    async def next_frame(self, elapsed, running):
        return await super().next_frame(0.0, running)

begun = started()
begun.scenario = EVIL
begun.parties = {"192.168.20.100": EVIL}
evil = message(
    "INVITE " + CODED + "\\r\\n" + CODED + "\\r\\nX: " + "A" * 60_000, "INVITE " + EVIL, "out"
)
evil.note = EVIL
call = state("answered", 1.0, 7)
call.caller = call.callee = call.call = EVIL
silent = SilenceInferred(
    call=EVIL, sentence=EVIL, party=EVIL, media=EVIL, packets_out=1, packets_in=0, seconds=8.0
)
feed = Still([begun, evil, call, silent])
feed.points = way(1)
feed.points[0].source = feed.points[0].protocol = EVIL
feed.flows = [flow(remote=EVIL + ":5060")]
feed.settings["alg.sip.module"] = EVIL
choices = Choices("sip", EVIL, "sip-poor", [FaultRow(EVIL, EVIL, EVIL)])
GlassnatApp(feed, [choices], refresh=0.05).run()
"""

FOREIGN = re.compile(
    "\x1b\\](?:52|0;owned)|\x1b\\[[58]m|[\x80-\x9f\u0301\u05d0\u200d\u202e\u2066]|(?:WQ=|owned)\x07"
)


def screen_bytes(keys: list[bytes], patience: float = 60.0) -> bytes:
    """Everything that the program wrote. Each key is sent when the screen has come to rest."""
    parent, child = pty.openpty()
    environment = os.environ | {
        "TERM": "xterm-256color",
        "COLUMNS": "120",
        "LINES": "36",
        "PYTHONPATH": str(ROOT),
    }
    program = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdin=child,
        stdout=child,
        stderr=child,
        env=environment,
        cwd=ROOT,
        start_new_session=True,
    )
    os.close(child)
    written, waiting, deadline = b"", list(keys), time.monotonic() + patience
    while time.monotonic() < deadline:
        if select.select([parent], [], [], 0.1 if b"HIDDEN" in written else 5.0)[0]:
            try:
                written += os.read(parent, 65536)
            except OSError:  # Linux says EIO when the other end has been closed
                break
        elif waiting:
            os.write(parent, waiting.pop(0))
        else:
            break
    program.terminate()
    program.wait(10)
    os.close(parent)
    return written


@pytest.mark.slow
def test_no_escape_sequence_of_the_network_reaches_the_terminal() -> None:
    written = screen_bytes([b"7", b"6", b"4", b"3", b"2", b"1", b"a", b"\x1b", b"?", b"\x1b", b"q"])
    assert written.count("␛]52;c;b3duZWQ=␇".encode()) > 3, "the hostile text has been on the screen"
    assert b"[@click=app.quit]" in written
    assert FOREIGN.findall(written.decode(errors="replace")) == []
