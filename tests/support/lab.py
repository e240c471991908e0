"""The network that the host tests stand in, and the real appliance in the middle of it.

    phones ─ gn-in ─ glassnat ─ gn-out ─ world ─ veth ─ server
    192.168.20.100    203.0.113.1    203.0.113.254    198.51.100.9

`world` is an ordinary router. The veth computes no checksums for anybody, at neither end: between
local sockets a wrong one would never be seen, and a capture on it shows packets as they are.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from appliance.control.client import Client
from appliance.wires import netns
from tests.support.programs import Program, run_in

PHONE = "192.168.20.100"
EXTERNAL = "203.0.113.1"
WORLD = "203.0.113.254"
SERVER = "198.51.100.9"
GLASSNAT = (sys.executable, "-m", "appliance.cli")
_numbers = count(1)


@contextlib.contextmanager
def namespaces() -> Iterator[Callable[[str], str]]:
    """Makes a namespace for a role and answers its name: `make("phones")`. All are deleted at the
    end, by name, whatever happened."""
    made: list[str] = []

    def make(role: str) -> str:
        made.append(f"gn-{os.getpid()}-{next(_numbers)}-{role}")
        netns.add(made[-1])
        return made[-1]

    try:
        yield make
    finally:
        for name in made:
            netns.delete(name)


class Lab:
    """Three namespaces. `folder` is for files of this test."""

    def __init__(self, make: Callable[[str], str], folder: Path) -> None:
        self.folder = folder
        self.name = f"test-{os.getpid()}-{next(_numbers)}"
        self.control = folder / "control.sock"
        self.phones, self.world, self.server = (
            make(role) for role in ("phones", "world", "server")
        )
        self._join_world_and_server()

    def _join_world_and_server(self) -> None:
        netns.run(["ip", "-n", self.world, "link", "add", "to-server", "type", "veth",
                   "peer", "name", "to-world", "netns", self.server])  # fmt: skip
        for name, device, address in (
            (self.world, "to-server", "198.51.100.1/24"),
            (self.server, "to-world", f"{SERVER}/24"),
        ):
            netns.run(["ip", "-n", name, "address", "add", address, "dev", device])
            netns.run(["ip", "-n", name, "link", "set", device, "up"])
            run_in(name, "ethtool", "-K", device, "tx", "off")
        netns.run(["ip", "-n", self.server, "route", "add", "default", "via", "198.51.100.1"])
        run_in(self.world, "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def write_configuration(self, more: str = "") -> Path:
        """The sample configuration, for these namespaces. `more` is TOML that follows."""
        path = self.folder / "lab.toml"
        path.write_text(f"""
name = "{self.name}"
[inside]
device = "gn-in"
netns = "{self.phones}"
address = "{PHONE}/24"
routes = ["0.0.0.0/0"]
[outside]
device = "gn-out"
netns = "{self.world}"
address = "{WORLD}/24"
external = ["{EXTERNAL}"]
{more}
""")
        return path

    @contextlib.contextmanager
    def appliance(self, *options: str, more: str = "", offload: bool = True) -> Iterator[Appliance]:
        """The real thing, from "ready" on."""
        environment = {"GLASSNAT_NO_OFFLOAD": "" if offload else "1"}
        command = [
            *GLASSNAT, "run", "--config", str(self.write_configuration(more)),
            "--control", str(self.control), *options,
        ]  # fmt: skip
        program = Program("", command, environment)
        try:
            program.wait_for("ready")
            yield Appliance(self, program)
        finally:
            code = program.stop()
            assert "Traceback" not in program.text, program.text
            assert code in (0, 3, 130, -9), f"exit code {code}: {program.text}"


class Appliance:
    """A running appliance, asked as a user asks."""

    def __init__(self, lab: Lab, program: Program) -> None:
        self.lab = lab
        self.program = program

    def command(self, *words: str) -> tuple[str, ...]:
        """`glassnat WORDS` to this appliance."""
        return (*GLASSNAT, *words, "--control", str(self.lab.control))

    def ask(self, *words: str) -> str:
        """What `glassnat WORDS` prints about this appliance."""
        return run_in("", *self.command(*words))

    def show(self, what: str) -> Any:
        """What `glassnat show WHAT --json` prints, asked without starting another program."""
        with Client(self.lab.control) as client:
            return client.ask("show", what=what)

    def drops(self, side: str) -> dict[str, int]:
        counted: dict[str, int] = self.show("counters")["drops"][side]
        return counted


@contextlib.contextmanager
def capture(namespace: str, device: str, file: Path) -> Iterator[Path]:
    """What passes a device, as pcap, complete when the `with` is over."""
    command = [
        "tcpdump",
        "--immediate-mode",
        "-i",
        device,
        "-U",
        "-Z",
        "root",
        "-B",
        "16384",
        "-w",
        str(file),
    ]
    program = Program(namespace, command)
    try:
        program.wait_for("listening on")
        yield file
    finally:
        program.stop()


CHECKED = [
    word for protocol in ("ip", "udp", "tcp") for word in ("-o", f"{protocol}.check_checksum:TRUE")
]


def tshark(file: Path, display_filter: str, *fields: str) -> list[list[str]]:
    """The packets of a capture that fit, each as its fields; checksums are verified."""
    columns = [word for field in ("frame.number", *fields) for word in ("-e", field)]
    printed = run_in(
        "",
        "tshark",
        "-n",
        "-r",
        str(file),
        *CHECKED,
        "-Y",
        display_filter,
        "-T",
        "fields",
        *columns,
    )
    return [line.split("\t")[1:] for line in printed.splitlines()]


def verified(file: Path) -> int:
    """How many TCP and UDP packets of a capture have a checksum that tshark finds right; none may
    be wrong.

    The kernel writes a TCP checksum of 0 as its twin 0xFFFF, which is as right, but tshark does not
    think so.
    """
    wrong = "ip.checksum.status == 0 or udp.checksum.status == 0 or tcp.checksum.status == 0"
    assert tshark(file, f"({wrong}) and not tcp.checksum == 0xffff") == []
    return len(tshark(file, "udp.checksum.status == 1 or tcp.checksum.status == 1"))
