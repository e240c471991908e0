"""What works here, and for what does not, a remedy."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import sys
from pathlib import Path

import pytest

from appliance.cli import doctor
from appliance.cli.doctor import LIMITED, MISSING, OK, Finding
from appliance.namespaces.between import firewall
from appliance.wires import privileges
from appliance.wires.netns import CommandError
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
        "bridges",
        "bridged frames",
        "tools",
        "terminal",
    ]
    assert all(finding.remedy for finding in findings if finding.state != OK)
    assert all(finding.detail and finding.needed_for for finding in findings)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose kernel, devices and confinement are files of the test's."""
    for name in ("TUN_FILE", "MODULE", "MODULES", "CONFINEMENT", "RESTRICTION", "PERMISSION"):
        path = getattr(doctor, name)
        monkeypatch.setattr(doctor, name, tmp_path / path.relative_to("/"))
        (tmp_path / path.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(platform, "release", lambda: "6.1.0-test")
    return tmp_path


@pytest.mark.parametrize(
    ("error", "there", "state", "said", "remedy"),
    [
        (errno.EACCES, ["dev/net/tun"], LIMITED, "mode 0600", "chmod 0666"),
        (errno.EPERM, ["dev/net/tun"], LIMITED, "this container may not", "--device"),
        (errno.EPERM, ["dev/net/tun", "confined"], LIMITED, "AppArmor", "aa-complain glassnat"),
        (errno.ENOENT, ["sys/module/tun"], MISSING, "is loaded, but", "mknod"),
        (errno.ENOENT, ["lib/modules/6.1.0-test/x"], MISSING, "is not loaded", "modprobe tun"),
        (errno.ENODEV, ["dev/net/tun", "lib/modules/6.1.0-test/x"], MISSING, "not", "modprobe"),
        (errno.ENOENT, [], MISSING, "are not installed here", "on the host: sudo modprobe tun"),
    ],
)  # fmt: skip
def test_what_is_in_the_way_of_the_device_is_told_apart_with_the_next_command(
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: int,
    there: list[str],
    state: str,
    said: str,
    remedy: str,
) -> None:
    """Permission, AppArmor, a container, a missing node, a missing module: each has a command of
    its own."""
    for each in there:
        path = machine / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
    if "confined" in there:
        doctor.CONFINEMENT.write_text("glassnat (enforce)\n")

    def refuse(path: object, flags: int) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "open", refuse)
    found = doctor._tun_device()
    assert found.state == state
    assert said in found.detail
    assert remedy in found.remedy


def test_a_device_that_can_be_opened_is_fine(machine: Path) -> None:
    doctor.TUN_FILE.touch()
    assert found("tun device").state == OK


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
    monkeypatch.setattr(privileges, "unprivileged", lambda: account)
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
    monkeypatch.setattr(
        shutil, "which", lambda tool, **_: None if tool in ("sipp", "nft") else tool
    )
    tools = found("tools")
    assert tools.state == LIMITED
    assert tools.remedy == "sudo apt install sip-tester nftables"
    monkeypatch.setattr(shutil, "which", lambda tool, **_: None)
    assert found("tools").state == MISSING


def test_namespaces_that_are_forbidden_are_not_missing(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By AppArmor, or by the kernel: what lifts it has another name."""
    monkeypatch.setattr(doctor, "_succeeds", lambda *command: False)
    monkeypatch.setattr(doctor, "_key", lambda path: path.name)
    assert found("namespaces").state == LIMITED
    assert "unprivileged_userns_clone=1" in found("user namespaces").remedy
    doctor.RESTRICTION.write_text("1\n")
    assert "AppArmor" in found("user namespaces").detail
    assert "apparmor_restrict_unprivileged_userns=0" in found("user namespaces").remedy


@pytest.mark.parametrize(
    ("file", "text", "state"),
    [
        ("lib/modules/6.1.0-test/modules.dep", "kernel/net/bridge/bridge.ko.xz:\n", LIMITED),
        ("lib/modules/6.1.0-test/modules.dep", "net/bridge/bridge.ko:\nnet/veth.ko:\n", OK),
        ("lib/modules/6.1.0-test/modules.builtin", "net/bridge.ko\nnet/veth.ko\n", OK),
    ],
)
def test_a_kernel_without_bridges_or_veth_is_named(
    machine: Path, file: str, text: str, state: str
) -> None:
    """Looked up and not tried: to try would load the module. Without a list nothing is said."""
    assert found("bridges").state == OK
    (machine / file).parent.mkdir(parents=True, exist_ok=True)
    (machine / file).write_text(text)
    assert found("bridges").state == state


@pytest.mark.parametrize(
    ("passes", "chain", "state", "said"),
    [
        (False, "", OK, "do not pass iptables"),
        (True, "", OK, "lets them through"),
        (True, "ip filter FORWARD", LIMITED, "ip filter FORWARD drops what it does not know"),
        (True, None, LIMITED, "for root to see"),
    ],
)
def test_frames_that_the_firewall_would_drop_are_told_with_what_lets_them_pass(
    monkeypatch: pytest.MonkeyPatch, passes: bool, chain: str | None, state: str, said: str
) -> None:
    """Docker's FORWARD DROP together with bridge-nf-call-iptables: nothing comes, and nothing else
    would say why."""

    def dropping_chain() -> str:
        if chain is None:
            raise CommandError("not permitted")
        return chain

    monkeypatch.setattr(firewall, "sees_bridged_frames", lambda: passes)
    monkeypatch.setattr(firewall, "dropping_chain", dropping_chain)
    finding = found("bridged frames")
    assert finding.state == state
    assert said in finding.detail
    if chain:
        for has, command in (("/usr/sbin/iptables", "--physdev-is-bridged"), (None, "iptables=0")):
            monkeypatch.setattr(shutil, "which", lambda *_, has=has, **__: has)
            assert command in found("bridged frames").remedy


def test_the_program_is_named_by_its_whole_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`sudo` looks for commands elsewhere."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert doctor.program() == f"{tmp_path}/python -m appliance.cli"
    (tmp_path / "glassnat").touch()
    assert doctor.program() == f"{tmp_path}/glassnat"


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
