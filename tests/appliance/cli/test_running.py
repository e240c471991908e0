"""Commands that talk to an appliance that runs: a real engine and a real control socket."""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alg.registry import SpecError
from appliance.cli import running
from appliance.control import paths
from appliance.control.server import ControlServer
from appliance.engine import Engine
from appliance.journal.events import Started
from appliance.journal.log import EventLog
from appliance.settings import files as config
from nat.endpoint import Side
from nat.packet import Packet

Run = Callable[..., Any]


class Appliance(threading.Thread):
    """An engine and its control socket, served until told to stop."""

    def __init__(self, path: Path, engine: Engine) -> None:
        super().__init__(daemon=True)
        self.engine = engine
        self.stopping = False
        self.server = ControlServer(engine, path)  # type: ignore[arg-type]

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            self.server.register(selector)
            while not self.stopping:
                for key, mask in selector.select(0.01):
                    key.data.handle(key, mask, 10.0)
            self.server.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path / "root")
    monkeypatch.setenv("SUDO_USER", "alice")
    return tmp_path / "glassnat"


@pytest.fixture
def appliance(folder: Path, udp_packet: Packet) -> Iterator[Appliance]:
    engine = Engine(config.defaults(), "lab", "appliance", EventLog(0.0))
    engine.log.emit(Started(wall=0.0, name="lab", mode="appliance"), 0.0)
    assert engine.handle(udp_packet, Side.INSIDE, 5.0)
    appliance = Appliance(folder / "lab.sock", engine)
    appliance.start()
    yield appliance
    appliance.stopping = True
    appliance.join()


@pytest.mark.usefixtures("appliance")
def test_flows_are_a_table_or_json(glassnat: Run) -> None:
    (flow,) = json.loads(glassnat("show", "flows", "--json").out)
    assert flow["internal"] == "192.168.20.100:5060"
    assert flow["state"] == "unanswered"
    assert flow["expires_in"] == pytest.approx(115.0)
    heading, row = glassnat("show", "flows", "--name", "lab").out.splitlines()
    assert heading.split()[:3] == ["ID", "PROTO", "INTERNAL"]
    assert "203.0.113.9:5060" in row
    assert "1m55s" in row


@pytest.mark.usefixtures("appliance")
@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--protocol", "udp"], 1),
        (["--protocol", "tcp"], 0),
        (["--internal", "192.168.20.0/24", "--remote", ":5060"], 1),
        (["--internal", "192.168.20.100", "--state", "answered"], 0),
        (["--external", "203.0.113.1:5060", "--state", "unanswered"], 1),
    ],
)
def test_flows_are_filtered_where_they_are_kept(
    glassnat: Run, filters: list[str], count: int
) -> None:
    assert len(json.loads(glassnat("show", "flows", *filters, "--json").out)) == count
    assert len(glassnat("show", "flows", *filters).out.splitlines()) == (count + 1 if count else 0)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["flows", "--protocol", "upd"], '--protocol: "upd" is not known; one of: icmp, tcp, udp'),
        (["mappings", "--state", "answered"], 'show mappings has no filter "state"'),
        (["flows", "--internal", "alice"], '--internal: "alice" is none of'),
        (["flows", "--profile", "linux"], "are for show rfc"),
        (["rfc", "--profile", "simetric"], 'did you mean "symmetric"'),
    ],
)
def test_a_wrong_filter_needs_no_appliance_to_be_wrong(
    glassnat: Run, arguments: list[str], said: str
) -> None:
    answer = glassnat("show", *arguments)
    assert answer.code == 2
    assert said in answer.err


def test_requirements_are_met_or_not_and_why(glassnat: Run, appliance: Appliance) -> None:
    appliance.engine.set("nat.hairpin", False, "test", 5.0)
    rows = {row["id"]: row for row in json.loads(glassnat("show", "rfc", "--json").out)}
    assert rows["RFC4787-REQ-9"]["met"] is False
    assert set(rows["RFC4787-REQ-9"]) >= {"id", "level", "title", "met", "why", "test"}
    answer = glassnat("show", "rfc")
    lines = answer.out.splitlines()
    (line,) = [each for each in lines if each.startswith("✗ RFC4787-REQ-9 ")]
    assert "nat.hairpin is off" in lines[lines.index(line) + 1]
    assert f"of {len(rows)} are met" in answer.err


