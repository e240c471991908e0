"""TUN devices as wires: opening, placing and configuring them. The only file that knows `pytun`.

A device that does not exist is created in this process's own namespace, under a name that is free
there, and then moved to where it is wanted under the name that is wanted: the descriptor keeps
working after the move, the namespace can still be deleted while the program runs, and the device
vanishes with the program, however the program ends. A device that exists where it is wanted is
attached to, and stays when the program ends.

Offloads are asked for in two steps, since the kernel takes all of a step or nothing: checksums and
TCP segments first, then UDP segments for both IP versions at once (Linux 6.2). Both wires must be
able to do the same, because what one takes in whole the other must give out whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytun

from appliance.wires import netns as namespaces
from appliance.wires.netns import CommandError
from appliance.wires.statistics import DeviceStatistics, KernelDrops
from appliance.wires.wire import DescriptorWire, WireError
from nat.endpoint import UDP
from nat.packet import Packet

SET_OFFLOAD = 0x400454D0  # TUNSETOFFLOAD
CHECKSUMS_AND_TCP_SEGMENTS = 0x01 | 0x02 | 0x04  # CSUM, TSO4, TSO6
UDP_SEGMENTS = 0x20 | 0x40  # USO4, USO6: refused unless asked for together
OFFLOAD_STEPS = (CHECKSUMS_AND_TCP_SEGMENTS | UDP_SEGMENTS, CHECKSUMS_AND_TCP_SEGMENTS)

QUEUE_LENGTH = 1000
"""Packets that wait for this program. A full queue drops without a word: too short, and a burst
of ordinary packets from one TCP window is lost; too long, and it is only delay."""

TUN_FILE = Path("/dev/net/tun")
NAME_BEFORE_THE_MOVE = "glassnat%d"  # the kernel puts in the first number that is free


@dataclass(frozen=True, slots=True)
class Place:
    """Where a wire is to be and what it is called: `[inside]` or `[outside]` of a configuration."""

    device: str
    netns: str = ""
    address: str = ""
    routes: Sequence[str] = ()
    mtu: int = 1500

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Place:
        """From the settings of one wire."""
        return cls(
            section["device"],
            section["netns"],
            section["address"],
            tuple(section["routes"]),
            section["mtu"],
        )

    def __str__(self) -> str:
        return f"{self.device} (in {self.netns})" if self.netns else self.device


class TunWire(DescriptorWire):
    """An open TUN device. `offloads` is the mask that the kernel granted; 0 is none."""

    def __init__(self, device: pytun.TunTapDevice, name: str, framed: bool, attached: bool) -> None:
        os.set_blocking(device.fileno(), False)
        super().__init__(device.fileno(), name, framed)
        self.attached = attached
        self.offloads = 0
        self.partners: Sequence[TunWire] = (self,)
        self._statistics: DeviceStatistics | None = None
        self._device: pytun.TunTapDevice | None = device

    @property
    def device_name(self) -> str:
        """What the device is called where it was opened."""
        return str(self._device.name) if self._device else ""

    @property
    def manner(self) -> str:
        """What the kernel hands over, for a person."""
        if self.offloads & UDP_SEGMENTS:
            return "TCP and UDP in super-packets"
        return "TCP in super-packets" if self.offloads else "one packet at a time"

    def watch_drops(self, place: Place) -> None:
        """Look at the device's counters from now on."""
        self._statistics = DeviceStatistics.of(place.device, place.netns)

    def dropped_by_kernel(self) -> KernelDrops | None:
        """What the kernel has dropped of this wire's packets; None when it does not tell."""
        return self._statistics.dropped() if self._statistics else None

    def offer(self, offloads: int) -> bool:
        """Tell the kernel what this program can take. False when it refuses."""
        try:
            fcntl.ioctl(self.fileno(), SET_OFFLOAD, offloads)
        except OSError:
            return False
        self.offloads = offloads
        return True

    def _not_sent(self, packet: Packet, error: OSError) -> bool:
        """A kernel that promised to take UDP super-packets and does not (some of 2024 do not) is
        asked, on both wires, to send none either."""
        is_udp = packet.segment_size and packet.protocol == UDP
        if error.errno == errno.EINVAL and is_udp and self.offloads & UDP_SEGMENTS:
            for wire in self.partners:
                wire.offer(CHECKSUMS_AND_TCP_SEGMENTS)
        return super()._not_sent(packet, error)

    def close(self) -> None:
        if self._device is None:
            return
        with contextlib.suppress(OSError):  # gone already
            self.offer(0)  # the mask would outlive us on a device that persists
        if self._statistics is not None:
            self._statistics.close()
        self._device.close()
        self._device = None


