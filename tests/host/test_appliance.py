"""The real appliance between real namespaces, driven by real programs."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab import (
    EXTERNAL,
    GLASSNAT,
    PHONE,
    SERVER,
    WORLD,
    Appliance,
    Lab,
    capture,
    tshark,
    verified,
)
from tests.support.programs import (
    WITHOUT_CAPABILITIES,
    Program,
    run_in,
    running,
    try_in,
    until,
)

pytestmark = [
    pytest.mark.host,
    pytest.mark.needs(
        "ip", "ping", "iperf3", "ethtool", "tcpdump", "tshark", "dig", "hping3", "traceroute", "nft"
    ),
]


@pytest.fixture(params=[True, False], ids=["offload", "plain"])
def offload(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


on_one_kind_of_wire = pytest.mark.parametrize("offload", [True], ids=["offload"], indirect=True)
"""For what is decided behind the wires: the packets that come from both kinds are the same."""


@pytest.fixture
def appliance(lab: Lab, offload: bool) -> Iterator[Appliance]:
    with lab.appliance(offload=offload) as running_appliance:
        yield running_appliance


def megabits(lab: Lab, *options: str) -> float:
    """What iperf3 received through the NAT, in Mbit/s."""
    with running(lab.server, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
        report = json.loads(run_in(lab.phones, "iperf3", "-c", SERVER, "-J", *options))
    end = report["end"]
    return float(end.get("sum_received", end.get("sum"))["bits_per_second"]) / 1e6


def test_ping_and_its_flow(lab: Lab, appliance: Appliance) -> None:
    said = run_in(lab.phones, "ping", "-c", "3", "-i", "0.05", SERVER)
    assert "3 received" in said
    (flow,) = appliance.show("flows")
    assert flow["protocol"] == "icmp"
    assert flow["state"] == "answered"
    assert (flow["packets_out"], flow["packets_in"]) == (3, 3)
    assert flow["internal"].startswith(f"{PHONE}:")
    assert flow["external"].startswith(f"{EXTERNAL}:")


@pytest.mark.parametrize("direction", ["out", "in"])
def test_tcp_both_ways_arrives_with_good_checksums(
    lab: Lab, appliance: Appliance, offload: bool, direction: str
) -> None:
    """Past a hop that computes no checksum for anybody, judged by tshark and by the receiver."""
    options = ["-n", "4M"] + (["-R"] if direction == "in" else [])
    with capture(lab.server, "to-world", lab.folder / "server.pcap") as file:
        assert megabits(lab, *options) > 20
    assert verified(file) > 20
    assert tshark(file, "ip.addr == 192.168.0.0/16") == []


@pytest.mark.parametrize("direction", ["out", "in"])
def test_udp_both_ways_arrives_with_good_checksums(
    lab: Lab, appliance: Appliance, direction: str
) -> None:
    """Small datagrams, as media are, paced so that none is lost for want of room."""
    options = ["-u", "-l", "172", "-b", "2M", "-t", "1"] + (["-R"] if direction == "in" else [])
    with capture(lab.server, "to-world", lab.folder / "server.pcap") as file:
        assert megabits(lab, *options) > 1
    assert verified(file) > 500


def test_udp_super_packets_pass_whole_and_arrive_as_datagrams(
    lab: Lab, appliance: Appliance
) -> None:
    """Many datagrams of one system call (UDP_SEGMENT): whole through the NAT, cut behind it, each
    with a good checksum; and counted as on the wire."""
    program = (sys.executable, "-m", "tests.host.datagrams")
    with (
        capture(lab.server, "to-world", lab.folder / "server.pcap") as file,
        running(lab.server, *program, "hear", SERVER, ready="ready") as listener,
    ):
        run_in(lab.phones, *program, "send", SERVER, "1200", "400")
        listener.wait_for("heard 400 of 1200 bytes")
    assert verified(file) > 200, "tcpdump may miss some"
    (flow,) = appliance.show("flows")
    assert flow["packets_out"] == 400


@on_one_kind_of_wire
def test_names_are_asked_for_and_answered(lab: Lab, appliance: Appliance) -> None:
    """One datagram each way, with dig; its mapping has the short life of port 53."""
    with running(lab.server, sys.executable, "-m", "tests.host.nameserver", SERVER, ready="ready"):
        said = run_in(lab.phones, "dig", f"@{SERVER}", "phone.example", "+short", "+tries=1")
    assert said.strip() == "192.0.2.55"
    (flow,) = [flow for flow in appliance.show("flows") if flow["protocol"] == "udp"]
    assert flow["remote"] == f"{SERVER}:53"
    assert flow["expires_in"] <= 30


@on_one_kind_of_wire
def test_nothing_unsolicited_comes_in(lab: Lab, appliance: Appliance) -> None:
    """Promise 1, and the reason of each refusal is counted."""
    try_in(lab.server, "hping3", "-2", "-c", "3", "-i", "u10000", "-p", "5060", "-q", EXTERNAL)
    until(lambda: appliance.drops("outside").get("no-mapping", 0) >= 3)
    assert not [flow for flow in appliance.show("flows") if flow["protocol"] == "udp"]


@on_one_kind_of_wire
def test_a_forged_source_does_not_leave(lab: Lab, appliance: Appliance) -> None:
    """Only the configured networks are inside (BCP 38)."""
    with capture(lab.server, "to-world", lab.folder / "server.pcap") as file:
        forged = ("hping3", "-2", "-c", "2", "-i", "u10000", "-q", "-a", "192.0.2.7", SERVER)
        try_in(lab.phones, *forged)
        until(lambda: appliance.drops("inside").get("spoofed-source", 0) >= 2)
    assert tshark(file, "udp and not icmp") == []


def test_the_sums_agree(lab: Lab, appliance: Appliance) -> None:
    """Promise 3: received = forwarded + consumed + dropped + held, on each wire, in packets as on
    the wire."""
    megabits(lab, "-n", "4M")
    for wire in appliance.show("counters")["wires"].values():
        parts = ("forwarded", "consumed", "dropped", "held")
        assert wire["received"] == sum(wire[part] for part in parts)
        assert wire["forwarded"] > 100


def test_with_the_outside_link_down_nothing_was_forwarded(lab: Lab, appliance: Appliance) -> None:
    """Promise 3, for datagrams that are cut on their way, too."""
    run_in(lab.phones, "ping", "-c", "1", SERVER)
    before = appliance.show("counters")["wires"]["inside"]
    run_in("", "ip", "-n", lab.world, "link", "set", "gn-out", "down")
    for size in ("100", "4000"):
        try_in(lab.phones, "ping", "-c", "2", "-i", "0.05", "-W", "0.2", "-s", size, SERVER)
    after = appliance.show("counters")["wires"]["inside"]
    assert (after["forwarded"], after["forwarded_bytes"]) == (
        before["forwarded"],
        before["forwarded_bytes"],
    )
    assert appliance.drops("inside")["wire-refused"] == 4


@on_one_kind_of_wire
def test_traceroute_shows_the_nat_as_a_hop(lab: Lab, appliance: Appliance) -> None:
    said = run_in(lab.phones, "traceroute", "-n", "-w", "1", "-q", "1", SERVER)
    hops = [line.split()[1] for line in said.splitlines()[1:]]
    assert hops[0] == "192.168.20.1", "the gateway's address"
    assert hops[-1] == SERVER


@on_one_kind_of_wire
def test_a_timeout_changes_for_mappings_that_exist(lab: Lab, appliance: Appliance) -> None:
    try_in(lab.phones, "hping3", "-2", "-c", "1", "-q", "-s", "4000", "-k", "-p", "9", SERVER)

    def mine() -> list[float]:
        return [
            flow["expires_in"]
            for flow in appliance.show("flows")
            if flow["internal"] == f"{PHONE}:4000"
        ]

    assert mine()[0] > 60
    appliance.ask("set", "nat.timeouts.udp_unanswered", "2s")
    appliance.ask("set", "nat.timeouts.udp", "2s")
    assert not [left for left in mine() if left > 2]
    until(lambda: not mine(), timeout=5)


def test_flush_forgets_and_says_how_many(lab: Lab, appliance: Appliance) -> None:
    run_in(lab.phones, "ping", "-c", "1", SERVER)
    assert "1" in appliance.ask("flush", "--protocol", "icmp")
    assert not appliance.show("flows")


def test_watch_tells_what_happens(lab: Lab, appliance: Appliance) -> None:
    watch = [*GLASSNAT, "watch", "--json", "--control", str(lab.control)]
    with running("", *watch) as watching:
        until(lambda: appliance.program.process.poll() is None and _has_watcher(appliance))
        run_in(lab.phones, "ping", "-c", "1", SERVER)
        watching.wait_for('"flow-opened"')


def _has_watcher(appliance: Appliance) -> bool:
    """A client is connected to the control socket, beside us."""
    listing = run_in("", "ss", "-xnH", "src", f"unix:{appliance.lab.control}")
    return bool(listing.strip())


# --- ends, good and bad ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]
)
def test_a_signal_ends_it_tidily(lab: Lab, number: signal.Signals, code: int) -> None:
    with lab.appliance() as appliance:
        appliance.program.process.send_signal(number)
        assert appliance.program.finish(timeout=10) == code
    assert not lab.control.exists()
    assert "gn-in" not in run_in("", "ip", "-n", lab.phones, "link")


def test_kill_leaves_nothing_and_it_starts_again_at_once(lab: Lab) -> None:
    """Promise 5, and promise 1: with the program dead, nothing joins the two sides."""
    before = _state_of_the_host()
    for _ in range(2):
        with lab.appliance() as appliance:
            run_in(lab.phones, "ping", "-c", "1", SERVER)
            appliance.program.process.kill()
            appliance.program.finish()
        until(lambda: "gn-in" not in run_in("", "ip", "-n", lab.phones, "link"))
        until(lambda: "gn-out" not in run_in("", "ip", "-n", lab.world, "link"))
    assert _state_of_the_host() == before


def test_killed_at_any_moment_of_its_start_it_leaves_nothing(lab: Lab) -> None:
    before = _state_of_the_host()
    run = [*GLASSNAT, "run", "--config", str(lab.write_configuration()), "--control"]
    for moment in (0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7):
        program = Program("", [*run, str(lab.control)])
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.process.wait(moment)
        program.process.kill()
        program.stop()
        until(lambda: "glassnat" not in run_in("", "ip", "link"))
        until(lambda: "gn-in" not in run_in("", "ip", "-n", lab.phones, "link"))
    assert _state_of_the_host() == before
    with lab.appliance():
        run_in(lab.phones, "ping", "-c", "1", SERVER)


def _state_of_the_host() -> list[str]:
    looks = ("ip -d link", "ip address", "ip route", "ip rule", "nft list ruleset")
    return [run_in("", *look.split()) for look in looks]


def test_privileges_are_given_up_while_packets_flow(lab: Lab) -> None:
    with lab.appliance() as appliance:
        run_in(lab.phones, "ping", "-c", "1", SERVER)
        status = Path(f"/proc/{appliance.program.process.pid}/status").read_text()
        run_in(lab.phones, "ping", "-c", "1", SERVER)
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == int(facts["CapBnd"], 16) == 0


def test_without_a_capability_it_runs_on_devices_that_root_prepared(lab: Lab) -> None:
    """As a user may whom `ip tuntap add … user` names."""
    for device, address in (("gn-in", f"{PHONE}/24"), ("gn-out", f"{WORLD}/24")):
        ip = ("ip", "-n", lab.phones)
        run_in("", *ip, "tuntap", "add", "dev", device, "mode", "tun", "user", "root")
        run_in("", *ip, "link", "set", device, "up")
        run_in("", *ip, "address", "add", address, "dev", device)
    configuration = lab.write_configuration()
    text = configuration.read_text().replace('routes = ["0.0.0.0/0"]', "")
    for namespace in (lab.phones, lab.world):
        text = text.replace(f'netns = "{namespace}"', "")
    configuration.write_text(text)
    run = (*GLASSNAT, "run", "--config", str(configuration), "--control", str(lab.control))
    with running(lab.phones, *WITHOUT_CAPABILITIES, *run, ready="ready"):
        run_in(lab.phones, "ping", "-c", "1", "-I", "gn-in", "192.168.20.1")


def test_a_deleted_device_ends_it_with_a_message(lab: Lab) -> None:
    with lab.appliance() as appliance:
        run_in("", "ip", "-n", lab.world, "link", "delete", "gn-out")
        assert appliance.program.finish(timeout=10) == 3
        assert "gn-out" in appliance.program.text


def test_idle_it_uses_no_processor(lab: Lab) -> None:
    with lab.appliance() as appliance:
        run_in(lab.phones, "ping", "-c", "1", SERVER)
        stat = Path(f"/proc/{appliance.program.process.pid}/stat")
        before = _ticks(stat)
        with pytest.raises(subprocess.TimeoutExpired):
            appliance.program.process.wait(1)
        assert _ticks(stat) - before <= 3, "hundredths of a second, in a second"


def _ticks(stat: Path) -> int:
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def start(lab: Lab, *options: str) -> subprocess.CompletedProcess[str]:
    """`glassnat run` when it is not expected to get far."""
    return subprocess.run(
        [*GLASSNAT, "run", "--config", str(lab.folder / "lab.toml"),
         "--control", str(lab.control), *options],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip


def test_a_missing_namespace_stops_the_start(lab: Lab) -> None:
    lab.write_configuration()
    done = start(lab, "--set", "inside.netns=gn-nowhere")
    assert done.returncode == 3
    assert "ip netns add gn-nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_problem_of_a_configuration_is_told_at_once_and_nothing_starts(lab: Lab) -> None:
    lab.write_configuration('[nat]\nmapping = "endpoint-indepent"\nhairpin = "perhaps"')
    done = start(lab)
    assert done.returncode == 2
    for word in ("lab.toml", "nat.mapping", "endpoint-independent", "nat.hairpin"):
        assert word in done.stderr
    assert "gn-in" not in run_in("", "ip", "-n", lab.phones, "link")


def test_a_second_appliance_of_the_same_name_is_told_that_there_is_one(lab: Lab) -> None:
    with lab.appliance():
        done = start(lab)
        assert done.returncode in (3, 4)
        assert done.stderr.count("\n") <= 2
        run_in(lab.phones, "ping", "-c", "1", SERVER)


def test_garbage_on_either_wire_is_dropped_with_a_reason(lab: Lab) -> None:
    """Truncated at every length, lengths that lie, wrong versions: counted, and never an end."""
    packet = bytes.fromhex("4500002400010000400100000a000001c0a814640800000000000000") + bytes(8)
    garbage = [packet[:length] for length in range(1, len(packet))]
    garbage += [bytes([first]) + packet[1:] for first in (0x00, 0x41, 0x4F, 0x60, 0xFF)]
    garbage += [packet[:2] + length + packet[4:] for length in (b"\0\0", b"\0\x13", b"\xff\xff")]
    with lab.appliance() as appliance:
        before = sum(appliance.drops("inside").values())
        for raw in garbage:
            _inject(lab.phones, raw)
        until(lambda: sum(appliance.drops("inside").values()) > before)
        run_in(lab.phones, "ping", "-c", "1", SERVER)
        for wire in appliance.show("counters")["wires"].values():
            assert wire["received"] == sum(
                wire[part] for part in ("forwarded", "consumed", "dropped", "held")
            )


def _inject(namespace: str, raw: bytes) -> None:
    """Out of the kernel's end of the wire, exactly as it is (a packet socket)."""
    from appliance.wires import netns

    with netns.entered(namespace), socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as injector:
        injector.sendto(raw, ("gn-in", 0x0800))