@pytest.mark.usefixtures("folder")
def test_requirements_of_a_profile_or_a_file_need_no_appliance(glassnat: Run, file: str) -> None:
    def met(*arguments: str) -> dict[str, bool]:
        rows = json.loads(glassnat("show", "rfc", *arguments, "--json").out)
        return {row["id"]: row["met"] for row in rows}

    assert met("--config", file)["RFC4787-REQ-1"]
    assert not met("--profile", "symmetric")["RFC4787-REQ-1"]


@pytest.mark.usefixtures("appliance")
@pytest.mark.parametrize("what", ["mappings", "expectations", "calls", "counters", "settings"])
def test_everything_can_be_shown_both_ways(glassnat: Run, what: str) -> None:
    assert json.loads(glassnat("show", what, "--json").out) is not None
    text = glassnat("show", what)
    assert text.code == 0
    assert text.out or text.err == f"no {what}\n"


@pytest.mark.usefixtures("appliance")
def test_settings_say_where_they_are_from(glassnat: Run) -> None:
    out = glassnat("show", "settings").out
    (line,) = [line for line in out.splitlines() if line.startswith("nat.timeouts.udp =")]
    assert line.split() == ["nat.timeouts.udp", "=", '"5m"', "#", "default"]


def test_set_acts_at_once_and_is_signed(glassnat: Run, appliance: Appliance) -> None:
    answer = glassnat("set", "nat.timeouts.udp_unanswered", "30s")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith('nat.timeouts.udp_unanswered is "30s" now\n')
    (flow,) = json.loads(glassnat("show", "flows", "--json").out)
    assert flow["expires_in"] == pytest.approx(25.0)
    assert list(appliance.engine.log.since(0))[-1].who == "alice"  # type: ignore[attr-defined]


def test_set_answers_json_when_asked(glassnat: Run, appliance: Appliance) -> None:
    answer = glassnat("set", "alg.sip.module", "sip", "--json")
    assert json.loads(answer.out) == {"key": "alg.sip.module", "value": "sip"}


@pytest.mark.usefixtures("appliance")
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("nat.timeouts.udp", "soon", "nat.timeouts.udp: "),
        ("nat.timeout.udp", "5s", 'did you mean "nat.timeouts.udp'),
        ("inside.device", "x", "inside.device: cannot change while"),
        ("alg.sip.module", "sip-poor:no-spd", "no-sdp"),
    ],
)
def test_a_setting_that_cannot_be_is_exit_2(glassnat: Run, key: str, value: str, said: str) -> None:
    answer = glassnat("set", key, value)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.usefixtures("appliance")
def test_flush_says_how_many(glassnat: Run) -> None:
    assert glassnat("flush", "--protocol", "tcp").out == "0 flows forgotten\n"
    assert glassnat("flush", "--internal", "192.168.20.100").out == "1 flow forgotten\n"
    assert json.loads(glassnat("flush", "--json").out) == {"flushed": 0}


def watched(glassnat: Run, appliance: Appliance, *arguments: str) -> list[str]:
    """What `watch` tells until the appliance ends."""
    threading.Timer(0.2, lambda: setattr(appliance, "stopping", True)).start()
    answer = glassnat("watch", *arguments)
    assert answer.code == 0
    assert answer.err == "the appliance has ended\n"
    lines: list[str] = answer.out.splitlines()
    return lines


def test_watch_tells_sentences(glassnat: Run, appliance: Appliance) -> None:
    lines = watched(glassnat, appliance, "--since", "0")
    assert "192.168.20.100:5060 is 203.0.113.1:5060 outside (udp, opened by packet)" in lines[1]


def test_watch_tells_events(glassnat: Run, appliance: Appliance) -> None:
    lines = watched(glassnat, appliance, "--since", "0", "--json")
    assert [json.loads(line)["type"] for line in lines[:2]] == ["started", "mapping-opened"]


