"""Names for the machines between two bridges: `up --names`, asked with dig."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.wires import netns
from appliance.wires.privileges import nobody
from tests.host.test_privileges import assert_harmless
from tests.support.laptop import GATEWAY, SERVER, Laptop
from tests.support.programs import run_in, running

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "nsenter", "sysctl", "dig")]


def dig(machine: str, *words: str) -> str:
    return run_in(machine, "dig", f"@{GATEWAY}", "+tries=1", "+time=5", *words).strip()


def server_of(namespace: str) -> int:
    """The process called glassnat-names in a namespace."""
    there = netns.path_of(namespace).stat().st_ino
    (found,) = [
        process
        for process in Path("/proc").glob("[0-9]*")
        if (process / "comm").exists()
        and (process / "comm").read_text().strip() == "glassnat-names"
        and (process / "ns" / "net").stat().st_ino == there
    ]
    return int(found.name)


def test_machines_ask_the_gateway_and_the_rest_goes_through_the_nat(
    namespace: Callable[[str], str],
) -> None:
    """Its own names and others', by UDP and TCP; it has no privileges, and is gone with `down`."""
    laptop = Laptop(namespace)
    before = laptop.state()
    up = ("--names", "--dns", SERVER, "--host", "pbx=192.168.20.10")
    resolver = (sys.executable, "-m", "tests.host.nameserver", SERVER)
    try:
        with running(laptop.server, *resolver, ready="ready"):
            laptop.up(*up)
            assert dig(laptop.phone, "pbx", "+short") == "192.168.20.10"
            assert dig(laptop.phone, "pbx", "+short", "+tcp") == "192.168.20.10"
            assert dig(laptop.phone, "-x", "192.168.20.10", "+short") == "pbx."
            assert dig(laptop.phone, "phone.example", "+short") == "192.0.2.55"
            inside = next(each for each in laptop.namespaces() if each.endswith("-in"))
            assert_harmless(server_of(inside), nobody())
        assert "status: SERVFAIL" in dig(laptop.phone, "phone.example")
    finally:
        laptop.down()
    assert laptop.state() == before
