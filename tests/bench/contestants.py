"""Who takes part: each puts something that forwards between a client's and a server's namespace.

All stand at the same time, each with namespaces of its own, and wait for their turn; one that is
not installed or does not work here stands out with a sentence.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.wires import netns
from appliance.wires.netns import CommandError
from tests.support.programs import run_in, running, until

CLIENT = "192.168.20.100"
SERVER = "203.0.113.9"


@dataclass(frozen=True, slots=True)
class Road:
    """A way from a client to a server that somebody forwards on."""

    name: str
    title: str
    client: str
    server: str


class Unable(Exception):
    """This contestant cannot take part here. The text says why."""


def _namespaces(name: str, *roles: str) -> contextlib.ExitStack:
    undo = contextlib.ExitStack()
    for role in roles:
        namespace = _namespace(name, role)
        undo.callback(netns.delete, namespace)
        netns.add(namespace)
    return undo


def _namespace(name: str, role: str) -> str:
    return f"bench-{os.getpid()}-{name}-{role}"


def _wires(name: str) -> tuple[dict[str, object], dict[str, object]]:
    inside: dict[str, object] = {
        "device": "gn-in", "netns": _namespace(name, "client"),
        "address": f"{CLIENT}/24", "routes": ["0.0.0.0/0"],
    }  # fmt: skip
    outside: dict[str, object] = {
        "device": "gn-out", "netns": _namespace(name, "server"), "address": f"{SERVER}/24",
    }  # fmt: skip
    return inside, outside


@contextlib.contextmanager
def bare() -> Iterator[Road]:
    inside, outside = _wires("bare")
    outside["routes"] = ["192.168.20.0/24"]
    with _namespaces("bare", "client", "server"):
        ends = (json.dumps(inside), json.dumps(outside))
        command = [sys.executable, "-m", "tests.bench.bare", *ends]
        with running("", *command, ready="ready"):
            yield Road("bare", "bare Python copy loop", str(inside["netns"]), str(outside["netns"]))


CONFIGURATION = """
name = "bench-{pid}"
[inside]
device = "gn-in"
netns = "{client}"
address = "192.168.20.100/24"
routes = ["0.0.0.0/0"]
[outside]
device = "gn-out"
netns = "{server}"
address = "203.0.113.9/24"
external = ["203.0.113.1", "203.0.113.2"]
[alg.sip]
module = "sip"
"""
PROGRAM = (sys.executable, "-m", "appliance.cli")


@dataclass(frozen=True, slots=True)
class Appliance:
    """The one that is ours, running: what it forwards on, and how to ask it."""

    road: Road
    control: str
    process: int

    def ask(self, *words: str) -> str:
        return run_in("", *PROGRAM, *words, "--control", self.control)

    def processor_time(self) -> float:
        """Seconds that it has used so far."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def appliance(name: str, sets: Sequence[str] = ()) -> Iterator[Appliance]:
    """With counters, control socket, a watching client, and an ALG on another port."""
    client, server = _namespace(name, "client"), _namespace(name, "server")
    with _namespaces(name, "client", "server"), TemporaryDirectory() as folder:
        file, control = Path(folder, "bench.toml"), str(Path(folder, "control.sock"))
        file.write_text(CONFIGURATION.format(pid=os.getpid(), client=client, server=server))
        run = [*PROGRAM, "run", "--config", str(file), "--control", control]
        for setting in sets:
            run += ["--set", setting]
        watch = [*PROGRAM, "watch", "--json", "--control", control]
        with running("", *run, ready="ready") as program, running("", *watch):
            road = Road("glassnat", "glassnat", client, server)
            yield Appliance(road, control, program.process.pid)


@contextlib.contextmanager
def glassnat() -> Iterator[Road]:
    with appliance("glassnat") as here:
        yield here.road


def _join(name: str, device: str, address: str, other: str, other_device: str) -> None:
    """A veth from `name` to `other`; its far end stays without an address."""
    netns.run(["ip", "-n", name, "link", "add", device, "type", "veth",
               "peer", "name", other_device, "netns", other])  # fmt: skip
    netns.run(["ip", "-n", name, "address", "add", address, "dev", device])
    netns.run(["ip", "-n", name, "link", "set", device, "up"])
    netns.run(["ip", "-n", other, "link", "set", other_device, "up"])


