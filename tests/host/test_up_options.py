"""What may be added to `up`: addresses by DHCP, one port one address, a way on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.lab import capture, tshark
from tests.support.laptop import GATEWAY, INSIDE, PHONE, SERVER, Laptop
from tests.support.programs import run_in, try_in

pytestmark = [
    pytest.mark.host,
    pytest.mark.needs("ip", "nsenter", "ping", "nft", "dnsmasq", "busybox", "tcpdump", "tshark"),
]


@pytest.fixture
def laptop(namespace: Callable[[str], str]) -> Iterator[Laptop]:
    laptop = Laptop(namespace)
    yield laptop
    laptop.down()


def test_inside_machines_get_their_addresses_and_keep_to_them(
    laptop: Laptop, tmp_path: Path
) -> None:
    """By DHCP: an address, the gateway, a name server. And with one port, one address: who takes a
    neighbour's gets nothing through, and the neighbour loses nothing."""
    thief = laptop.machine(INSIDE, "10.9.9.9/32")
    laptop.settle()
    before = laptop.state()
    laptop.up("--dhcp", "--dns", "192.0.2.53", "--one-port-one-address")
    script = tmp_path / "told"
    script.write_text('#!/bin/sh\n[ "$1" = bound ] && echo "$ip/$mask $router $dns"\n')
    script.chmod(0o755)
    ask = ("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "10", "-T", "1")
    address, gateway, name_server = run_in(thief, *ask, "-s", str(script)).split()
    assert address.startswith("192.168.20.")
    assert 128 <= int(address.split("/")[0].rpartition(".")[2]) <= 254
    assert (gateway, name_server) == (GATEWAY, "192.0.2.53")

    run_in(laptop.phone, "ping", "-c", "1", "-W", "2", SERVER)
    for words in (("address", "add", f"{PHONE}/24"), ("address", "add", address)):
        run_in("", "ip", "-n", thief, *words, "dev", "eth0")
    run_in("", "ip", "-n", thief, "route", "add", "default", "via", GATEWAY)
    own = address.partition("/")[0]
    assert try_in(thief, "ping", "-c", "2", "-i", "0.1", "-W", "1", "-I", PHONE, SERVER) != 0
    assert try_in(thief, "ping", "-c", "1", "-W", "2", "-I", own, SERVER) == 0
    run_in(laptop.phone, "ping", "-c", "2", "-i", "0.1", "-W", "2", SERVER)
    assert laptop.status()[laptop.name]["impostors"] > 0
    laptop.down()
    assert laptop.state() == before


def test_with_an_uplink_both_sides_reach_the_laptops_network_translated(
    laptop: Laptop, tmp_path: Path
) -> None:
    """The inside twice, the outside once; there one address is seen for all of them."""
    laptop.ip("link", "add", "virbr0", "type", "bridge")
    laptop.ip("link", "set", "virbr0", "up")
    laptop.ip("address", "add", "192.168.122.1/24", "dev", "virbr0")
    laptop.machine("virbr0", "192.168.122.2/24")  # a bridge that never had a port looks different
    laptop.settle()
    run_in("", "ip", "-n", laptop.server, "route", "add", "default", "via", "203.0.113.1")
    before = laptop.state()
    laptop.up("--uplink", "virbr0", "--uplink-address", "192.168.122.250/24")
    with capture(laptop.netns, "virbr0", tmp_path / "uplink.pcap") as file:
        for machine in (laptop.phone, laptop.server):
            run_in(machine, "ping", "-c", "1", "-W", "5", "192.168.122.1")
    seen = {source for (source,) in tshark(file, "icmp.type == 8", "ip.src")}
    assert seen == {"192.168.122.250"}
    laptop.down()
    after = laptop.state()
    del before["sysctl"], after["sysctl"]  # to translate loads a module, which has some
    assert after == before
