"""`glassnat up`, `down` and `status`, between two bridges of a laptop that is a namespace."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.host.test_privileges import TEACHER, assert_harmless
from tests.support.lab import GLASSNAT, capture, namespaces, tshark
from tests.support.laptop import EXTERNAL, GATEWAY, INSIDE, OUTSIDE, PHONE, SERVER, Laptop
from tests.support.programs import run_in, running, until

pytestmark = [
    pytest.mark.host,
    pytest.mark.needs(
        "ip", "nsenter", "sysctl", "nft", "ping", "traceroute", "tcpdump", "tshark", "iperf3", "dig"
    ),
]

MOMENTS = 25
"""At which the start is killed, on each of two laptops."""


@pytest.fixture
def laptop(namespace: Callable[[str], str]) -> Iterator[Laptop]:
    laptop = Laptop(namespace)
    yield laptop
    laptop.down()
    assert laptop.namespaces() == []


def ping(machine: str, address: str, count: int = 2) -> str:
    return run_in(machine, "ping", "-c", str(count), "-i", "0.05", "-W", "2", address)


# --- while it is up ------------------------------------------------------------------------------


class Up(NamedTuple):
    """A laptop on which it is up, and what was said."""

    laptop: Laptop
    planned: list[str]
    done: list[str]


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """Started through `sudo`. Afterwards the laptop is as before."""
    with namespaces() as make, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SUDO_UID", str(TEACHER.uid))
        environment.setenv("SUDO_GID", str(TEACHER.gid))
        laptop = Laptop(make)
        before = laptop.state()
        words = ("--alg", "sip", "--set", "outside.mtu=1400")
        planned = laptop.run(*laptop.up_words(*words, "--dry-run")).splitlines()
        assert laptop.state() == before, "a dry run does nothing"
        try:
            yield Up(laptop, planned, laptop.up(*words).splitlines())
        finally:
            laptop.down()
        assert laptop.state() == before
        assert laptop.namespaces() == []


def test_every_packet_between_the_bridges_passes_the_appliance(up: Up, tmp_path: Path) -> None:
    """The first ping after `up` is answered; the NAT and its two rooms are three hops; the outside
    sees the external address alone."""
    laptop = up.laptop
    with capture(laptop.server, "eth0", tmp_path / "server.pcap") as file:
        assert "ttl=61" in ping(laptop.phone, SERVER, count=1)
        said = run_in(laptop.phone, "traceroute", "-n", "-q", "1", "-w", "2", SERVER)
    hops = [line.split()[1] for line in said.splitlines()[1:]]
    assert hops == [GATEWAY, GATEWAY, "192.0.0.8", SERVER]
    seen = {source for (source,) in tshark(file, "ip", "ip.src")}
    assert {each.partition(",")[0] for each in seen} == {EXTERNAL, SERVER}


def test_what_runs_is_found_by_its_name(up: Up) -> None:
    ping(up.laptop.phone, SERVER)
    name = ("--name", up.laptop.name)
    flows = json.loads(run_in("", *GLASSNAT, "show", "flows", "--json", *name))
    assert {each["internal"].partition(":")[0] for each in flows} == {PHONE}
    assert {each["external"].partition(":")[0] for each in flows} == {EXTERNAL}
    run_in("", *GLASSNAT, "set", "nat.hairpin", "false", *name)
    row = up.laptop.status()[up.laptop.name]
    assert (row["state"], row["inside"], row["outside"]) == ("up", INSIDE, OUTSIDE)


def test_errors_find_their_way_back(up: Up) -> None:
    """Who is not there, and what is too large for the wire behind the NAT (RFC 1191)."""
    phone = up.laptop.phone
    absent = ("ping", "-c", "1", "-W", "5", "203.0.113.77")
    with (
        running(phone, *absent) as missing,
        running(phone, "ping", "-M", "do", "-c", "1", "-W", "5", "-s", "1400", SERVER) as large,
    ):
        missing.finish()
        large.finish()
    assert "From 192.0.0.8" in missing.text
    assert "Destination Host Unreachable" in missing.text
    assert "mtu = 1400" in large.text.replace("mtu=", "mtu = ")


def test_streams_datagrams_and_names_pass(up: Up) -> None:
    laptop = up.laptop
    with running(laptop.server, "iperf3", "-s", "-1", "--forceflush", ready="listening"):
        report = json.loads(run_in(laptop.phone, "iperf3", "-c", SERVER, "-J", "-t", "1"))
    assert report["end"]["sum_received"]["bytes"] > 1_000_000
    server = (sys.executable, "-m", "tests.host.nameserver", SERVER)
    with running(laptop.server, *server, ready="ready"):
        said = run_in(laptop.phone, "dig", f"@{SERVER}", "phone.example", "+short", "+tries=1")
    assert said.strip() == "192.0.2.55"


def test_a_dry_run_prints_what_up_does(up: Up) -> None:
    """Each step is the command that it is."""
    assert up.done[: len(up.planned)] == up.planned
    assert [line for line in up.planned if not line.startswith("[#] ")] == []


def test_up_twice_is_the_wrong_state(up: Up) -> None:
    said = up.laptop.run(*up.laptop.up_words(), code=4)
    assert f"glassnat down {up.laptop.name}" in said
    ping(up.laptop.phone, SERVER)


def test_while_packets_flow_it_is_the_callers_and_may_do_nothing(up: Up) -> None:
    """No capability, no way back, the caller's uid, and the caller's sockets."""
    row = up.laptop.status()[up.laptop.name]
    with running(up.laptop.phone, "ping", "-i", "0.02", SERVER, ready="time="):
        assert_harmless(row["pid"], TEACHER)
    assert Path(row["control"]).stat().st_uid == TEACHER.uid


def test_other_external_addresses_are_seen_at_once(up: Up) -> None:
    """The namespace follows the appliance, and the outside finds the new address by ARP."""
    name = ("--name", up.laptop.name)
    for external in ("203.0.113.7", EXTERNAL):
        run_in("", *GLASSNAT, "set", "outside.external", f'["{external}"]', *name)
        with running(
            up.laptop.server, "tcpdump", "-lni", "eth0", "icmp", ready="listening"
        ) as seen:
            ping(up.laptop.phone, SERVER)
            seen.wait_for(f"{external} > {SERVER}: ICMP echo request")


# --- when it ends --------------------------------------------------------------------------------


def test_what_was_killed_is_stale_and_goes_by_its_name_alone(
    laptop: Laptop, tmp_path: Path
) -> None:
    """Also when its configuration file is gone; then it can be up again."""
    before = laptop.state()
    file = tmp_path / "lab.toml"
    file.write_text('[nat.timeouts]\nudp = "10m"\n')
    laptop.up("--config", str(file))
    row = laptop.status()[laptop.name]
    os.kill(row["pid"], signal.SIGKILL)
    until(lambda: laptop.status()[laptop.name]["state"] == "stale")
    file.unlink()
    assert "is up already, or was" in laptop.run(*laptop.up_words(), code=4)
    laptop.down()
    assert laptop.state() == before
    laptop.up()
    ping(laptop.phone, SERVER)
    laptop.down()
    assert f"{laptop.name} is not up" in laptop.down(), "twice is fine"


def test_while_it_dies_no_internal_address_leaves(laptop: Laptop, tmp_path: Path) -> None:
    """Promise 1: packets keep coming from inside, to whoever is outside, before, while and after
    the program is killed; what is seen on the outside bridge has the external address."""
    laptop.up()
    flood = ("ping", "-f", "-w", "2", "-i", "0.002", SERVER)
    with (
        capture(laptop.netns, OUTSIDE, tmp_path / "outside.pcap") as file,
        running(laptop.phone, *flood) as pinging,
    ):
        until(lambda: file.stat().st_size > 20_000)
        os.kill(laptop.status()[laptop.name]["pid"], signal.SIGKILL)
        pinging.finish()
    assert tshark(file, f"ip.src == {EXTERNAL}")
    assert tshark(file, "ip.addr == 192.168.20.0/24") == []


def test_several_stand_side_by_side(laptop: Laptop) -> None:
    other = f"{laptop.name}-b"
    second = laptop.machine(INSIDE, "10.0.0.100/24", "10.0.0.1")
    try:
        laptop.up()
        laptop.up("--gateway", "10.0.0.1/24", "--external", "203.0.113.2/24", name=other)
        ping(laptop.phone, SERVER)
        ping(second, SERVER)
        assert {laptop.status()[name]["state"] for name in (laptop.name, other)} == {"up"}
        laptop.down()
        ping(second, SERVER)
    finally:
        laptop.down(other)


def test_killed_at_any_moment_of_its_start_it_goes_by_its_name(
    namespace: Callable[[str], str],
) -> None:
    """Promise 5: links, addresses, routes, rules, neighbours, firewall and sysctls are the same
    before and after, whenever `up` is killed."""
    with contextlib.ExitStack() as both:
        programs = []
        for seed in (1, 2):
            laptop = Laptop(namespace)
            killed = (sys.executable, "-m", "tests.host.killed", laptop.name, str(MOMENTS))
            command = laptop.here(*killed, str(seed), INSIDE, OUTSIDE)
            programs.append(both.enter_context(running("", *command)))
        for program in programs:
            assert program.finish(120) == 0, program.text
    moments = [json.loads(line) for program in programs for line in program.text.splitlines()]
    assert len(moments) == 2 * MOMENTS
    assert [each for each in moments if each["different"] or "down" in each["ended"]] == []
    assert any(each["ended"] == "killed" for each in moments)


def test_a_bridge_without_another_port_has_its_own_address_back(
    namespace: Callable[[str], str],
) -> None:
    """It takes that of a port, and the kernel leaves it none when the last port goes away."""
    laptop = Laptop(namespace, machines=False)

    def hardware() -> list[str]:
        return [each["address"] for each in json.loads(laptop.ip("-json", "link"))]

    before = hardware()
    laptop.up()
    laptop.down()
    assert hardware() == before


def test_interrupted_it_tidies_up(laptop: Laptop) -> None:
    """Tried again where it was done before the signal came: it takes a second, and the machine may
    stumble for one."""
    before = laptop.state()
    for _ in range(3):
        with running("", *laptop.glassnat(*laptop.up_words()), ready="ip -n") as up:
            up.process.send_signal(signal.SIGINT)
            if code := up.finish():
                break
        laptop.down()
    assert code == 130, up.text
    assert laptop.state() == before
    assert laptop.name not in laptop.status()


def test_a_step_that_fails_takes_the_others_with_it(laptop: Laptop) -> None:
    """Somebody else's namespace of that name is an obstacle, and stays."""
    before = laptop.state()
    taken = f"glassnat-{laptop.name}-out"
    run_in("", "ip", "netns", "add", taken)
    try:
        assert "File exists" in laptop.run(*laptop.up_words(), code=3)
        assert laptop.namespaces() == [taken]
    finally:
        run_in("", "ip", "netns", "delete", taken)
    assert laptop.state() == before


def test_what_cannot_be_is_a_sentence_and_changes_nothing(laptop: Laptop) -> None:
    """(The sentences themselves: `tests/appliance/namespaces/between/test_bridges.py`.)"""
    laptop.ip("link", "add", "br-up", "type", "bridge")
    laptop.ip("link", "set", "br-up", "up")
    laptop.ip("address", "add", "10.9.0.1/24", "dev", "br-up")
    laptop.ip("route", "add", "default", "via", "10.9.0.254")
    before = laptop.state()
    bridges = ("--inside", INSIDE, "--outside", OUTSIDE)
    for words, said in (
        (("--inside", "br-inn", "--outside", OUTSIDE), 'did you mean "br-in"?'),
        (("--inside", INSIDE, "--outside", "br-up"), "own way to its network"),
        ((*bridges, "--gateway", "10.9.0.1/24"), "on br-up"),
    ):
        assert said in laptop.run("up", laptop.name, *words, code=2)
    assert laptop.state() == before
