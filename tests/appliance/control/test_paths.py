"""An appliance and its clients agree on where the control socket is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.control.paths import default_path, folders, read_only_path


@pytest.mark.parametrize(
    ("uid", "runtime", "where"),
    [
        (0, "/run/user/0", "/run/glassnat/lab.sock"),
        (1000, "/run/user/1000", "/run/user/1000/glassnat/lab.sock"),
        (1000, "", "/run/glassnat/lab.sock"),
    ],
)
def test_sockets_have_a_place_of_their_own(
    monkeypatch: pytest.MonkeyPatch, uid: int, runtime: str, where: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    assert default_path("lab") == Path(where)
    assert default_path("lab").parent in folders()


@pytest.mark.parametrize("control", ["/run/glassnat/lab.sock", "/run/glassnat/lab"])
def test_the_socket_that_only_answers_is_beside_the_one_that_obeys(control: str) -> None:
    second = read_only_path(Path(control))
    assert second == Path("/run/glassnat/lab.ro.sock")
    assert read_only_path(second) == second
