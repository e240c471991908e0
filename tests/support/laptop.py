"""A laptop with two bridges, and machines on them: what `glassnat up` is started on in tests.

    phone ─┐                                          ┌─ server
    192.168.20.100 ─ br-in ─ glassnat up ─ br-out ─ 203.0.113.9

All of it stands in namespaces: one for the laptop itself, so that nothing is ever done to the
bridges, routes or firewall of the machine that runs the tests, and one for each machine.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from itertools import count
from typing import Any

from appliance.wires import netns
from tests.support.lab import GLASSNAT
from tests.support.programs import ROOT, Program, run_in, until

INSIDE, OUTSIDE = "br-in", "br-out"
GATEWAY, EXTERNAL = "192.168.20.1", "203.0.113.1"
PHONE, SERVER = "192.168.20.100", "203.0.113.9"
_numbers = count(1)


class Laptop:
    """The laptop with one machine on each bridge, unless `machines` says otherwise."""

    def __init__(self, make: Callable[[str], str], machines: bool = True) -> None:
        self._make = make
        self.name = f"t{os.getpid()}-{next(_numbers)}"
        self.netns = make("laptop")
        # Its IPv6 addresses would come to be while a test compares what there was before and after.
        run_in("", *self.here("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"))
        for bridge in (INSIDE, OUTSIDE):
            self.ip("link", "add", bridge, "type", "bridge")
            self.ip("link", "set", bridge, "up")
        if machines:
            self.phone = self.machine(INSIDE, f"{PHONE}/24", GATEWAY)
            self.server = self.machine(OUTSIDE, f"{SERVER}/24")
            self.settle()

    def settle(self) -> None:
        """The kernel finds out by and by that a bridge is up."""
        until(self._has_settled)

    def _has_settled(self) -> bool:
        links = json.loads(self.ip("-json", "link", "show", "up"))
        return all(each["operstate"] == "UP" for each in links if each["link_type"] == "ether")

    def ip(self, *words: str) -> str:
        """`ip` on the laptop."""
        return netns.run(["ip", "-n", self.netns, *words])

    def machine(self, bridge: str, address: str, gateway: str = "") -> str:
        """A namespace that stands for a virtual machine: its card `eth0` is on the bridge."""
        name = self._make("machine")
        self.plug(name, bridge, address, "eth0")
        if gateway:
            netns.run(["ip", "-n", name, "route", "add", "default", "via", gateway])
        return name

    def plug(self, machine: str, bridge: str, address: str, card: str) -> None:
        """A network card for a machine, on a bridge."""
        port = f"vnet{next(_numbers)}"
        self.ip("link", "add", port, "type", "veth", "peer", "name", card, "netns", machine)
        self.ip("link", "set", port, "master", bridge, "up")
        netns.run(["ip", "-n", machine, "address", "add", address, "dev", card])
        netns.run(["ip", "-n", machine, "link", "set", card, "up"])

    def here(self, *command: str) -> tuple[str, ...]:
        """A command as it is to be started on the laptop. (`ip netns exec` would hide namespaces
        that are made meanwhile from everybody else.)"""
        return ("nsenter", f"--net={netns.path_of(self.netns)}", *command)

    def glassnat(self, *words: str) -> tuple[str, ...]:
        return self.here(*GLASSNAT, *words)

    def up_words(self, *words: str, name: str = "") -> tuple[str, ...]:
        return ("up", name or self.name, "--inside", INSIDE, "--outside", OUTSIDE, *words)

    def up(self, *words: str, name: str = "") -> str:
        """Answers what it said."""
        return self.run(*self.up_words(*words, name=name))

    def down(self, name: str = "") -> str:
        return self.run("down", name or self.name)

    def run(self, *words: str, code: int = 0) -> str:
        """`glassnat WORDS` on the laptop: both streams, if the exit code is this one."""
        done = self.start(*words)
        try:
            answer = done.finish()
        finally:
            done.stop()
        assert answer == code, f"{words}: exit code {answer}\n{done.text}"
        assert "Traceback" not in done.text, done.text
        return done.text

    def start(self, *words: str) -> Program:
        return Program("", self.glassnat(*words))

    def status(self) -> dict[str, dict[str, Any]]:
        """By name."""
        printed = subprocess.run(
            self.glassnat("status", "--json"), cwd=ROOT, capture_output=True, check=True
        )
        return {row["name"]: row for row in json.loads(printed.stdout)}

    def state(self) -> dict[str, str]:
        """All that must be the same before and after."""
        looks = {name: run_in("", *self.here(*command)) for name, command in LOOKS.items()}
        kept = (line for line in looks["sysctl"].splitlines() if not line.startswith(COUNTERS))
        return {**looks, "sysctl": "\n".join(kept), "namespaces": "".join(self.namespaces())}

    def namespaces(self) -> list[str]:
        """Those with this test's name in theirs."""
        return sorted(each.name for each in netns.NAMED.iterdir() if self.name in each.name)


LOOKS = {
    "links": ("ip", "link"),
    "addresses": ("ip", "address"),
    "routes": ("ip", "route", "show", "table", "all"),
    "rules": ("ip", "rule"),
    "neighbours": ("ip", "neighbour"),
    "firewall": ("nft", "list", "ruleset"),
    "sysctl": ("sysctl", "-a"),
}
COUNTERS = (
    "fs.dentry-state", "fs.file-nr", "fs.inode-", "fs.aio-nr", "kernel.ns_last_pid",
    "kernel.random.", "kernel.pty.nr", "net.netfilter.nf_conntrack_count",
)  # fmt: skip
"""What the kernel counts or draws, of the whole machine."""