@pytest.mark.usefixtures("appliance")
def test_the_socket_may_be_named_before_or_after_the_command(glassnat: Run, folder: Path) -> None:
    path = str(folder / "lab.sock")
    assert glassnat("--control", path, "show", "flows").code == 0
    assert glassnat("show", "flows", "--control", path).code == 0
    assert glassnat("--control", f"{path}.other", "show", "flows").code == 4
    assert glassnat("--control", f"{path}.other", "show", "flows", "--control", path).code == 0


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", [["show", "flows"], ["flush"], ["watch"], ["attach"]])
def test_nothing_runs_is_exit_4(glassnat: Run, command: list[str]) -> None:
    answer = glassnat(*command)
    assert answer.code == 4
    assert "no appliance is running" in answer.err


# --- the screen ----------------------------------------------------------------------------------


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    opened: list[tuple[str, bool]] = []

    def run_attached(path: str, read_only: bool = False) -> int:
        opened.append((path, read_only))
        return 0

    module = types.ModuleType("tui.app")
    module.run_attached = run_attached  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tui.app", module)
    monkeypatch.setattr(running, "on_terminal", lambda: True)
    return opened


@pytest.mark.usefixtures("appliance")
def test_attach_draws_what_runs(
    glassnat: Run, folder: Path, screen: list[tuple[str, bool]]
) -> None:
    assert glassnat("attach", "lab", "--read-only").code == 0
    assert glassnat("attach", "--control", str(folder / "lab.sock")).code == 0
    assert screen == [(str(folder / "lab.sock"), True), (str(folder / "lab.sock"), False)]


@pytest.mark.usefixtures("appliance")
def test_attach_without_a_terminal_points_to_watch(glassnat: Run) -> None:
    answer = glassnat("attach")
    assert answer.code == 2
    assert "glassnat watch" in answer.err


# --- run -----------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "lab.toml"
    path.write_text(config.sample())
    return str(path)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch, folder: Path) -> types.SimpleNamespace:
    """What stands for the loop: remembers what it was to run, and fails if it is told to."""
    made = types.SimpleNamespace(ran=[], error=None)

    def run(settings: Any, path: Path) -> int:
        if made.error is not None:
            raise made.error
        made.ran.append((settings, path))
        return 130

    monkeypatch.setattr("appliance.loop.run", run)
    monkeypatch.setattr(running, "default_path", lambda name: folder / f"{name}.sock")
    return made


def test_run_hands_the_settings_to_the_loop_and_its_answer_on(
    glassnat: Run, loop: types.SimpleNamespace, file: str, folder: Path
) -> None:
    answer = glassnat("run", "--config", file, "--alg", "sip", "--set", "nat.timeouts.udp=30s")
    assert answer.code == 130
    ((settings, path),) = loop.ran
    assert settings["alg.sip.module"] == "sip"
    assert path == folder / "glassnat.sock"
    assert "note: nat.timeouts.udp is below" in answer.err


@pytest.mark.usefixtures("loop")
def test_a_wrong_configuration_starts_nothing(
    glassnat: Run, loop: types.SimpleNamespace, file: str
) -> None:
    answer = glassnat("run", "--config", file, "--set", "nat.timeouts.udp=soon")
    assert answer.code == 2
    assert loop.ran == []


@pytest.mark.usefixtures("appliance")
def test_a_second_one_of_the_same_name_is_exit_4(
    glassnat: Run, loop: types.SimpleNamespace, file: str, folder: Path
) -> None:
    answer = glassnat("run", "--config", file, "--control", str(folder / "lab.sock"))
    assert answer.code == 4
    assert "already running" in answer.err
    assert loop.ran == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SpecError("there is no file 'x.py'"), "alg.sip.module: there is no file"),
        (OSError(28, "No space left on device"), "record.file: : No space left on device"),
    ],
)
def test_what_only_shows_at_the_start_is_exit_2_too(
    glassnat: Run, loop: types.SimpleNamespace, file: str, error: Exception, said: str
) -> None:
    loop.error = error
    answer = glassnat("run", "--config", file)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize("code", [0, 130])
