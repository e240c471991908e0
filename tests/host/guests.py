"""Virtual machines: a kernel of Debian's with busybox, an e1000 card, and a script to run.

Emulated in software, so that it also runs inside of a virtual machine: such a guest is up in some
seconds. (`edd=off`: its kernel asks the BIOS for disks otherwise, and waits.)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.laptop import Laptop
from tests.support.programs import Program

KERNEL = Path("/vmlinuz")
"""Where Debian's package `linux-image-amd64` leaves the newest one."""
CARD = (
    Path("/lib/modules")
    / KERNEL.resolve().name.removeprefix("vmlinuz-")
    / "kernel/drivers/net/ethernet/intel/e1000/e1000.ko"
)
BUSYBOX = Path("/bin/busybox")

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
insmod /e1000.ko
ip link set lo up
ip link set eth0 up
ip address add {address} dev eth0
{gateway}
echo the guest is up
{script}
echo the guest is done
poweroff -f
"""


class Guest:
    """A machine on a bridge of the laptop, that runs a script and then is switched off. What the
    script prints is what the guest says."""

    def __init__(
        self, laptop: Laptop, bridge: str, address: str, gateway: str, script: str, folder: Path
    ) -> None:
        self.tap = f"tap-{bridge}"
        laptop.ip("tuntap", "add", "dev", self.tap, "mode", "tap")
        laptop.ip("link", "set", self.tap, "master", bridge, "up")
        route = f"ip route add default via {gateway}" if gateway else ""
        init = INIT.format(address=address, gateway=route, script=script)
        image = folder / f"{bridge}.cpio"
        image.write_bytes(b"".join(_archive({"init": init.encode()})))
        self.program = Program("", laptop.here(
            "qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "qemu64", "-m", "96",
            "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
            "-kernel", str(KERNEL), "-initrd", str(image),
            "-append", "console=ttyS0 quiet panic=-1 edd=off nokaslr",
            "-netdev", f"tap,id=net,ifname={self.tap},script=no,downscript=no",
            "-device", f"e1000,netdev=net,romfile=,mac=52:54:00:00:00:{len(bridge):02x}",
        ))  # fmt: skip

    def stop(self) -> None:
        self.program.stop()


def obstacle() -> str:
    """Why there can be none here; empty when there can."""
    missing = [str(path) for path in (KERNEL, CARD, BUSYBOX) if not path.exists()]
    return f"needs {', '.join(missing)}" if missing else ""


def _archive(files: dict[str, bytes]) -> Iterator[bytes]:
    """The guest's files as a cpio archive, as the kernel unpacks it (initramfs, "newc")."""
    for folder in ("bin", "proc", "dev"):
        yield _entry(folder, b"", 0o040755)
    yield _entry("bin/busybox", BUSYBOX.read_bytes(), 0o100755)
    yield _entry("e1000.ko", CARD.read_bytes(), 0o100644)
    for name, data in files.items():
        yield _entry(name, data, 0o100755)
    yield _entry("TRAILER!!!", b"", 0)


def _entry(name: str, data: bytes, mode: int) -> bytes:
    """One file: a header of hexadecimal numbers, its name, its bytes, each filled up to four."""
    path = name.encode() + b"\0"
    numbers = (hash(name) & 0xFFFFFF, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08x" % number for number in numbers) + path
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
