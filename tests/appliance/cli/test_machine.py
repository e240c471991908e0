"""`glassnat doctor`, `keys` and `completion`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from appliance import doctor
from appliance.doctor import LIMITED, MISSING, OK, Finding

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


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("sc", ["scenario"]),
        ("show fl", ["flows"]),
        ("completion z", ["zsh"]),
        ("sim one", ["one-way-audio"]),
        ("check inc", ["incoming-call"]),
        ("scenario show one", ["one-way-audio"]),
        ("profile show sym", ["symmetric"]),
        ("run --profile sym", ["symmetric"]),
        ("sim one-way-audio --alg of", ["off"]),
        ("alg show no-sd", ["no-sdp"]),
        ("set nat.timeouts.tcp_e", ["nat.timeouts.tcp_established"]),
        ("set nat.mapping address-d", ["address-dependent"]),
        ("set nat.hairpin t", ["true"]),
        ("set nat.timeouts.udp 3", []),
        ("set alg.sip.module sip-poor:no-sd", ["sip-poor:no-sdp"]),
        ("show flows --protocol u", ["udp"]),
        ("show flows --state un", ["unanswered"]),
    ],
)
def test_what_the_shell_asks_is_answered(
    typed: str,
    offered: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A word that is half written: with which of the program's words might it go on?"""
    from appliance.cli import main

    for name, value in (("_GLASSNAT_COMPLETE", "bash_complete"),
                        ("COMP_WORDS", f"glassnat {typed}"),
                        ("COMP_CWORD", str(len(typed.split())))):  # fmt: skip
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().out.split() == [f"plain,{word}" for word in offered]
