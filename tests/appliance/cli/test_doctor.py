"""What works here, and for what does not, a remedy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from appliance.cli import doctor
from appliance.cli.doctor import LIMITED, MISSING, OK, Finding
from appliance.wires.privileges import Account


def found(name: str) -> Finding:
    return next(finding for finding in doctor.examine() if finding.name == name)


def test_everything_is_looked_at_and_what_is_wrong_has_a_remedy() -> None:
    findings = doctor.examine()
    assert [finding.name for finding in findings] == [
        "python",
        "linux",
        "tun device",
        "CAP_NET_ADMIN",
        "offloads",
        "namespaces",
        "user namespaces",
        "tools",
        "terminal",
    ]
    assert all(finding.remedy for finding in findings if finding.state != OK)
    assert all(finding.detail and finding.needed_for for finding in findings)


def test_a_device_node_that_is_there_but_closed_is_told_from_one_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user namespace may work while the device's mode forbids everything: say which it is."""
    monkeypatch.setattr(doctor, "TUN_FILE", tmp_path / "tun")
    assert found("tun device").state == MISSING
    (tmp_path / "tun").touch(0o600)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    closed = found("tun device")
    assert closed.state == LIMITED
    assert "mode 0600" in closed.detail


@pytest.mark.parametrize(("mask", "state"), [(0, MISSING), (1 << doctor.CAP_NET_ADMIN, OK)])
def test_the_privilege_is_read_from_the_process(
    monkeypatch: pytest.MonkeyPatch, mask: int, state: str
) -> None:
    monkeypatch.setattr(doctor, "_effective_capabilities", lambda: mask)
    assert found("CAP_NET_ADMIN").state == state


@pytest.mark.parametrize(
    ("account", "mask", "said"),
    [
        (None, 0, "has it"),
        (Account(1000, 1000), 1 << doctor.CAP_SETUID, "has it; run goes on as uid 1000"),
        (Account(1000, 1000), 0, "which may not become another user here (no CAP_SETUID)"),
    ],
)
def test_who_the_appliance_would_become_is_told(
    monkeypatch: pytest.MonkeyPatch, account: Account | None, mask: int, said: str
) -> None:
    monkeypatch.setattr(doctor, "unprivileged", lambda: account)
    monkeypatch.setattr(doctor, "_effective_capabilities", lambda: mask | 1 << doctor.CAP_NET_ADMIN)
    assert found("CAP_NET_ADMIN").detail.endswith(said)


@pytest.mark.parametrize(
    ("granted", "state"),
    [([], LIMITED), (["CSUM", "TSO4", "TSO6"], LIMITED), (list(doctor._OFFLOAD_NAMES), OK)],
)
def test_offloads_are_what_the_kernel_granted(
    monkeypatch: pytest.MonkeyPatch, granted: list[str], state: str
) -> None:
    monkeypatch.setattr(doctor, "_granted_offloads", lambda: granted)
    assert found("offloads").state == state


def test_offloads_that_cannot_be_tried_are_said_to_be_untried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> list[str]:
        raise PermissionError("not permitted")

    monkeypatch.setattr(doctor, "_granted_offloads", refuse)
    assert "not tried: no device could be made" in found("offloads").detail


def test_missing_tools_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool in ("sipp", "nft") else tool)
    tools = found("tools")
    assert tools.state == LIMITED
    assert tools.remedy == "sudo apt install sip-tester nftables"
    monkeypatch.setattr(shutil, "which", lambda tool: None)
    assert found("tools").state == MISSING


def test_namespaces_that_are_forbidden_are_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_succeeds", lambda *command: False)
    assert found("namespaces").state == LIMITED
    monkeypatch.setattr(doctor, "_reads", lambda path, value: True)
    assert "AppArmor" in found("user namespaces").detail


@pytest.mark.parametrize(
    ("size", "environment", "state", "said"),
    [
        ((80, 24), {"NO_COLOR": "1"}, OK, "NO_COLOR"),
        ((120, 36), {"COLORTERM": "truecolor"}, OK, "16 million"),
        ((79, 24), {"TERM": "xterm-256color"}, LIMITED, "256"),
        ((80, 10), {"TERM": "linux"}, LIMITED, "16 colours"),
    ],
)
def test_the_terminal_is_measured(
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    environment: dict[str, str],
    state: str,
    said: str,
) -> None:
    for name in ("NO_COLOR", "COLORTERM", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_, **__: os.terminal_size(size))
    screen = found("terminal")
    assert screen.state == state
    assert said in screen.detail


def test_findings_are_json_able() -> None:
    (entry,) = doctor.as_json([Finding("python", OK, "Python 3.11", "everything")])
    assert entry["state"] == "ok"
