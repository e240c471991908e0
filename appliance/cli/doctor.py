"""What works on this machine, and what to do about what does not.

Every check is one function that answers one `Finding`; none changes anything that outlives it. The
simulation always works, so nothing here is fatal: a finding says which commands need it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from appliance.wires.privileges import unprivileged

OK, MISSING, LIMITED = "ok", "missing", "limited"

CAP_SETUID, CAP_NET_ADMIN = 7, 12
TUN_FILE = Path("/dev/net/tun")
SMALLEST_SCREEN = (80, 24)

TOOLS = {
    "ip": "iproute2",
    "ping": "iputils-ping",
    "iperf3": "iperf3",
    "sipp": "sip-tester",
    "tshark": "tshark",
    "tcpdump": "tcpdump",
    "nft": "nftables",
    "dig": "dnsutils",
    "nc": "netcat-openbsd",
    "ethtool": "ethtool",
    "tmux": "tmux",
}
"""Programs that the tests drive, and the Debian package each is in. `run` needs `ip` alone."""


class Finding(NamedTuple):
    """One thing that was looked at. `needed_for` and `remedy` are for the person."""

    name: str
    state: str  # ok | limited | missing
    detail: str
    needed_for: str
    remedy: str = ""


def examine() -> list[Finding]:
    """All findings, from the ground up."""
    return [check() for check in _CHECKS]


def _python() -> Finding:
    version = platform.python_version()
    fine = sys.version_info >= (3, 11)
    return Finding(
        "python",
        OK if fine else MISSING,
        f"Python {version}",
        "everything",
        "" if fine else "install Python 3.11 or later",
    )


def _system() -> Finding:
    fine = sys.platform == "linux"
    return Finding(
        "linux",
        OK if fine else MISSING,
        f"{platform.system()} {platform.release()}",
        "run",
        "" if fine else "real wires need Linux; `glassnat sim` works here",
    )


def _tun_device() -> Finding:
    need = "run"
    if not TUN_FILE.exists():
        return Finding(
            "tun device", MISSING, f"{TUN_FILE} does not exist", need,
            "as root: modprobe tun; in a container: --device /dev/net/tun",
        )  # fmt: skip
    if not os.access(TUN_FILE, os.R_OK | os.W_OK):
        mode = f"{TUN_FILE.stat().st_mode & 0o777:04o}"
        return Finding(
            "tun device", LIMITED, f"{TUN_FILE} is there (mode {mode}), but not for this user",
            need, "use sudo, or as root: chmod 0666 /dev/net/tun",
        )  # fmt: skip
    return Finding("tun device", OK, f"{TUN_FILE} can be opened", need)


def _privileges() -> Finding:
    need = "run (until the devices are open)"
    effective = _effective_capabilities()
    if effective >> CAP_NET_ADMIN & 1:
        detail = f"uid {os.geteuid()} has it{_afterwards(effective)}"
        return Finding("CAP_NET_ADMIN", OK, detail, need)
    return Finding(
        "CAP_NET_ADMIN",
        MISSING,
        f"uid {os.geteuid()} does not have it",
        need,
        f"use sudo with the whole path: sudo {program()}",
    )


def _afterwards(effective: int) -> str:
    """Who `run` goes on as, once the devices are open."""
    account = unprivileged()
    if account is None:
        return ""
    if effective >> CAP_SETUID & 1:
        return f"; run goes on as uid {account.uid}"
    return "; run stays root, which may not become another user here (no CAP_SETUID)"


def program() -> str:
    """This program for sudo, which looks for commands elsewhere."""
    return shutil.which("glassnat") or f"{sys.executable} -m appliance.cli"


def _effective_capabilities() -> int:
    try:
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    except OSError:
        pass
    return 0


def _offloads() -> Finding:
    """Tried on a device of its own, which is gone afterwards."""
    need = "speed: without them every segment is a packet"
    try:
        granted = _granted_offloads()
    except Exception:  # no TUN, no permission: the findings above say which, and what to do
        return Finding(
            "offloads", LIMITED, "not tried: no device could be made", need,
            "see `tun device`, CAP_NET_ADMIN",
        )  # fmt: skip
    if not granted:
        return Finding(
            "offloads", LIMITED, "the kernel refuses them", need, "nothing: it works, only slower"
        )
    names = ", ".join(granted)
    if len(granted) < len(_OFFLOAD_NAMES):
        return Finding("offloads", LIMITED, names, need, "UDP segments need Linux 6.2 or later")
    return Finding("offloads", OK, names, need)


_OFFLOAD_NAMES = {"CSUM": 0x01, "TSO4": 0x02, "TSO6": 0x04, "USO4": 0x20, "USO6": 0x40}


def _granted_offloads() -> list[str]:
    from appliance.wires import tun  # Linux only

    mask = tun.probe_offloads()
    return [name for name, bit in _OFFLOAD_NAMES.items() if mask & bit]


def _namespaces() -> Finding:
    need = "run with netns, tests"
    if not Path("/proc/self/ns/net").exists():
        return Finding("namespaces", MISSING, "the kernel has none", need, "another kernel")
    works = _succeeds("unshare", "--net", "true")
    if works:
        return Finding("namespaces", OK, "a network namespace can be made", need)
    return Finding("namespaces", LIMITED, "not permitted to this user", need, "use sudo")


def _user_namespaces() -> Finding:
    need = "labs without root"
    if _succeeds("unshare", "--user", "--map-root-user", "--net", "true"):
        return Finding("user namespaces", OK, "can be made", need)
    restricted = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    why = "AppArmor restricts them" if _reads(restricted, "1") else "the kernel refuses them"
    return Finding("user namespaces", LIMITED, why, need, "use sudo; `glassnat sim` needs neither")


def _reads(path: Path, value: str) -> bool:
    try:
        return path.read_text("ascii").strip() == value
    except OSError:
        return False


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _tools() -> Finding:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    need = "run (ip), tests (all)"
    if not missing:
        return Finding("tools", OK, ", ".join(TOOLS), need)
    packages = " ".join(TOOLS[tool] for tool in missing)
    state = MISSING if "ip" in missing else LIMITED
    return Finding(
        "tools", state, f"missing: {', '.join(missing)}", need, f"sudo apt install {packages}"
    )


def _screen() -> Finding:
    need = "sim, attach (otherwise text)"
    if not sys.stdout.isatty():
        return Finding("terminal", LIMITED, "the output is not a terminal", need, "--plain, --json")
    columns, rows = shutil.get_terminal_size()
    size = f"{columns}x{rows}, {_colours()}"
    if columns < SMALLEST_SCREEN[0] or rows < SMALLEST_SCREEN[1]:
        return Finding("terminal", LIMITED, size, need, "make it 80x24 or larger")
    return Finding("terminal", OK, size, need)


def _colours() -> str:
    if os.environ.get("NO_COLOR"):
        return "no colour (NO_COLOR is set)"
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256" in os.environ.get("TERM", "") else "16 colours or fewer"


_CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _system,
    _tun_device,
    _privileges,
    _offloads,
    _namespaces,
    _user_namespaces,
    _tools,
    _screen,
)


def as_json(findings: list[Finding]) -> list[dict[str, Any]]:
    """For scripts."""
    return [finding._asdict() for finding in findings]
