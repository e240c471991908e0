"""Finding the appliance that runs, asking it, and saying it plainly when there is none."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.control import client as clients
from appliance.control import paths
from appliance.control.client import Client, ClientError, caller, find, running

Answering = Callable[[dict[str, object]], list[bytes]]


class Appliance(threading.Thread):
    """Answers one client, as told."""

    def __init__(self, path: Path, answer: Answering) -> None:
        super().__init__(daemon=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.answer = answer
        self.start()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    answers = self.answer(json.loads(line))
                    if not answers:
                        break
                    connection.sendall(b"".join(answers))

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()


Start = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(paths, "ROOT_FOLDER", tmp_path / "root")
    return tmp_path / "glassnat"


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    started: list[Appliance] = []

    def make(
        name: str = "lab", answer: Answering = lambda request: [], where: Path = folder
    ) -> Path:
        path = where / f"{name}.sock"
        started.append(Appliance(path, answer))
        return path

    yield make
    for appliance in started:
        appliance.stop()


def answered(result: object) -> Answering:
    return lambda request: [
        json.dumps({"id": request["id"], "ok": True, "result": result}).encode() + b"\n"
    ]


# --- finding -------------------------------------------------------------------------------------


def test_the_only_one_that_runs_needs_no_name(start: Start) -> None:
    path = start("lab")
    assert find() == path
    assert find("lab") == path


def test_both_places_are_looked_at(start: Start, tmp_path: Path) -> None:
    start("mine")
    start("roots", where=tmp_path / "root")
    assert sorted(running()) == ["mine", "roots"]


def test_what_is_left_over_from_a_crash_does_not_run(start: Start, folder: Path) -> None:
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(folder / "dead.sock"))
    start("lab")
    assert list(running()) == ["lab"]


@pytest.mark.parametrize(
    ("names", "name", "said", "exit_code"),
    [
        ([], None, "glassnat run --config", 4),
        ([], "lab", 'no appliance "lab" is running', 4),
        (["lab"], "lob", r"\(lab is\); did you mean \"lab\"", 4),
        (["a", "b"], None, "are running: a, b; say which", 2),
    ],
)
def test_nobody_or_too_many_is_a_sentence(
    start: Start, folder: Path, names: list[str], name: str | None, said: str, exit_code: int
) -> None:
    for each in names:
        start(each)
    with pytest.raises(ClientError, match=said) as caught:
        find(name)
    assert caught.value.exit_code == exit_code


# --- asking --------------------------------------------------------------------------------------


def test_an_answer_is_the_result(start: Start) -> None:
    with Client(start(answer=answered([1, 2]))) as client:
        assert client.ask("show", what="flows") == [1, 2]


def test_a_refusal_is_in_the_appliances_words(start: Start) -> None:
    refusal = b'{"id": 1, "ok": false, "error": "not a duration"}\n'
    with (
        Client(start(answer=lambda request: [refusal])) as client,
        pytest.raises(ClientError, match="not a duration") as caught,
    ):
        client.ask("set", key="nat.timeouts.udp", value="soon")
    assert caught.value.exit_code == 2


def test_an_appliance_that_dies_meanwhile_is_a_sentence(start: Start) -> None:
    with Client(start()) as client, pytest.raises(ClientError, match="gone away") as caught:
        client.ask("hello")
    assert caught.value.exit_code == 4


def test_an_appliance_that_does_not_answer_is_not_waited_for_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 0.05)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / "lab.sock"))
        silent.listen()
        with Client(folder / "lab.sock") as client, pytest.raises(ClientError, match="no answer"):
            client.ask("hello")


def test_no_socket_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="no appliance answers at"):
        Client(tmp_path / "none.sock")


def test_a_socket_of_somebody_else_asks_for_sudo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ClientError, match="sudo") as caught:
        Client(tmp_path / "lab.sock")
    assert caught.value.exit_code == 3


def test_events_come_until_the_appliance_ends(start: Start) -> None:
    lines = [b'{"id":1,"ok":true,"result":{}}\n', b'{"type":"x"}\n', b'{"type":"y"}\n']
    asked: list[dict[str, object]] = []

    def answer(request: dict[str, object]) -> list[bytes]:
        asked.append(request)
        return lines

    path = start(answer=answer)
    with Client(path) as client:
        events = client.events(since=7)
        assert next(events) == b'{"type":"x"}'
        assert next(events) == b'{"type":"y"}'
    assert asked[0]["since"] == 7


def test_a_watcher_that_was_dropped_is_told(start: Start) -> None:
    lines = [
        b'{"id":1,"ok":true,"result":{}}\n',
        b'{"id": null, "ok": false, "error": "fell too far behind: dropped"}\n',
    ]
    with (
        Client(start(answer=lambda request: lines)) as client,
        pytest.raises(ClientError, match="too far behind"),
    ):
        list(client.events())


def test_changes_are_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "alice")
    assert caller() == "alice"
    monkeypatch.delenv("SUDO_USER")
    assert caller()
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    assert caller() == "uid 4000000000"


def test_the_read_only_socket_is_no_appliance_of_its_own(start: Start) -> None:
    start("lab")
    start("lab.ro")
    assert [*running()] == ["lab"]