def open_wires(inside: Place, outside: Place, offload: bool = True) -> tuple[TunWire, TunWire]:
    """Open and configure both wires, with the best offloads that both can do.

    Raises WireError whose text says what to do.
    """
    if (inside.device, inside.netns) == (outside.device, outside.netns):
        raise WireError(f"{inside} cannot be the inside and the outside wire at once")
    with contextlib.ExitStack() as undo:
        wires: list[TunWire] = []
        for place in (inside, outside):
            wires.append(_open(place, framed=offload))
            undo.callback(wires[-1].close)
        if not offload or agree_on_offloads(wires):
            for wire, place in zip(wires, (inside, outside), strict=True):
                wire.partners = wires
                _configure(place, wire.attached)
                wire.watch_drops(place)
            undo.pop_all()
            return wires[0], wires[1]
    return open_wires(inside, outside, offload=False)


def agree_on_offloads(wires: Sequence[TunWire], steps: Sequence[int] = OFFLOAD_STEPS) -> bool:
    """Give both wires the best step that neither refuses; False when there is none."""
    return any(all(wire.offer(step) for wire in wires) for step in steps)


def probe_offloads() -> int:
    """The offloads that this kernel grants, asked on a device that is gone again afterwards; 0 is
    none. Raises WireError."""
    place = Place(NAME_BEFORE_THE_MOVE)
    try:
        wire = _wire(place, place.device, framed=True, attached=False)
    except OSError as error:
        raise WireError(_explained(place, error)) from None
    try:
        return wire.offloads if agree_on_offloads([wire]) else 0
    finally:
        wire.close()


def _open(place: Place, framed: bool) -> TunWire:
    if place.netns and not namespaces.exists(place.netns):
        raise WireError(
            f"{place.device}: there is no network namespace {place.netns} "
            f"(no {namespaces.path_of(place.netns)}); make it with: ip netns add {place.netns}"
        )
    try:
        with namespaces.entered(place.netns):
            there = place.device in (name for _, name in socket.if_nameindex())
            if there or not place.netns:
                return _wire(place, place.device, framed, attached=there)
        wire = _wire(place, NAME_BEFORE_THE_MOVE, framed, attached=False)
    except OSError as error:
        raise WireError(_explained(place, error)) from None
    try:
        _move(wire, place)
    except BaseException:
        wire.close()
        raise
    return wire


def _wire(place: Place, name: str, framed: bool, attached: bool) -> TunWire:
    flags = pytun.IFF_TUN | pytun.IFF_NO_PI | (pytun.IFF_VNET_HDR if framed else 0)
    return TunWire(pytun.TunTapDevice(name=name, flags=flags), str(place), framed, attached)


def _move(wire: TunWire, place: Place) -> None:
    netns = str(namespaces.path_of(place.netns))
    try:
        namespaces.run(
            ["ip", "link", "set", "dev", wire.device_name, "netns", netns, "name", place.device]
        )
    except CommandError as error:
        raise WireError(f"{place}: the device cannot be moved there: {error}") from None


def _configure(place: Place, attached: bool) -> None:
    """Make the kernel's end of the wire as configured, by commands run in its namespace, so that
    nothing is read or changed anywhere else.

    Only what is not so already: to attach to a device that root has prepared, no privilege is
    needed.
    """
    device = ["dev", place.device]
    try:
        with namespaces.entered(place.netns):
            (state,) = json.loads(namespaces.run(["ip", "-json", "address", "show", *device]))
            if state["mtu"] != place.mtu or "UP" not in state["flags"]:
                size = ["mtu", str(place.mtu), "txqueuelen", str(QUEUE_LENGTH)]
                namespaces.run(["ip", "link", "set", *device, *size, "up"])
            if place.address and place.address not in _addresses(state):
                namespaces.run(["ip", "address", "replace", place.address, *device])
            for route in place.routes:
                # Added, never replaced: a route that is somebody else's is an error.
                if not namespaces.run(["ip", "route", "show", "exact", route, *device]).strip():
                    namespaces.run(["ip", "route", "add", route, *device])
    except CommandError as error:
        hint = "; it existed before: is it for somebody else?" if attached else ""
        raise WireError(f"{place}: the device cannot be configured: {error}{hint}") from None


def _addresses(state: Mapping[str, Any]) -> set[str]:
    return {f"{each['local']}/{each['prefixlen']}" for each in state["addr_info"]}


def _explained(place: Place, error: OSError) -> str:
    """Why a device could not be opened, and what to do about it."""
    by_hand = f"ip tuntap add dev {place.device} mode tun user $USER"
    if not TUN_FILE.exists():
        return (
            f"{place}: there is no {TUN_FILE}; load the module (modprobe tun), or give it to this "
            f"container (--device {TUN_FILE})"
        )
    sentences = {
        errno.EACCES: f"{TUN_FILE} may not be opened by this user; run as root (sudo)",
        errno.EPERM: f"a device may not be made by this user; run as root (sudo), or have root "
        f"prepare it: {by_hand}",
        errno.EBUSY: "the device is in use by another program; is this appliance already running? "
        "(ip link show)",
        errno.EINVAL: "a device of this name exists and is not a TUN device for one program; "
        "choose another name or delete it: "
        f"ip link delete {place.device}",
    }
    said = error.strerror or str(error)
    return f"{place}: {sentences.get(error.errno or 0, f'the device cannot be opened: {said}')}"
