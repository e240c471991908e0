"""Started by root, the appliance goes on as somebody who may do next to nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.control.client import Client, ClientError
from appliance.control.paths import read_only_path
from appliance.settings.table import SETTINGS
from appliance.wires.privileges import Account, nobody
from tests.support.lab import SERVER, Appliance, Lab
from tests.support.programs import Program, run_in, until

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ping")]

TEACHER = Account(4242, 4200)
"""Who called sudo; no user of that number need exist."""
ASSISTANT = Account(4343, TEACHER.gid)
STUDENT = Account(4444, 4400)


@pytest.fixture
def lab(lab: Lab) -> Iterator[Lab]:
    """Its sockets, and a file of the test, are where other users can get at."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        lab.folder = Path(folder)
        lab.control = lab.folder / "run" / "lab.sock"
        lab.control.parent.mkdir()
        yield lab


@pytest.fixture
def by_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(TEACHER.uid))
    monkeypatch.setenv("SUDO_GID", str(TEACHER.gid))


@contextlib.contextmanager
def being(who: Account) -> Iterator[None]:
    """Open files and sockets as another user."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(who.gid)
    os.seteuid(who.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def facts(process: int) -> dict[str, list[str]]:
    """What the kernel says of a process, by the first word of each line."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}


def assert_harmless(process: int, who: Account) -> None:
    status = facts(process)
    assert {*map(int, status["Uid"])} == {who.uid}
    assert {*map(int, status["Gid"])} == {who.gid}
    assert status["Groups"] == []
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities][0], 16) == 0
    assert status["NoNewPrivs"] == ["1"]


def children(process: int) -> list[int]:
    return [int(each) for each in run_in("", "ps", "-o", "pid=", "--ppid", str(process)).split()]


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize("who", [nobody(), TEACHER], ids=["root", "sudo"])
def test_while_packets_flow_it_is_an_ordinary_user_without_any_right(
    lab: Lab, request: pytest.FixtureRequest, who: Account
) -> None:
    """Through sudo the caller, as plain root `nobody`; and there is no way back."""
    if who == TEACHER:
        request.getfixturevalue("by_sudo")
    with lab.appliance() as appliance:
        run_in(lab.phones, "ping", "-c", "1", SERVER)
        assert_harmless(appliance.program.process.pid, who)
        run_in(lab.phones, "ping", "-c", "1", SERVER)


@pytest.mark.usefixtures("by_sudo")
@pytest.mark.parametrize(
    ("mode", "who", "may"),
    [
        ("owner", TEACHER, "change"),
        ("owner", ASSISTANT, "look"),
        ("owner", STUDENT, ""),
        ("group", TEACHER, "change"),
        ("group", ASSISTANT, "change"),
        ("group", STUDENT, "look"),
    ],
)
def test_whoever_may_look_may_not_set(lab: Lab, mode: str, who: Account, may: str) -> None:
    with lab.appliance("--control-mode", mode), being(who):
        allowed = ""
        with contextlib.suppress(ClientError), Client(read_only_path(lab.control)) as client:
            assert client.ask("show", what="flows") == []
            allowed = "look"
            with pytest.raises(ClientError, match="only answers questions"):
                client.ask("set", key="nat.hairpin", value=False)
        with contextlib.suppress(ClientError), Client(lab.control) as client:
            client.ask("set", key="nat.hairpin", value=False)
            allowed = "change"
    assert allowed == may


@pytest.mark.parametrize("by", ["root", "sudo"])
def test_no_setting_reads_a_file_of_roots(
    lab: Lab, request: pytest.FixtureRequest, by: str
) -> None:
    if by == "sudo":
        request.getfixturevalue("by_sudo")
    secret = lab.folder / "secret.py"
    secret.write_text('raise Exception("the-secret-of-root")\n')
    secret.chmod(0o600)
    said = []
    with lab.appliance(), Client(lab.control) as client:
        for key in SETTINGS:
            said += [_answer(client, key, each) for each in (str(secret), f"{secret}:Alg")]
        said.append(json.dumps(client.ask("show", what="settings")))
        run_in(lab.phones, "ping", "-c", "1", SERVER)
    assert not [each for each in said if "the-secret" in each]
    assert [each for each in said if "Permission denied" in each]