def test_with_a_screen_the_appliance_is_a_process_of_its_own(
    glassnat: Run,
    file: str,
    folder: Path,
    screen: list[tuple[str, bool]],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    """Drawing never delays a packet; what the appliance says, and the screen's Ctrl-C, are not
    lost."""
    draw = sys.modules["tui.app"].run_attached
    monkeypatch.setattr(
        sys.modules["tui.app"], "run_attached", lambda path, read_only: draw(path) or code
    )
    path = folder / "lab.sock"
    program = (
        "import pathlib, socket, sys, time\n"
        f"path = pathlib.Path({str(path)!r})\n"
        "path.parent.mkdir(parents=True, exist_ok=True)\n"
        "listener = socket.socket(socket.AF_UNIX)\n"
        "listener.bind(str(path))\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "time.sleep(30)\n"
    )
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **rest: popen([sys.executable, "-c", program], **rest)
    )
    answer = glassnat("run", "--config", file, "--control", str(path), "--tui")
    assert screen == [(str(path), False)]
    assert answer == (code, "", "ready\n")


def test_an_appliance_that_does_not_start_draws_nothing(
    glassnat: Run,
    file: str,
    folder: Path,
    screen: list[tuple[str, bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    popen = subprocess.Popen
    program = "import sys; print('glassnat: no TUN', file=sys.stderr); sys.exit(3)"
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **rest: popen([sys.executable, "-c", program], **rest)
    )
    answer = glassnat("run", "--config", file, "--control", str(folder / "x.sock"), "--tui")
    assert answer == (3, "", "glassnat: no TUN\n")
    assert screen == []


def test_an_appliance_with_a_screen_ends_with_the_screen(tmp_path: Path) -> None:
    """A closed terminal, or `kill -9`, leaves nothing behind that nobody sees."""
    program = (
        "import subprocess, sys\n"
        "from appliance.cli.running import _end_with_the_screen\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],\n"
        "                         start_new_session=True, preexec_fn=_end_with_the_screen)\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    screen = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert screen.stdout is not None
    child = int(screen.stdout.readline())
    with contextlib.closing(os.fdopen(os.pidfd_open(child))) as alive:
        screen.kill()
        screen.communicate()
        assert select.select([alive], [], [], 5.0)[0], "it lives on"


def test_what_was_set_is_said_as_it_would_be_written(glassnat: Run, appliance: Appliance) -> None:
    assert glassnat("set", "nat.timeouts.udp", "6m").err == 'nat.timeouts.udp is "6m" now\n'
    assert glassnat("set", "nat.hairpin", "false").err == "nat.hairpin is false now\n"
    assert appliance.engine.settings["nat.timeouts.udp"] == 360.0


@pytest.mark.usefixtures("appliance")
def test_a_lifetime_that_an_rfc_forbids_is_set_and_said(glassnat: Run) -> None:
    """Lessons need short ones; who types one by mistake should know."""
    answer = glassnat("set", "nat.timeouts.udp", "5s")
    assert answer.code == 0
    assert "note: nat.timeouts.udp is below the 120 seconds of RFC 4787 REQ-5" in answer.err
    assert "note:" not in glassnat("set", "nat.hairpin", "false").err


@pytest.mark.usefixtures("appliance")
def test_what_does_not_fit_together_names_its_key_once(glassnat: Run) -> None:
    answer = glassnat("set", "outside.external", "192.168.20.7")
    assert answer.code == 2
    assert answer.err.count("outside.external") == 1
    assert "lies in inside.networks" in answer.err


@pytest.mark.usefixtures("folder")
def test_a_wrong_address_to_flush_needs_no_appliance_to_be_wrong(glassnat: Run) -> None:
    answer = glassnat("flush", "--internal", "alice")
    assert answer.code == 2
    assert answer.err.startswith('glassnat: --internal: "alice" is none of')


@pytest.mark.usefixtures("folder")
def test_a_filter_that_a_table_does_not_have_is_no_option_called_show(glassnat: Run) -> None:
    answer = glassnat("show", "mappings", "--state", "answered")
    assert answer.err.startswith('glassnat: show mappings has no filter "state"')
