"""What works on this machine, and what to do about what does not.

Every check is one function that answers one `Finding`; none changes anything that outlives it. The
simulation always works, so nothing here is fatal: a finding says which commands need it.
"""

from __future__ import annotations

import errno
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

OK, MISSING, LIMITED = "ok", "missing", "limited"

CAP_SETUID, CAP_NET_ADMIN = 7, 12
TUN_FILE = Path("/dev/net/tun")
MODULE = Path("/sys/module/tun")
MODULES = Path("/lib/modules")
CONFINEMENT = Path("/proc/self/attr/current")
SMALLEST_SCREEN = (80, 24)

ADMINISTRATION = "/usr/sbin:/sbin:/usr/bin:/bin"
"""Where programs for root are, which an ordinary user's PATH may not have."""

TOOLS = {
    "ip": "iproute2",
    "sysctl": "procps",
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
"""Programs that the tests drive, and the Debian package each is in. `run` needs `ip` alone, `up`
`sysctl` as well."""


class Finding(NamedTuple):
    """One thing that was looked at. `needed_for` and `remedy` are for the person."""

    name: str
    state: str  # ok | limited | missing
    detail: str
    needed_for: str
    remedy: str = ""


def examine() -> list[Finding]:
    """All findings, from the ground up; without Linux, those that can be made."""
    checks = _CHECKS if sys.platform == "linux" else _CHECKS_ANYWHERE
    return [check() for check in checks]


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
        "run, up",
        "" if fine else "a machine with Linux, real or virtual; here: glassnat sim one-way-audio",
    )


