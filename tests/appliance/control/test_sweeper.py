"""Whoever may not remove the sockets any more has somebody who does it."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.control.listener import Listener
from appliance.control.sweeper import Sweeper


def test_it_removes_the_files_when_told_and_is_gone(tmp_path: Path) -> None:
    listeners = [Listener(tmp_path / name) for name in ("lab.sock", "lab.ro.sock")]
    sweeper = Sweeper(listeners)
    assert all(each.path.is_socket() for each in listeners)
    sweeper.close()
    assert [*tmp_path.iterdir()] == []
    for each in listeners:
        each.close()


def test_it_removes_them_also_when_nobody_tells_it(tmp_path: Path) -> None:
    """As after `kill -9`: the end of the pipe is enough."""
    appliance = os.fork()
    if not appliance:
        Sweeper([Listener(tmp_path / "lab.sock")])
        os._exit(0)
    os.waitpid(appliance, 0)
    while (tmp_path / "lab.sock").exists():
        os.sched_yield()


def test_what_another_has_put_in_their_place_stays(tmp_path: Path) -> None:
    listener = Listener(tmp_path / "lab.sock")
    sweeper = Sweeper([listener])
    listener.close()
    successor = Listener(tmp_path / "lab.sock")
    sweeper.close()
    assert successor.path.is_socket()
    successor.close()
