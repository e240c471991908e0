"""TUN devices as wires, on a real kernel: placing, errors, and super-packets that arrive intact."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance.wires import netns
from appliance.wires.tun import (
    CHECKSUMS_AND_TCP_SEGMENTS,
    UDP_SEGMENTS,
    Place,
    open_wires,
    probe_offloads,
)
from appliance.wires.wire import WireError, WireGone
from nat.packet import Packet
from tests.support.programs import (
    WITHOUT_CAPABILITIES,
    Program,
    run_in,
    running,
    try_in,
    until,
)

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ping", "iperf3", "ethtool", "setpriv")]

MakeNamespace = Callable[[str], str]


class TwoNamespaces:
    """phones ─ gn-in ─ program ─ gn-out ─ world ─ veth ─ server, no translation."""

    def __init__(self, namespace: MakeNamespace) -> None:
        self.phones, self.world = namespace("phones"), namespace("world")
        self.inside: dict[str, Any] = {
            "device": "gn-in", "netns": self.phones,
            "address": "192.168.20.100/24", "routes": ["0.0.0.0/0"],
        }  # fmt: skip
        self.outside: dict[str, Any] = {
            "device": "gn-out", "netns": self.world,
            "address": "203.0.113.9/24", "routes": ["192.168.20.0/24"],
        }  # fmt: skip

    def command(self, offload: str = "offload") -> list[str]:
        places = [json.dumps(self.inside), json.dumps(self.outside)]
        return [sys.executable, "-m", "tests.host.passthrough", *places, offload]

    def add_server_behind_a_veth_without_offload(self, server: str) -> None:
        """Where wrong checksums cannot hide: the veth computes them for nobody."""
        netns.run(["ip", "-n", self.world, "link", "add", "to-server", "type", "veth",
                   "peer", "name", "to-world", "netns", server])  # fmt: skip
        for name, device, address in (
            (self.world, "to-server", "198.51.100.1/24"),
            (server, "to-world", "198.51.100.9/24"),
        ):
            netns.run(["ip", "-n", name, "address", "add", address, "dev", device])
            netns.run(["ip", "-n", name, "link", "set", device, "up"])
        netns.run(["ip", "-n", server, "route", "add", "default", "via", "198.51.100.1"])
        run_in(self.world, "ethtool", "-K", "to-server", "tx", "off")
        run_in(self.world, "sysctl", "-qw", "net.ipv4.ip_forward=1")


@pytest.fixture
def two(namespace: MakeNamespace) -> TwoNamespaces:
    return TwoNamespaces(namespace)


@pytest.fixture(params=["offload", "plain"])
def offload(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def passing(two: TwoNamespaces, offload: str) -> Iterator[TwoNamespaces]:
    with running("", *two.command(offload), ready="ready"):
        yield two


def megabits(namespace: str, server: str, *options: str) -> float:
    """What iperf3 received, in Mbit/s."""
    report = json.loads(run_in(namespace, "iperf3", "-c", server, "-J", *options))
    end = report["end"]
    return float(end.get("sum_received", end.get("sum"))["bits_per_second"]) / 1e6


def test_ping_passes(passing: TwoNamespaces) -> None:
    said = run_in(passing.phones, "ping", "-c", "3", "-i", "0.05", "203.0.113.9")
    assert "3 received" in said


@pytest.mark.parametrize("direction", ["out", "in"])
def test_tcp_passes_at_speed(passing: TwoNamespaces, offload: str, direction: str) -> None:
    """Super-packets are worth a factor of ten; half of that is enough to know that they work. In
    one second of three, since the machine may have something else to do in another."""
    options = ["-t", "1"] + (["-R"] if direction == "in" else [])
    enough, speeds = 1500 if offload == "offload" else 100, [0.0]
    while max(speeds) <= enough and len(speeds) <= 3:
        with running(passing.world, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
            speeds.append(megabits(passing.phones, "203.0.113.9", *options))
    assert max(speeds) > enough, speeds


@pytest.mark.parametrize("direction", ["out", "in"])
def test_checksums_hold_behind_a_hop_without_offload(
    passing: TwoNamespaces, namespace: MakeNamespace, direction: str
) -> None:
    """Between local sockets a wrong partial checksum is invisible; here it makes no connection."""
    server = namespace("server")
    passing.add_server_behind_a_veth_without_offload(server)
    with running(server, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
        options = ["-n", "20M"] + (["-R"] if direction == "in" else [])
        assert megabits(passing.phones, "198.51.100.9", *options) > 50
    assert "TcpInCsumErrors                 0" in run_in(server, "nstat", "-asz", "TcpInCsumErrors")


def test_devices_stand_where_they_belong_as_configured(passing: TwoNamespaces) -> None:
    (device,) = json.loads(run_in("", "ip", "-n", passing.phones, "-j", "address", "show", "gn-in"))
    assert device["mtu"] == 1500
    assert device["txqlen"] == 1000
    assert "UP" in device["flags"]
    assert device["addr_info"][0]["local"] == "192.168.20.100"
    assert "gn-in" in run_in("", "ip", "-n", passing.phones, "route", "show", "default")
    assert "gn-in" not in run_in("", "ip", "link")


def test_a_namespace_may_be_given_as_a_path(two: TwoNamespaces) -> None:
    two.inside["netns"] = f"/run/netns/{two.phones}"
    with running("", *two.command(), ready="ready"):
        assert "gn-in" in run_in("", "ip", "-n", two.phones, "link")


def test_kill_leaves_nothing_and_the_next_start_works(two: TwoNamespaces) -> None:
    for _ in range(2):
        program = Program("", two.command())
        program.wait_for("ready")
        program.process.kill()
        program.finish()
        program.stop()
        until(lambda: "gn-in" not in run_in("", "ip", "-n", two.phones, "link"))
        until(lambda: "gn-out" not in run_in("", "ip", "-n", two.world, "link"))
    assert "default" not in run_in("", "ip", "-n", two.phones, "route")


@pytest.mark.parametrize("deleted", ["device", "namespace"])
def test_a_wire_that_goes_away_ends_the_program_with_a_message(
    two: TwoNamespaces, deleted: str
) -> None:
    with running("", *two.command(), ready="ready") as program:
        if deleted == "device":
            run_in("", "ip", "-n", two.phones, "link", "delete", "gn-in")
        else:
            netns.delete(two.phones)
        assert program.finish(timeout=10) == 3
        assert "gn-in" in program.text
        assert "gone away" in program.text


def test_a_device_that_is_down_loses_packets_and_no_more(two: TwoNamespaces) -> None:
    with running("", *two.command(), ready="ready") as program:
        run_in("", "ip", "-n", two.world, "link", "set", "gn-out", "down")
        ping = ("ping", "-c", "2", "-i", "0.05", "-W", "0.2", "203.0.113.9")
        assert try_in(two.phones, *ping) != 0
        run_in("", "ip", "-n", two.world, "link", "set", "gn-out", "up")
        run_in("", "ip", "-n", two.world, "route", "replace", "192.168.20.0/24", "dev", "gn-out")
        run_in(two.phones, "ping", "-c", "1", "203.0.113.9")
        assert program.process.poll() is None


def test_a_device_that_exists_is_attached_to_and_stays(two: TwoNamespaces) -> None:
    run_in("", "ip", "-n", two.phones, "tuntap", "add", "dev", "gn-in", "mode", "tun")
    for _ in range(2):
        with running("", *two.command(), ready="ready"):
            run_in(two.phones, "ping", "-c", "1", "203.0.113.9")
    assert "gn-in" in run_in("", "ip", "-n", two.phones, "link")


def the_error(two: TwoNamespaces) -> str:
    with pytest.raises(WireError) as caught:
        open_wires(Place(**two.inside), Place(**two.outside))
    assert caught.value.exit_code == 3
    assert "glassnat0" not in run_in("", "ip", "link"), "the device that was half made is gone"
    return str(caught.value)


def test_a_missing_namespace_is_named_with_the_command_that_makes_it(two: TwoNamespaces) -> None:
    two.outside["netns"] = "gn-nowhere"
    assert "ip netns add gn-nowhere" in the_error(two)


def test_a_name_that_is_taken_by_another_kind_of_device(two: TwoNamespaces) -> None:
    two.inside["device"] = "lo"
    assert "not a TUN device" in the_error(two)


def test_a_device_in_use_by_another_program(two: TwoNamespaces) -> None:
    with running("", *two.command(), ready="ready"):
        assert "in use by another program" in the_error(two)


def test_a_route_that_is_somebody_elses_is_not_replaced(two: TwoNamespaces) -> None:
    run_in("", "ip", "-n", two.phones, "route", "add", "blackhole", "198.51.100.0/24")
    run_in("", "ip", "-n", two.phones, "route", "add", "0.0.0.0/0", "dev", "lo")
    assert "cannot be configured" in the_error(two)
    assert "dev lo" in run_in("", "ip", "-n", two.phones, "route", "show", "default")


def test_a_kernel_that_refuses_udp_super_packets_is_asked_for_none(two: TwoNamespaces) -> None:
    """Some kernels of 2024 offer them and answer EINVAL; here one is too short to be one."""
    wires = open_wires(Place(**two.inside), Place(**two.outside))
    try:
        assert wires[0].offloads & UDP_SEGMENTS, "needs Linux 6.2"
        tcp = bytearray(
            bytes.fromhex("4500002800000000400600000a0000010a00000200090009") + bytes(16)
        )
        tcp[32] = 0xF0  # its header would be longer than all of it
        assert not wires[1].send(Packet(tcp, len(tcp), True, segment_size=172))
        assert wires[0].offloads & UDP_SEGMENTS, "a TCP one that is no good says nothing of UDP"
        data = bytes.fromhex("4500001900000000401100000a0000010a00000200090009") + b"\0"
        assert not wires[1].send(Packet(bytearray(data), len(data), True, segment_size=172))
        assert [wire.offloads for wire in wires] == [CHECKSUMS_AND_TCP_SEGMENTS] * 2
    finally:
        for wire in wires:
            wire.close()


def test_what_the_kernel_grants_can_be_asked_without_a_trace() -> None:
    before = run_in("", "ip", "link")
    assert probe_offloads() & CHECKSUMS_AND_TCP_SEGMENTS == CHECKSUMS_AND_TCP_SEGMENTS
    assert run_in("", "ip", "link").count("\n") == before.count("\n")


def test_both_wires_on_one_device(two: TwoNamespaces) -> None:
    two.outside = two.inside
    assert "at once" in the_error(two)


def test_without_permission_the_error_says_what_root_can_do(two: TwoNamespaces) -> None:
    two.inside["netns"] = two.outside["netns"] = ""
    with running("", *WITHOUT_CAPABILITIES, *two.command()) as program:
        assert program.finish() == 3
    assert "run as root" in program.text
    assert "ip tuntap add dev gn-in mode tun user" in program.text


FLOOD = 4000
SENDING = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range({FLOOD}):
    s.sendto(b"x", ("203.0.113.9", 9))
"""


def test_what_the_queue_before_the_program_could_not_hold_is_counted(two: TwoNamespaces) -> None:
    """The kernel drops them without a word, and only the device's own counter knows."""
    wires = open_wires(Place(**two.inside), Place(**two.outside), offload=False)
    try:
        run_in(two.phones, sys.executable, "-c", SENDING)
        received = 0
        while wires[0].receive():
            received += 1
        drops = wires[0].dropped_by_kernel()
        assert drops is not None
        assert drops.before >= FLOOD - received > 0
        assert drops.after == 0
        netns.delete(two.phones)
        until(lambda: wires[0].dropped_by_kernel() is None)
        with pytest.raises(WireGone):
            wires[0].receive()
    finally:
        for wire in wires:
            wire.close()


def test_the_descriptor_keeps_working_after_the_move(two: TwoNamespaces) -> None:
    wires = open_wires(Place(**two.inside), Place(**two.outside))
    try:
        until(lambda: wires[0].receive() is not None)  # IPv6 looks for routers on its own
        while wires[0].receive():
            pass
        run_in("", "ip", "-n", two.phones, "link", "delete", "gn-in")
        with pytest.raises(WireGone):
            wires[0].receive()
    finally:
        for wire in wires:
            wire.close()
            wire.close()
