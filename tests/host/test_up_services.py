"""What people do between two bridges: telephone, look up names, and go further than the bridge.

One appliance for all of it; `tests/host/test_up.py` says how it comes and goes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.wires import netns
from tests.host.test_sip import Sipp, play, wait_until_bound
from tests.support.lab import capture, namespaces, tshark
from tests.support.laptop import EXTERNAL, INSIDE, OUTSIDE, PHONE, SERVER, Laptop
from tests.support.programs import PHONES, run_in, running

pytestmark = [
    pytest.mark.host,
    pytest.mark.needs(
        "ip", "nsenter", "ping", "traceroute", "tcpdump", "tshark", "ss", "sipp", "baresip",
        "dnsmasq", "dig", "iperf3",
    ),
]  # fmt: skip

CALLEE = "203.0.113.10"
ROUTER, FAR, FAR_ROUTER = "203.0.113.20", "198.51.100.9", "198.51.100.1"
NARROW = 1300
ENOUGH = 20
"""RTP packets; a second of audio is 50 of them."""


@pytest.fixture(scope="module")
def laptop() -> Iterator[Laptop]:
    with namespaces() as make:
        laptop = Laptop(make)
        laptop.up("--alg", "sip")
        try:
            yield laptop
        finally:
            laptop.down()


def audio(file: Path, source: str, destination: str) -> int:
    """Packets of 20 ms of G.711."""
    route = f"ip.src == {source} and ip.dst == {destination}"
    return len(tshark(file, f"{route} and udp.length == 180 and not icmp"))


def test_sipp_calls_from_one_bridge_to_the_other(laptop: Laptop, tmp_path: Path) -> None:
    """Both hear each other, and no inside address is in anything that the callee gets."""
    with capture(laptop.server, "eth0", tmp_path / "callee.pcap") as file:
        callee = Sipp(tmp_path, laptop.server, SERVER, "answer")
        wait_until_bound(laptop.server)
        play(callee, Sipp(tmp_path, laptop.phone, PHONE, "call", f"{SERVER}:5060", "-s", "bob"))
    assert callee.log.endswith(f"@{EXTERNAL}:5060")
    assert audio(file, EXTERNAL, SERVER) >= ENOUGH
    assert audio(file, SERVER, EXTERNAL) >= ENOUGH
    contacts = tshark(file, "sip.contact.host", "sip.contact.host", "sdp.connection_info.address")
    assert {EXTERNAL, SERVER} == {each.partition(",")[0] for row in contacts for each in row} - {""}


def test_baresip_registers_and_calls_from_one_bridge_to_the_other(
    laptop: Laptop, tmp_path: Path
) -> None:
    """The registrar believes an address at which the phone can be reached; then she calls."""
    called = laptop.machine(OUTSIDE, f"{CALLEE}/24")
    laptop.settle()
    typed = (f"1 /dial sip:bob@{CALLEE}", "2 /hangup", "1 /quit")
    phone = ("env", "INTERFACE=eth0", str(PHONES / "baresip.sh"), *typed)
    with capture(called, "eth0", tmp_path / "callee.pcap") as file:
        callee = Sipp(tmp_path, called, CALLEE, "answer")
        wait_until_bound(called)
        registrar = Sipp(tmp_path, laptop.server, SERVER, "registrar")
        wait_until_bound(laptop.server)
        with running(laptop.phone, *phone) as ringing:
            assert registrar.succeeded(), registrar.program.text
            registrar.program.stop()
            assert f"@{EXTERNAL}:5060" in registrar.log
            play(callee, Sipp(tmp_path, laptop.server, SERVER, "registrar"))  # until it signs off
            assert ringing.finish() == 0
    assert audio(file, EXTERNAL, CALLEE) >= ENOUGH
    assert audio(file, CALLEE, EXTERNAL) >= ENOUGH


def test_names_are_looked_up_outside(laptop: Laptop) -> None:
    """Over UDP and over TCP."""
    server = ("dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file=/dev/null",
              "--no-hosts", "--no-resolv", "--bind-interfaces", f"--listen-address={SERVER}",
              "--host-record=phone.example,192.0.2.55", "--pid-file=", "--user=root")  # fmt: skip
    with running(laptop.server, *server, ready="started"):
        for more in ((), ("+tcp",)):
            words = (f"@{SERVER}", "phone.example", "+short", "+tries=1", *more)
            assert run_in(laptop.phone, "dig", *words).strip() == "192.0.2.55"


def test_what_a_router_further_on_says_comes_back(laptop: Laptop) -> None:
    """That it was the last stop of a packet (traceroute), and that one was too big for its next
    wire (RFC 1191): the sender is told the size, and what it sends then arrives."""
    far = laptop.machine(OUTSIDE, f"{ROUTER}/24")
    beyond = laptop.machine(INSIDE, "10.99.99.99/32")  # a place, its card is of no use
    netns.run(["ip", "-n", far, "link", "add", "on", "mtu", str(NARROW), "type", "veth",
               "peer", "name", "back", "mtu", str(NARROW), "netns", beyond])  # fmt: skip
    for place, card, address in ((far, "on", FAR_ROUTER), (beyond, "back", FAR)):
        netns.run(["ip", "-n", place, "address", "add", f"{address}/24", "dev", card])
        netns.run(["ip", "-n", place, "link", "set", card, "up"])
    netns.run(netns.within(far, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]))
    netns.run(["ip", "-n", beyond, "route", "add", "default", "via", FAR_ROUTER])
    ours = f"glassnat-{laptop.name}-out"
    netns.run(["ip", "-n", ours, "route", "add", FAR, "via", ROUTER])
    laptop.settle()
    said = run_in(laptop.phone, "traceroute", "-n", "-q", "1", "-w", "2", FAR)
    assert [line.split()[1] for line in said.splitlines()[-2:]] == [ROUTER, FAR]
    with running(
        laptop.phone, "ping", "-M", "do", "-c", "1", "-W", "5", "-s", "1400", FAR
    ) as large:
        large.finish()
    assert f"From {ROUTER}" in large.text
    assert f"mtu = {NARROW}" in large.text.replace("mtu=", "mtu = ")
    with running(beyond, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
        report = json.loads(run_in(laptop.phone, "iperf3", "-c", FAR, "-J", "-t", "1"))
    assert report["end"]["sum_received"]["bytes"] > 100 * NARROW