def _answer(client: Client, key: str, value: object) -> str:
    try:
        return str(client.ask("set", key=key, value=value))
    except ClientError as error:
        return str(error)


def test_the_recording_is_opened_before_and_goes_on(lab: Lab) -> None:
    """Also where only root may write; another file cannot be named later."""
    folder = lab.folder / "private"
    folder.mkdir(mode=0o700)
    recording = folder / "events.jsonl"
    with lab.appliance("--set", f"record.file={recording}") as appliance:
        run_in(lab.phones, "ping", "-c", "1", SERVER)
        with pytest.raises(AssertionError, match=r"record\.file: cannot change while"):
            appliance.ask("set", "record.file", str(lab.folder / "other.jsonl"))
    kinds = {json.loads(line)["type"] for line in recording.read_text().splitlines()}
    assert {"started", "flow-opened"} <= kinds


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_the_sockets_go_with_it_though_their_folder_is_roots(lab: Lab, end: str) -> None:
    """Who removes them has no capability either, no wire, and ends with the appliance."""
    with lab.appliance() as appliance:
        assert sorted(each.name for each in lab.control.parent.iterdir()) == [
            "lab.ro.sock",
            "lab.sock",
        ]
        others = children(appliance.program.process.pid)
        (sweeper,) = [each for each in others if b"workers" not in command_line(each)]
        assert int(facts(sweeper)["CapEff"][0], 16) == 0
        assert len([*Path(f"/proc/{sweeper}/fd").iterdir()]) == 1
        getattr(appliance.program.process, end)()
        appliance.program.finish(timeout=10)
        until(lambda: not any(Path(f"/proc/{each}").exists() for each in others))
    assert [*lab.control.parent.iterdir()] == []


def test_what_is_asked_for_later_needs_no_file_that_it_cannot_read(lab: Lab) -> None:
    """The program itself may be installed where only root can read."""
    private = lab.folder / "private"
    private.mkdir(mode=0o700)
    for name in ("appliance", "alg", "nat"):
        shutil.copytree(Path(__file__).parents[2] / name, private / name)
    lab.write_configuration()
    program = [
        sys.executable, "-c",
        f"import sys; sys.path.insert(0, {str(private)!r}); "
        "from appliance.cli import main; main()",
    ]  # fmt: skip
    with _running(lab, program) as appliance:
        for what in ("flows", "mappings", "expectations", "counters", "settings", "rfc"):
            appliance.show(what)
        for spec in ("sip", "sip-poor:no-sdp", "off"):
            appliance.ask("set", "alg.sip.module", spec)
        appliance.ask("set", "alg.ftp.module", "ftp")


@contextlib.contextmanager
def _running(lab: Lab, program: list[str]) -> Iterator[Appliance]:
    running = Program(
        "",
        [*program, "run", "--config", str(lab.folder / "lab.toml"), "--control", str(lab.control)],
        folder=Path("/"),
    )
    try:
        running.wait_for("ready")
        yield Appliance(lab, running)
    finally:
        assert running.stop() == 0, running.text


def test_it_still_ends_with_its_screen() -> None:
    """The kernel forgets whose death is to end a process when that becomes another user."""
    code = (
        "import ctypes\n"
        "from appliance.wires.privileges import give_up, nobody\n"
        "libc, signal = ctypes.CDLL(None), ctypes.c_int()\n"
        "libc.prctl(1, 15)\n"
        "assert give_up(nobody())\n"
        "libc.prctl(2, ctypes.byref(signal))\n"
        "print(signal.value)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "15\n"