@contextlib.contextmanager
def kernel() -> Iterator[Road]:
    """nftables masquerade in a namespace between two veth pairs, everything offloaded."""
    client, router, server = (_namespace("kernel", role) for role in ("client", "router", "server"))
    with _namespaces("kernel", "client", "router", "server"):
        _join(client, "eth0", f"{CLIENT}/24", router, "inside")
        _join(server, "eth0", f"{SERVER}/24", router, "outside")
        netns.run(["ip", "-n", router, "address", "add", "192.168.20.1/24", "dev", "inside"])
        netns.run(["ip", "-n", router, "address", "add", "203.0.113.1/24", "dev", "outside"])
        netns.run(["ip", "-n", client, "route", "add", "default", "via", "192.168.20.1"])
        for rule in (
            "add table ip nat",
            "add chain ip nat out { type nat hook postrouting priority srcnat; }",
            'add rule ip nat out oifname "outside" masquerade',
        ):
            netns.run(netns.within(router, ["nft", rule]))
        netns.run(netns.within(router, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]))
        yield Road("kernel", "kernel masquerade over veth", client, server)


def slirp4netns(mtu: int) -> Callable[[], contextlib.AbstractContextManager[Road]]:
    @contextlib.contextmanager
    def take_part() -> Iterator[Road]:
        name = f"slirp{mtu}"
        client, server = _namespace(name, "client"), _namespace(name, "server")
        with _own_stack(name, "slirp4netns"):
            command = ["slirp4netns", "--configure", f"--mtu={mtu}", "--disable-dns",
                       "--netns-type=path", str(netns.path_of(client)), "tap0"]  # fmt: skip
            with running(server, *command, ready="sent tapfd"):
                _wait_for_route(client)
                yield Road(name, f"slirp4netns, MTU {mtu}", client, server)

    return take_part


@contextlib.contextmanager
def pasta() -> Iterator[Road]:
    client, server = _namespace("pasta", "client"), _namespace("pasta", "server")
    with _own_stack("pasta", "pasta"):
        command = ["pasta", "--foreground", "--runas", "0", "--config-net", "--ipv4-only",
                   "--address", CLIENT, "--netmask", "24", "--gateway", "192.168.20.1",
                   "--interface", "eth0", "-t", "none", "-u", "none", "-T", "none", "-U", "none",
                   "--netns-only", "--netns", str(netns.path_of(client))]  # fmt: skip
        with running(server, *command):
            _wait_for_route(client)
            yield Road("pasta", "pasta, MTU 65520", client, server)


@contextlib.contextmanager
def _own_stack(name: str, program: str) -> Iterator[None]:
    """Namespaces for one that ends connections in sockets of its own, in the server's namespace."""
    if shutil.which(program) is None:
        raise Unable(f"{program} is not installed")
    with _namespaces(name, "client", "server", "beyond"):
        server = _namespace(name, "server")
        _join(server, "eth0", f"{SERVER}/24", _namespace(name, "beyond"), "eth0")
        netns.run(["ip", "-n", server, "route", "add", "default", "via", "203.0.113.1"])
        yield


def _wait_for_route(namespace: str) -> None:
    until(lambda: "default" in netns.run(["ip", "-n", namespace, "route"]), timeout=5)


CONTESTANTS: dict[str, Callable[[], contextlib.AbstractContextManager[Road]]] = {
    "bare": bare,
    "glassnat": glassnat,
    "kernel": kernel,
    "slirp65520": slirp4netns(65520),
    "slirp1500": slirp4netns(1500),
    "pasta": pasta,
}


def enter(stack: contextlib.ExitStack, name: str) -> Road:
    """Let a contestant stand until `stack` unwinds. Raises Unable."""
    try:
        return stack.enter_context(CONTESTANTS[name]())
    except (AssertionError, CommandError, OSError) as error:
        raise Unable(str(error).strip().splitlines()[-1]) from None
