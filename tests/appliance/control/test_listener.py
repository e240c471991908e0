"""The control socket's file: for its owner alone, and for one appliance."""

from __future__ import annotations

import os
import resource
import select
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.control.listener import Listener, ensure_free
from appliance.control.paths import ControlError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "classroom.sock"


def test_the_socket_is_for_its_owner_alone_and_goes_with_the_program(path: Path) -> None:
    listener = Listener(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    listener.close()
    assert not path.exists()


def test_without_a_descriptor_for_a_client_it_is_sent_away(path: Path) -> None:
    """Left waiting, it would make the socket ready at once again, and the loop would never rest."""
    listener = Listener(path)
    with socket.socket(socket.AF_UNIX) as client, select.epoll() as poll:
        client.connect(str(path))
        poll.register(listener.socket, select.EPOLLIN)
        with no_more_descriptors():
            assert poll.poll(0)
            assert listener.accept() is None
            assert poll.poll(0) == []
            assert client.recv(1) == b""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        accepted = listener.accept()
        assert accepted is not None
        accepted.close()
    listener.close()


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Whatever is opened from now on fails with EMFILE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_socket_left_over_from_a_crash_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))
    listener = Listener(path)
    listener.close()


@pytest.mark.parametrize("ask", [Listener, ensure_free])
def test_a_socket_in_use_is_left_alone(path: Path, ask: Callable[[Path], object]) -> None:
    listener = Listener(path)
    with pytest.raises(ControlError, match="already running") as caught:
        ask(path)
    assert caught.value.exit_code == 4
    assert path.is_socket()
    listener.close()


def test_closing_twice_is_harmless(path: Path) -> None:
    listener = Listener(path)
    listener.close()
    listener.close()
    ensure_free(path)


def test_a_file_that_is_no_socket_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("precious")
    with pytest.raises(ControlError, match="not a socket"):
        Listener(path)
    assert path.read_text() == "precious"


def test_a_path_that_is_not_possible_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="--control") as caught:
        Listener(tmp_path / ("x" * 200))
    assert caught.value.exit_code == 3


def test_another_socket_in_our_place_is_not_removed(path: Path) -> None:
    listener = Listener(path)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        listener.close()
        assert path.is_socket()


def test_under_sudo_the_socket_belongs_to_the_caller(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[object, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *arguments: given.append(arguments))
    monkeypatch.setenv("SUDO_UID", "1000")
    Listener(path).close()
    assert given == [(path, 1000, -1)]
