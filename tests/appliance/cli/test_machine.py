"""`glassnat doctor`, `keys` and `completion`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from appliance.cli import doctor
from appliance.cli.doctor import LIMITED, MISSING, OK, Finding

Run = Callable[..., Any]


@pytest.mark.parametrize(("state", "code"), [(OK, 0), (LIMITED, 0), (MISSING, 3)])
def test_what_is_missing_is_exit_3(
    glassnat: Run, monkeypatch: pytest.MonkeyPatch, state: str, code: int
) -> None:
    finding = Finding("tun device", state, "a detail", "run", "modprobe tun")
    monkeypatch.setattr(doctor, "examine", lambda: [finding])
    answer = glassnat("doctor")
    assert answer.code == code
    assert "a detail" in answer.out
    assert ("needed for: run" in answer.out) is (state != OK)
    document = glassnat("doctor", "--json")
    assert document.code == code
    assert json.loads(document.out)[0]["remedy"] == "modprobe tun"


def test_keys_are_a_handout(glassnat: Run) -> None:
    rows = json.loads(glassnat("keys", "--json").out)
    assert all(row["key"] and row["does"] for row in rows)
    printed = glassnat("keys").out
    assert all(row["does"] in printed for row in rows)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_be_taught_the_commands(glassnat: Run, shell: str) -> None:
    answer = glassnat("completion", shell)
    assert answer.code == 0
    assert "_GLASSNAT_COMPLETE" in answer.out


def test_another_shell_is_answered_with_the_nearest(glassnat: Run) -> None:
    answer = glassnat("completion", "bosh")
    assert answer.code == 2
    assert 'did you mean "bash"' in answer.err
