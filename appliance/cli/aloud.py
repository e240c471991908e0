"""`glassnat watch --plain`: all that the screen shows, in sentences, for who cannot see it and for
logs.

First how things stand, then every event. When a call is over, what was counted of its audio is told
as well; packets that nobody means anything by are counted, and told together once a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from appliance.control.client import Client
from appliance.journal.events import CallState, Event
from appliance.journal.noise import noise
from appliance.journal.plain import clean
from appliance.journal.sentences import Teller
from appliance.settings.duration import duration_text
from appliance.settings.hints import counted

BETWEEN_COUNTS = 60.0
"""Seconds between two sentences about noise."""
OVER = ("ended", "failed", "busy", "cancelled", "unanswered")
_SIGNALLING = "signalling"


def standing(client: Client) -> Iterator[str]:
    """How things stand: what is set, and each flow, expectation and call."""
    settings = {key: entry["value"] for key, entry in client.ask("show", what="settings").items()}
    name = client.ask("hello")["name"]
    modules = [
        f"the ALG of {key.split('.')[1]} is {value}"
        for key, value in settings.items()
        if fnmatchcase(key, "alg.*.module")
    ]
    yield clean(f"{name}: {', '.join(modules)}", 1000)
    yield (
        f"a UDP flow ends after {duration_text(settings['nat.timeouts.udp'])} of silence, after "
        f"{duration_text(settings['nat.timeouts.udp_unanswered'])} when nothing came back; "
        f"mapping is {settings['nat.mapping']}, filtering {settings['nat.filtering']}"
    )
    for what, sentence in (("flows", _flow), ("expectations", _expectation), ("calls", _call)):
        rows = client.ask("show", what=what)
        yield f"{counted(len(rows), what.removesuffix('s'))} now"
        for row in rows:
            yield clean(sentence(row), 1000)


def _flow(row: Mapping[str, Any]) -> str:
    return (
        f"flow {row['id']}: {row['internal']} talks to {row['remote']} as {row['external']} "
        f"({row['protocol']}, opened by {row['opened_by']}, {row['state']}): "
        f"{row['packets_out']} out, {row['packets_in']} in, ends in {row['expires_in']:.0f} s"
    )


def _expectation(row: Mapping[str, Any]) -> str:
    return (
        f"{row['remote'] or 'anyone'} may send to {row['external']}, which is {row['internal']}, "
        f"for {row['expires_in']:.0f} s ({row['reason']})"
    )


def _call(row: Mapping[str, Any]) -> str:
    ends = " to ".join(dict.fromkeys((row["caller"], row["callee"])))
    inferred = f"; inferred: {row['inferred']}" if row["inferred"] else ""
    return f"{row['kind']} {ends}: {row['state']} since {row['since']:.1f} s{inferred}"


class Aloud:
    """Tells event after event. `client` is asked what was counted of a call that is over."""

    def __init__(self, client: Client, teller: Teller) -> None:
        self._client = client
        self._teller = teller
        self._noise: dict[str, int] = {}
        self._next_count = 0.0

    def tell(self, event: Event) -> Iterator[str]:
        """The sentences for one event."""
        if kind := noise(event):
            self._noise[kind] = self._noise.get(kind, 0) + int(getattr(event, "count", 1))
        if self._noise and event.t >= self._next_count:
            self._next_count = event.t + BETWEEN_COUNTS
            yield from self._teller.timed(event.t, [self._counted_noise()])
        if kind:
            return
        yield from self._teller.tell(event)
        if isinstance(event, CallState) and event.kind == "call" and event.state in OVER:
            yield from self._teller.timed(event.t, list(self._counted_audio(event)))

    def _counted_noise(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self._noise.items())
        self._noise.clear()
        return f"dropped, and meant by nobody: {kinds}"

    def _counted_audio(self, event: CallState) -> Iterator[str]:
        document = self._client.ask("show", what="call", call=event.call) or {"flows": ()}
        for flow in document["flows"]:
            if flow["carries"] != _SIGNALLING:
                yield clean(
                    f"{flow['carries']} of {event.caller} and {event.callee}: "
                    f"{flow['packets_out']} packets out, {flow['packets_in']} back "
                    f"({flow['internal']} to {flow['remote']})",
                    1000,
                )
