"""How each kind of thing goes away: what is gone already is fine, what is another's stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.namespaces.between import undo
from appliance.namespaces.between.record import Facts, Record, Trace, names
from appliance.wires import netns
from appliance.wires.netns import CommandError
from tests.appliance.namespaces.between.conftest import Commands
from tests.support.programs import running


def remove(trace: Trace) -> list[str]:
    """What was said."""
    said: list[str] = []
    undo.remove(trace, lambda command: said.append(" ".join(command)))
    return said


@pytest.fixture(autouse=True)
def machine(commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One namespace and two devices."""
    (tmp_path / "netns").mkdir()
    (tmp_path / "netns" / "glassnat-lab-in").touch()
    monkeypatch.setattr(netns, "NAMED", tmp_path / "netns")
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "gn-lab-in"), (2, "br-in")])


@pytest.mark.parametrize(
    ("trace", "command"),
    [
        (Trace("namespace", "glassnat-lab-in"), "ip netns delete glassnat-lab-in"),
        (Trace("port", "gn-lab-in"), "ip link delete gn-lab-in"),
    ],
)
def test_what_is_there_is_deleted_by_its_name_and_what_is_not_is_fine(
    commands: Commands, trace: Trace, command: str
) -> None:
    assert remove(trace) == [command]
    assert commands == [tuple(command.split())]
    assert remove(trace._replace(name="another")) == []
    assert len(commands) == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("00:00:00:00:00:00", ["ip link set br-in address 52:54:00:00:00:01"]),
        ("52:54:00:00:00:01", []),
        ("52:54:00:00:00:77", []),
    ],
)
def test_a_bridge_gets_its_address_back_when_it_has_none(
    commands: Commands, address: str, said: list[str]
) -> None:
    """Any other it has from a machine that is on it now."""
    commands.answers[("ip", "-json", "link")] = json.dumps([{"address": address}])
    assert remove(Trace("bridge", "br-in", "52:54:00:00:00:01")) == said


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ("[]", []),
        ("", []),
        ('[{"lladdr": "02:00:00:00:00:01"}]', ["ip neighbour delete 192.168.20.1 dev br-in"]),
        ('[{"lladdr": "02:00:00:00:00:77"}]', []),
        ('[{"state": ["FAILED"]}]', []),
    ],
)
def test_what_the_machine_remembers_of_an_address_goes_if_it_is_ours(
    commands: Commands, known: str, said: list[str]
) -> None:
    commands.answers[("ip", "-json", "neighbour")] = known
    assert remove(Trace("neighbour", "192.168.20.1", "br-in 02:00:00:00:00:01")) == said
    assert remove(Trace("neighbour", "192.168.20.1", "br-gone 02:00:00:00:00:01")) == []


def test_files_and_sockets_go(tmp_path: Path) -> None:
    for name in ("lab.toml", "lab.sock", "lab.ro.sock", "other.sock"):
        (tmp_path / name).touch()
    assert remove(Trace("file", str(tmp_path / "lab.toml"))) == [f"rm -f {tmp_path}/lab.toml"]
    assert remove(Trace("file", str(tmp_path / "lab.toml"))) == []
    remove(Trace("sockets", str(tmp_path / "lab.sock")))
    assert [path.name for path in tmp_path.glob("*.sock")] == ["other.sock"]
    with pytest.raises(CommandError, match="cannot be removed"):
        remove(Trace("file", str(tmp_path)))


def test_a_folder_goes_when_nothing_of_anybody_s_is_in_it(tmp_path: Path) -> None:
    trace = Trace("folder", str(tmp_path / "made"))
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "somebody's").touch()
    assert remove(trace) == []
    (tmp_path / "made" / "somebody's").unlink()
    assert remove(trace) == [f"rmdir {tmp_path}/made"]
    assert remove(trace) == []


SLEEPER = "import signal, time; {how}; print('ready', flush=True); time.sleep(60)"


def process(number: int) -> Trace:
    return Trace("process", str(number), undo._began(number))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "signals"),
    [("pass", ["TERM"]), ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", ["TERM", "KILL"])],
)
def test_a_process_is_asked_to_end_and_then_not_asked(
    monkeypatch: pytest.MonkeyPatch, how: str, signals: list[str]
) -> None:
    monkeypatch.setattr(undo, "PATIENCE", 0.5)
    with running("", sys.executable, "-c", SLEEPER.format(how=how), ready="ready") as sleeper:
        trace = process(sleeper.process.pid)
        assert undo.is_alive(trace)
        assert remove(trace) == [f"kill -{each} {trace.name}" for each in signals]
        assert not undo.is_alive(trace)
        sleeper.process.wait()
    assert remove(trace) == []


def test_a_process_that_only_has_its_number_is_left_alone() -> None:
    """The number of one that has ended is used again."""
    with running("", sys.executable, "-c", SLEEPER.format(how="pass"), ready="ready") as sleeper:
        another = process(sleeper.process.pid)._replace(detail="1")
        assert not undo.is_alive(another)
        assert remove(another) == []
        assert sleeper.process.poll() is None


def test_a_server_is_known_by_its_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the same name elsewhere is somebody else's; one that never began is fine."""
    trace = Trace("server", "python", "glassnat-lab-in")
    with running("", sys.executable, "-c", SLEEPER.format(how="pass"), ready="ready") as sleeper:
        number = sleeper.process.pid
        monkeypatch.setattr(undo, "_called", lambda process: {number: "python"}.get(process, ""))
        assert remove(trace) == []
        monkeypatch.setattr(netns, "path_of", lambda name: Path(f"/proc/{number}/ns/net"))
        assert remove(trace) == [f"kill -TERM {number}"]
        assert sleeper.process.wait() == -signal.SIGTERM
    assert remove(trace._replace(detail="another")) == []


def test_a_process_that_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "PATIENCE", 0.0)
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: None)
    with pytest.raises(CommandError, match="does not end"):
        remove(undo.own_process())


def test_this_process_is_itself() -> None:
    mine = undo.own_process()
    assert (mine.kind, mine.name) == ("process", str(os.getpid()))
    assert undo.is_alive(mine)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not undo.is_alive(Trace("process", str(ended.pid), "1"))


# --- all of it -----------------------------------------------------------------------------------

FACTS = Facts("lab", "br-in", "br-out", "lab.sock")


def nothing(command: object) -> None:
    """Says nothing."""


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was removed; what is called `stuck` cannot be."""
    names: list[str] = []

    def remove(trace: Trace, echo: undo.Echo) -> None:
        if trace.name == "stuck":
            raise CommandError("it is stuck")
        names.append(trace.name)

    monkeypatch.setattr(undo, "remove", remove)
    return names


@pytest.mark.usefixtures("folder")
def test_all_is_removed_the_last_first(removed: list[str]) -> None:
    record = Record.begin(FACTS)
    record.expect(Trace("thing", "one"))
    record.expect(Trace("thing", "two"), Trace("thing", "three"))
    assert undo.take_down(record, nothing) == []
    assert removed == ["three", "two", "one"]
    assert names() == []


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_removed_is_said_and_can_be_tried_again(removed: list[str]) -> None:
    record = Record.begin(FACTS)
    record.expect(Trace("thing", "one"), Trace("thing", "stuck"), Trace("thing", "two"))
    assert undo.take_down(record, nothing) == ["it is stuck"]
    assert removed == ["two", "one"]
    assert names() == ["lab"]
    again = Record.open("lab")
    assert again is not None
    assert len(again.traces()) == 3
    again.end()