def _tun_device() -> Finding:
    """Opened as `run` opens it: what the kernel answers tells what is in the way."""
    need = "run, up"
    try:
        os.close(os.open(TUN_FILE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        state = LIMITED if error.errno in (errno.EACCES, errno.EPERM) else MISSING
        detail, remedy = _why_no_tun(error)
        return Finding("tun device", state, detail, need, remedy)
    return Finding("tun device", OK, f"{TUN_FILE} can be opened", need)


def _why_no_tun(error: OSError) -> tuple[str, str]:
    """What is in the way, and the next command."""
    if error.errno == errno.EACCES:
        mode = f"{TUN_FILE.stat().st_mode & 0o777:04o}"
        said = f"{TUN_FILE} is there (mode {mode}), but not for this user"
        return said, f"sudo {program()} …, or for everybody: sudo {_tool('chmod')} 0666 {TUN_FILE}"
    if error.errno == errno.EPERM:
        if profile := _confinement():
            said = f"AppArmor does not let this program have {TUN_FILE} (profile {profile})"
            return (
                said,
                f"start it outside of that profile, or: sudo {_tool('aa-complain')} {profile}",
            )
        said = f"{TUN_FILE} is there, but this container may not have it"
        return said, f"start the container with: --device {TUN_FILE} --cap-add NET_ADMIN"
    if MODULE.exists() and not TUN_FILE.exists():
        said = f"the module is loaded, but {TUN_FILE} does not exist"
        folder = f"sudo {_tool('mkdir')} -p {TUN_FILE.parent}"
        make = f"{folder} && sudo {_tool('mknod')} {TUN_FILE} c 10 200"
        return said, f"{make}; in a container: --device {TUN_FILE}"
    if _has_modules():
        return "the module tun is not loaded", f"sudo {_tool('modprobe')} tun"
    said = "the module tun is not loaded, and this kernel's modules are not installed here"
    return (
        said,
        f"on the host: sudo modprobe tun; then start the container with --device {TUN_FILE}",
    )


def _confinement() -> str:
    """The AppArmor profile that holds this program; empty when none does."""
    profile, _, mode = _text(CONFINEMENT).strip().rpartition(" ")
    return profile if mode == "(enforce)" else ""


def _has_modules() -> bool:
    return (MODULES / platform.release()).is_dir()


def found_at(name: str) -> str | None:
    """A program's whole path, also of one for root; None when it is not installed."""
    return shutil.which(name) or shutil.which(name, path=ADMINISTRATION)


def _tool(name: str) -> str:
    """A program for the next command."""
    return found_at(name) or name


def _privileges() -> Finding:
    need = "run, up (until the devices are open)"
    effective = _effective_capabilities()
    if effective >> CAP_NET_ADMIN & 1:
        detail = f"uid {os.geteuid()} has it{_afterwards(effective)}"
        return Finding("CAP_NET_ADMIN", OK, detail, need)
    return Finding(
        "CAP_NET_ADMIN",
        MISSING,
        f"uid {os.geteuid()} does not have it",
        need,
        f"sudo {program()} …",
    )


def _afterwards(effective: int) -> str:
    """Who `run` goes on as, once the devices are open."""
    from appliance.wires.privileges import unprivileged  # Linux only

    account = unprivileged()
    if account is None:
        return ""
    if effective >> CAP_SETUID & 1:
        return f"; run goes on as uid {account.uid}"
    return "; run stays root, which may not become another user here (no CAP_SETUID)"


def program() -> str:
    """This program by its whole path, for sudo, which looks for commands elsewhere."""
    beside = Path(sys.executable).with_name("glassnat")
    found = str(beside) if beside.exists() else shutil.which("glassnat")
    return found or f"{sys.executable} -m appliance.cli"


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
    need = "up, run with netns, tests"
    if not Path("/proc/self/ns/net").exists():
        return Finding("namespaces", MISSING, "the kernel has none", need, "another kernel")
    works = _succeeds("unshare", "--net", "true")
    if works:
        return Finding("namespaces", OK, "a network namespace can be made", need)
    return Finding("namespaces", LIMITED, "not permitted to this user", need, f"sudo {program()} …")


def _user_namespaces() -> Finding:
    need = "labs without root"
    if _succeeds("unshare", "--user", "--map-root-user", "--net", "true"):
        return Finding("user namespaces", OK, "can be made", need)
    if _text(RESTRICTION).strip() == "1":
        why, lift = "AppArmor restricts them", f"sudo {_tool('sysctl')} -w {_key(RESTRICTION)}=0"
    else:
        why, lift = "the kernel refuses them", f"sudo {_tool('sysctl')} -w {_key(PERMISSION)}=1"
    how = f"sudo {program()} … needs none; for all programs: {lift}"
    return Finding("user namespaces", LIMITED, why, need, how)


RESTRICTION = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
PERMISSION = Path("/proc/sys/kernel/unprivileged_userns_clone")


def _key(path: Path) -> str:
    """As `sysctl` calls it."""
    return ".".join(path.relative_to("/proc/sys").parts)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:
        return ""


def _bridges() -> Finding:
    """Not tried, because to try would load the modules."""
    need = "up"
    missing = [name for name in ("bridge", "veth") if not _has_module(name)]
    if not missing:
        return Finding("bridges", OK, "this kernel has bridges and veth", need)
    return Finding(
        "bridges", LIMITED, f"this kernel has no {', no '.join(missing)}", need,
        f"sudo {_tool('apt')} install linux-modules-extra-{platform.release()} (Ubuntu), "
        "or another kernel",
    )  # fmt: skip


def _has_module(name: str) -> bool:
    """Loaded, part of the kernel, or to be loaded when it is asked for; also when it cannot be
    known, because the kernel's list of modules is not here."""
    if (MODULE.parent / name).is_dir():
        return True
    folder = MODULES / platform.release()
    lists = [_text(folder / each) for each in ("modules.dep", "modules.builtin")]
    return not any(lists) or any(f"/{name}.ko" in each for each in lists)


def bridged_frames() -> Finding:
    """Whether the machine's firewall lets pass what its bridges carry."""
    from appliance.namespaces.between import firewall  # Linux only
    from appliance.wires.netns import CommandError

    name, need = "bridged frames", "up (else nothing comes, and nothing says why)"
    if not firewall.sees_bridged_frames():
        return Finding(name, OK, "they do not pass iptables", need)
    try:
        chain = firewall.dropping_chain()
    except CommandError:
        said = "they pass iptables; whether that drops them is for root to see"
        return Finding(name, LIMITED, said, need, f"sudo {program()} doctor")
    if not chain:
        return Finding(name, OK, "they pass iptables, which lets them through", need)
    allow = f"sudo {_tool('iptables')} -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT"
    off = f"sudo {_tool('sysctl')} -w net.bridge.bridge-nf-call-iptables=0"
    can_allow = found_at("iptables") is not None
    said = f"they pass iptables, and {chain} drops what it does not know"
    return Finding(name, LIMITED, said, need, allow if can_allow else off)


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _tools() -> Finding:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    need = "run (ip), up (ip, sysctl), tests (all)"
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
    _bridges,
    bridged_frames,
    _tools,
    _screen,
)
_CHECKS_ANYWHERE = (_python, _system, _screen)


def as_json(findings: list[Finding]) -> list[dict[str, Any]]:
    """For scripts."""
    return [finding._asdict() for finding in findings]
