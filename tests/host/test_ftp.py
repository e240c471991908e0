"""Real files through the FTP ALG: curl fetches them from a server that fixes nothing, in active and
passive mode, with the server outside and with the server inside behind a forward.

Only what must fail without the ALG fails without it: active mode when the client is inside, passive
mode when the server is.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator

import pytest

from tests.support.lab import EXTERNAL, PHONE, SERVER, Appliance, Lab
from tests.support.programs import Program, running, try_in

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ethtool", "curl", "nc")]

CONTENT = os.urandom(100_000)
"""Of the file: enough for several dozen segments."""
ACTIVE, ACTIVE_EPRT = ("--ftp-port", "-", "--disable-eprt"), ("--ftp-port", "-")
PASSIVE = ("--disable-epsv", "--no-ftp-skip-pasv-ip")  # the address in the 227 counts
PASSIVE_EPSV = ()
FORWARD = f"""
[[nat.forward]]
protocol = "tcp"
external = "{EXTERNAL}:21"
internal = "{PHONE}:21"
[nat]
ports = "sequential"
"""
"""Ports are others outside than inside, so that every reply must be edited."""


class Files:
    """A server's folder, and one for what is fetched."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.served = lab.folder / "served"
        self.fetched = lab.folder / "fetched"
        self.served.mkdir()
        (self.served / "file").write_bytes(CONTENT)

    @contextlib.contextmanager
    def server(self, namespace: str, address: str, *options: str) -> Iterator[Program]:
        command = ("-m", "tests.host.ftpserver", address, str(self.served), *options)
        with running(namespace, sys.executable, *command, ready="ready") as program:
            yield program

    def arrives(self, namespace: str, address: str, mode: tuple[str, ...], patience: float) -> bool:
        """Does curl get the file, whole, in this mode, within so many seconds?"""
        self.fetched.unlink(missing_ok=True)
        url = f"ftp://{address}/file"
        options = ("--silent", "--max-time", str(patience), "--output", str(self.fetched))
        code = try_in(namespace, "curl", *options, *mode, url)
        is_whole = self.fetched.exists() and self.fetched.read_bytes() == CONTENT
        assert is_whole or code != 0, "curl takes a file for whole that is not"
        return code == 0

    def outwards(self, mode: tuple[str, ...], patience: float = 10) -> bool:
        """From a server outside."""
        return self.arrives(self.lab.phones, SERVER, mode, patience)

    def inwards(self, mode: tuple[str, ...], patience: float = 10) -> bool:
        """From the server behind the forward."""
        return self.arrives(self.lab.server, EXTERNAL, mode, patience)


@pytest.fixture
def files(lab: Lab) -> Files:
    return Files(lab)


@pytest.fixture
def outside_server(files: Files) -> Iterator[Files]:
    with files.server(files.lab.server, SERVER):
        yield files


def use(appliance: Appliance, module: str) -> None:
    """Connections that begin from now on have this module."""
    appliance.ask("set", "alg.ftp.module", module)


def test_active_mode_outwards_needs_the_alg(lab: Lab, outside_server: Files) -> None:
    """And one that adjusts the sequence numbers: 192,168,20,100 is longer than 203,0,113,1, and
    otherwise the server waits for the bytes in between for ever."""
    files = outside_server
    with lab.appliance() as appliance:
        assert files.outwards(PASSIVE)
        assert files.outwards(PASSIVE_EPSV)
        assert not files.outwards(ACTIVE)
        assert not files.outwards(ACTIVE_EPRT)
        use(appliance, "ftp")
        for mode in (PASSIVE, PASSIVE_EPSV, ACTIVE, ACTIVE_EPRT):
            assert files.outwards(mode), mode
        assert appliance.show("counters")["alg"]["ftp"]["errors"] == 0
        use(appliance, "ftp-poor:no-seqadj")
        assert not files.outwards(ACTIVE, patience=1)


def test_passive_mode_inwards_needs_the_alg(lab: Lab, files: Files) -> None:
    """And one that waits for the whole reply: this server sends its 227 in two segments."""
    server = files.server(lab.phones, PHONE, "--cut-replies")
    with lab.appliance(more=FORWARD) as appliance, server:
        assert files.inwards(ACTIVE)
        assert files.inwards(ACTIVE_EPRT)
        assert not files.inwards(PASSIVE, patience=1)
        assert not files.inwards(PASSIVE_EPSV, patience=1)
        use(appliance, "ftp")
        for mode in (ACTIVE, ACTIVE_EPRT, PASSIVE, PASSIVE_EPSV):
            assert files.inwards(mode), mode
        assert appliance.show("expectations") == []
        use(appliance, "ftp-poor:split-miss")
        assert not files.inwards(PASSIVE, patience=1)


WAITING = """
import ftplib, time
client = ftplib.FTP("%s")
client.login()
print(client.sendcmd("PASV"), flush=True)
time.sleep(60)
"""


def announced_port(lab: Lab, stack: contextlib.ExitStack) -> int:
    """Of a client outside that has asked for a port and waits with its connection."""
    command = (sys.executable, "-c", WAITING % EXTERNAL)
    client = stack.enter_context(running(lab.server, *command, ready=")"))
    high, low = re.findall(r"\d+", client.text)[-2:]
    return int(high) * 256 + int(low)


def test_only_the_client_may_use_what_was_announced_to_it(lab: Lab, files: Files) -> None:
    """Not `world`, which has another address, unless the fault lets it."""

    def stranger_reaches(port: int) -> bool:
        return try_in(lab.world, "nc", "-z", "-w", "1", EXTERNAL, str(port)) == 0

    with contextlib.ExitStack() as stack:
        appliance = stack.enter_context(lab.appliance("--set", "alg.ftp.module=ftp", more=FORWARD))
        stack.enter_context(files.server(lab.phones, PHONE))
        assert not stranger_reaches(announced_port(lab, stack))
        use(appliance, "ftp-poor:open-to-all")
        assert stranger_reaches(announced_port(lab, stack))
