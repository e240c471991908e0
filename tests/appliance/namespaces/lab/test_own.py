"""Who is not root finds the namespaces of their lab by its record, and has none of anybody else's.

That they are what is claimed of them is shown with real ones in `tests/host/test_lab.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from appliance.control import paths
from appliance.namespaces.between import record as records
from appliance.namespaces.between import undo
from appliance.namespaces.between.record import Facts, Record, Trace
from appliance.namespaces.lab import own

LAB = "lab-nat-yes"


@pytest.fixture(autouse=True)
def complaint(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What is said of every way that is tried; nothing, unless this is told."""

    def tell(words: str) -> None:
        answer = CompletedProcess([], 1 if words else 0, stderr=words)
        monkeypatch.setattr(own.subprocess, "run", lambda *_, **__: answer)

    tell("")
    return tell


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Trace], None]:
    """What is written there, where the user's folder is where root's is, is in the user's folder
    outside."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = paths.private_folder()

    def write(process: Trace) -> None:
        with monkeypatch.context() as there:
            there.setattr(paths, "ROOT_FOLDER", folder)
            record = Record.begin(Facts(LAB, "in", "out", f"/run/glassnat/{LAB}.sock"))
            record.expect(process)
            record.close()

    return write


def test_the_first_command_gets_namespaces_that_are_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert not own.is_known(LAB)
    assert own.way_to(LAB)[: len(own.BEGIN)] == [*own.BEGIN]
    assert paths.private_folder().stat().st_mode & 0o777 == 0o700


def test_the_next_follows_a_process_that_is_in_them(up: Callable[[Trace], None]) -> None:
    up(undo.own_process())
    assert own.is_known(LAB)
    assert own.way_to(LAB)[: len(own.FOLLOW) + 1] == [*own.FOLLOW, str(os.getpid())]


def test_where_the_kernel_forbids_it_its_words_are_told(
    complaint: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    complaint("unshare: Operation not permitted")
    with pytest.raises(own.NotAllowed, match="Operation not permitted"):
        own.way_to(LAB)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    with pytest.raises(own.NotAllowed, match="glassnat: Not a directory"):
        own.way_to(LAB)


def test_there_are_none_any_more_when_that_has_ended(up: Callable[[Trace], None]) -> None:
    """Another process may have its number by now: it is not entered. The record is tidied up in
    new ones, where its files have the same names."""
    up(undo.own_process()._replace(detail="1"))
    assert own.is_known(LAB)
    assert own.way_to(LAB)[: len(own.BEGIN)] == [*own.BEGIN]


def test_outside_its_socket_is_told_by_the_name_that_it_has_there(
    up: Callable[[Trace], None], tmp_path: Path
) -> None:
    up(undo.own_process())
    assert LAB in records.names()
    facts, _ = records.read(LAB)
    assert facts.control == str(tmp_path / "glassnat" / f"{LAB}.sock")


def test_a_folder_that_somebody_else_has_put_there_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody can make folders beside temporary files, and links to one's own."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(paths.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = paths.private_folder()
    assert folder.parent == tmp_path
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    assert paths.folders() == [paths.ROOT_FOLDER]
    with pytest.raises(own.NotAllowed, match="is somebody else's"):
        own.way_to(LAB)
    folder.unlink()
    folder.mkdir()
    assert paths.folders() == [folder, paths.ROOT_FOLDER]
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not paths.is_ours(folder)


@pytest.mark.parametrize(
    ("uid_map", "entered"), [("0 1000 1", True), ("0 0 4294967295", False), ("", False)]
)
def test_root_there_is_the_only_user_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid_map: str, entered: bool
) -> None:
    """user_namespaces(7): first number inside, first outside, how many."""
    monkeypatch.setattr(own, "UID_MAP", tmp_path / "uid_map")
    own.UID_MAP.write_text(f"{uid_map}\n")
    assert own.are_entered() is entered
