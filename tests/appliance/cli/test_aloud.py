"""`watch --plain`: what the screen shows, told to who cannot see it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from appliance.cli.aloud import Aloud, standing
from appliance.journal.events import CallState
from appliance.journal.sentences import Teller
from tests.appliance.cli.served import Appliance
from tests.appliance.journal.test_noise import dropped
from tests.tui.stories import AUDIO, SETTINGS, flow, invite
from tests.tui.test_calls import WHY, document, row
from tests.tui.test_model import told
from tui.draw.lines import plain
from tui.draw.strip import Clock, strip
from tui.look import Look
from tui.model import Frame
from tui.views.calls import CallsView
from tui.views.nat import NatView

HOLE = {
    "protocol": "udp", "external": "203.0.113.1:4000", "internal": "192.168.20.100:4000",
    "remote": None, "parent": "call", "reason": "Audio of the call.", "expires_in": 180.0,
}  # fmt: skip


class Answers:
    """An appliance that says what it is told to."""

    documents: dict[str, Any] = {  # noqa: RUF012
        "settings": {key: {"value": value} for key, value in SETTINGS.items()},
        "flows": [flow(), AUDIO],
        "expectations": [HOLE],
        "calls": [row(inferred=WHY)],
        "call": document(),
    }

    def ask(self, do: str, **arguments: object) -> Any:
        return self.documents[str(arguments["what"])] if do == "show" else {"name": "lab"}


def test_every_word_of_strip_table_and_list_is_told() -> None:
    """But for their columns: endpoints, modules, states, counts and what is inferred."""
    look = Look(told(), "nat", is_live=True)
    documents = Answers.documents
    frame = Frame(
        20.0, (), documents["flows"], documents["expectations"], SETTINGS, documents["calls"]
    )
    look.model.take(frame)
    pages = [view(look).page(200, 40) for view in (NatView, CallsView)]
    seen = plain([strip(look.model, Clock(True, False, False, 1.0), 200)])
    seen += [text for page in pages for text in plain(page.body)]
    said = "\n".join(standing(Answers()))  # type: ignore[arg-type]
    for word in ("off", "203.0.113.9:5060", "203.0.113.9:10000", "192.168.20.100:4000", "answered",
                 "alice", "bob", "498", "0 back in 8 s", "anyone", "inferred"):  # fmt: skip
        assert any(word in text for text in seen), word
        assert word in said, word


def test_of_a_call_that_is_over_its_counted_audio_is_told() -> None:
    aloud = Aloud(Answers(), Teller())  # type: ignore[arg-type]
    over = CallState(t=20.0, call="x", kind="call", state="ended", caller="alice", callee="bob")
    assert list(aloud.tell(over)) == [
        "   20.000  call from alice to bob: ended",
        "   20.000  audio of alice and bob: 440 packets out, 0 back "
        "(192.168.20.100:4000 to 203.0.113.9:10000)",
    ]


def test_noise_is_told_together_once_a_minute() -> None:
    aloud = Aloud(Answers(), Teller())  # type: ignore[arg-type]
    lines = []
    for t in range(130):
        event = dropped("not-ipv4", "0.0.0.0")
        event.t = float(t)
        lines += list(aloud.tell(event))
    assert lines == [
        "    0.000  dropped, and meant by nobody: 1 IPv6",
        "   60.000  dropped, and meant by nobody: 60 IPv6",
        "  120.000  dropped, and meant by nobody: 60 IPv6",
    ]
    assert len(list(aloud.tell(invite()))) > 1


def test_it_begins_with_how_things_stand(
    glassnat: Callable[..., Any], appliance: Appliance
) -> None:
    threading.Timer(0.2, lambda: setattr(appliance, "stopping", True)).start()
    lines = glassnat("watch", "--plain").out.splitlines()
    assert lines[0].startswith("lab: the ALG of sip is off")
    assert "192.168.20.100:5060 talks to" in lines[3]