def test_without_offload_the_program_says_so(lab: Lab) -> None:
    with lab.appliance(offload=False) as appliance:
        assert "one packet at a time" in appliance.program.text


def test_a_program_that_is_not_ready_says_nothing_of_being_ready(lab: Lab) -> None:
    lab.write_configuration()
    program = Program("", [*GLASSNAT, "run", "--config", str(lab.folder / "nothing.toml")])
    try:
        assert program.finish() == 2
        assert "ready" not in program.text
        assert "nothing.toml" in program.text
    finally:
        program.stop()


MANY_FLOWS = """
[nat.limits]
flows = 1000000
flows_per_host = 1000000
unanswered_per_host = 1000000
new_flows_per_second_per_host = 0
[process]
memory = 67108864
"""


def test_without_memory_it_ends_with_a_sentence_and_tidied_up(lab: Lab) -> None:
    """What cannot be, with the limits as they are, is tried with others."""
    file = lab.write_configuration(MANY_FLOWS)
    program = Program("", [*GLASSNAT, "run", "--config", str(file), "--control", str(lab.control)])
    flood = (
        "import socket, sys, time\n"
        "for source in range(10000, 10100):\n"
        "    time.sleep(0.02)\n"
        "    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:\n"
        "        end.bind(('', source))\n"
        f"        for port in range(500): end.sendto(b'', ('{SERVER}', 20000 + port))\n"
    )
    try:
        program.wait_for("ready")
        for _ in range(20):  # a full queue loses some, and in the end the device goes away
            if program.process.poll() is None:
                try_in(lab.phones, sys.executable, "-c", flood)
        assert program.finish() == 1
        said = program.text.splitlines()[-1]
        assert said.startswith("glassnat: the appliance has ended by a fault of its own: it needed")
        assert "64 MiB" in said
        assert "process.memory" in said
        assert "Traceback" not in program.text
    finally:
        program.stop()
    assert not lab.control.exists()
