"""Somebody's own program in a party's place: SIPp, baresip, or whatever else is on the machine.

A program makes no reports. What it does is inferred from what the other end says, and from the
appliance's counters: who called whom, that it talks, how much it said (what the other end heard)
and how much it can have heard (what the NAT let through to it).
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from appliance.parties.party import Report, What
from appliance.parties.rtp import Stream
from appliance.parties.traits import Traits
from appliance.wires import netns
from nat.endpoint import Endpoint, address_text

PATIENCE = 5.0
"""Seconds that a program has to end by itself."""
LAST_LINES = 5
LONGEST_WORDS = 2_000  # bytes

Flows = Callable[[], Sequence[Mapping[str, Any]]]
"""`show flows --json` of the running appliance."""


class Program:
    """The command of the party `name`, in the namespace of its side. What it says goes to `log`."""

    def __init__(self, name: str, traits: Traits, command: str, namespace: str, log: Path) -> None:
        self.name = name
        self._address = address_text(traits.own_address)
        self._log = log
        self._has_called: set[str] = set()
        self._talks_to: dict[str, tuple[Stream, Stream]] = {}
        with log.open("wb") as said:
            self._process = subprocess.Popen(
                netns.within(namespace, ("sh", "-c", f"exec {command}")),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def wait(self) -> int:
        """Until it has ended by itself; answers its exit code."""
        return self._process.wait(PATIENCE)

    def failure(self) -> list[str]:
        """What to tell when it has ended by itself and all was not well: how, and its last words.
        Nobody has waited for it yet."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        ended = os.waitid(os.P_PID, self._process.pid, options)
        if ended is None or ended.si_status == 0:
            return []
        how = "exit code" if ended.si_code == os.CLD_EXITED else "signal"
        with self._log.open("rb") as said:
            said.seek(max(self._log.stat().st_size - LONGEST_WORDS, 0))
            words = said.read(LONGEST_WORDS).decode(errors="replace").splitlines()
        last = [f"  {line}" for line in words if line.strip()][-LAST_LINES:]
        return [f"the program of {self.name} has ended, {how} {ended.si_status}:", *last]

    def stop(self) -> None:
        """End it, and what it has started, also what goes on when it has ended: a phone that signs
        off, and waits for an answer."""
        if self._process.returncode is not None:
            return
        ended = os.pidfd_open(self._process.pid)
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            select.select([ended], [], [], PATIENCE)
        finally:
            os.close(ended)
        os.killpg(self._process.pid, signal.SIGKILL)  # nobody waited: the number is still theirs
        self._process.wait()

    def before(self, report: Report) -> Iterator[Report]:
        """What must have happened before what somebody else reports of a call with it."""
        if report.peer == self.name and report.what is What.CALL_REACHED:
            self._has_called.add(report.who)
            yield Report(What.CALL_TRIED, self.name, report.who)

    def after(self, report: Report) -> Iterator[Report]:
        """What follows from what somebody else reports of a call with it."""
        if report.peer != self.name:
            return
        if report.what is What.CALL_ANSWERED:
            yield Report(What.CALL_REACHED, self.name, report.who)
        elif report.what is What.TALKING and report.stream is not None:
            own = Stream(Endpoint(0, 0), report.stream.local, Random(self.name))
            self._talks_to[report.who] = (report.stream, own)
            if report.who in self._has_called:  # only who has called says that it was answered
                yield Report(What.CALL_ANSWERED, self.name, report.who)
                self._has_called.remove(report.who)
            yield Report(What.TALKING, self.name, report.who, "", own)

    def count(self, flows: Flows) -> None:
        """Look how much it has said and can have heard by now."""
        talking = [*self._talks_to.values()]
        if not talking:
            return
        found = flows()
        for other, own in talking:
            own.sent = max(own.sent, other.heard)
            own.heard = max(own.heard, self._let_through(found, str(other.local)))

    def _let_through(self, flows: Sequence[Mapping[str, Any]], other: str) -> int:
        """Packets of the other end's audio that the NAT has handed on to this host."""
        count = 0
        for flow in flows:
            if flow["remote"] == other and _host(flow["internal"]) == self._address:
                count += int(flow["packets_in"])
            elif flow["internal"] == other and _host(flow["remote"]) == self._address:
                count += int(flow["packets_out"])
        return count


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0]
