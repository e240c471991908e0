"""Real questions through the DNS ALG: dig asks dnsmasq, by UDP and TCP, from inside and from
outside. The phone has 203.0.113.10 to itself, and the names of both servers lead to it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host import nameserver
from tests.support.lab import PHONE, SERVER, Appliance, Lab
from tests.support.programs import run_in, running

pytestmark = [pytest.mark.host, pytest.mark.needs("ip", "ethtool", "dig", "delv", "dnsmasq")]

OWN = "203.0.113.10"
STATIC = f"""
[[nat.static]]
internal = "{PHONE}"
external = "{OWN}"
"""
BOTH = ("+notcp", "+tcp")


@contextlib.contextmanager
def dnsmasq(namespace: str, at: str, address: str) -> Iterator[None]:
    """A server at `at` that calls `address` pbx.example.net, and nothing else anything."""
    command = (
        "--no-daemon", "--no-resolv", "--no-hosts", "--user=root", "--conf-file=/dev/null",
        "--bind-interfaces", f"--listen-address={at}", "--pid-file=", "--log-facility=-",
        f"--host-record=pbx.example.net,{address},300", "--auth-ttl=300",
    )  # fmt: skip
    with running(namespace, "dnsmasq", *command, ready="started"):
        yield


def dig(namespace: str, server: str, *words: str) -> list[str]:
    """The records of the answer; dig itself refuses one that is not to its question."""
    said = run_in(namespace, "dig", f"@{server}", *words, "+noall", "+answer", "+time=2")
    return [" ".join(line.split()) for line in said.splitlines() if line and line[0] != ";"]


def use(appliance: Appliance, module: str) -> None:
    appliance.ask("set", "alg.dns.module", module)


def test_an_inside_host_is_told_the_address_that_it_can_reach(lab: Lab) -> None:
    """And the name of its inside address, by a server that knows the outside one only."""
    with lab.appliance(more=STATIC) as appliance, dnsmasq(lab.server, SERVER, OWN):
        assert dig(lab.phones, SERVER, "pbx.example.net") == [f"pbx.example.net. 300 IN A {OWN}"]
        assert dig(lab.phones, SERVER, "-x", PHONE) == []
        use(appliance, "dns")
        for over in BOTH:
            assert dig(lab.phones, SERVER, "pbx.example.net", over) == [
                f"pbx.example.net. 300 IN A {PHONE}"
            ]
            assert dig(lab.phones, SERVER, "-x", PHONE, over) == [
                "100.20.168.192.in-addr.arpa. 300 IN PTR pbx.example.net."
            ]
        counted = appliance.show("counters")["alg"]["dns"]
        assert (counted["errors"], counted["malformed"]) == (0, 0)
        assert counted["rewritten"] == 6  # an address, a name, and the name back; twice


def test_the_outside_is_told_the_address_that_it_can_reach(lab: Lab) -> None:
    """By a server inside that knows the inside address only."""
    with lab.appliance(more=STATIC) as appliance, dnsmasq(lab.phones, PHONE, PHONE):
        use(appliance, "dns")
        for over in BOTH:
            assert dig(lab.server, OWN, "pbx.example.net", over) == [
                f"pbx.example.net. 300 IN A {OWN}"
            ]
            assert dig(lab.server, OWN, "-x", OWN, over) == [
                "10.113.0.203.in-addr.arpa. 300 IN PTR pbx.example.net."
            ]


def test_a_signed_address_is_left_until_told_otherwise(lab: Lab, tmp_path: Path) -> None:
    """And who checks signatures believes what was left alone, and refuses what was changed."""
    server = (sys.executable, "-m", "tests.host.nameserver", SERVER, "signed")
    trusted = tmp_path / "trusted"
    flags, protocol, algorithm, key = nameserver.KEY.split()
    anchor = f'"example." static-key {flags} {protocol} {algorithm} "{key}"'
    trusted.write_text(f"trust-anchors {{ {anchor}; }};")
    with (
        lab.appliance(more=STATIC) as appliance,
        running(lab.server, *server, ready="ready"),
    ):
        use(appliance, "dns")
        signed, signature = dig(lab.phones, SERVER, "phone.example", "+dnssec")
        assert signed == f"phone.example. 60 IN A {OWN}"
        assert " RRSIG A " in signature
        assert "; fully validated" in checked(lab.phones, SERVER, trusted)
        appliance.ask("set", "alg.dns.dnssec", "rewrite")
        assert dig(lab.phones, SERVER, "phone.example", "+dnssec") == [
            f"phone.example. 60 IN A {PHONE}",
            signature,
        ]
        assert "RRSIG failed to verify" in checked(lab.phones, SERVER, trusted)


def checked(namespace: str, server: str, trusted: Path) -> str:
    """What BIND's validator says of the answer, with a key for `example.` that it trusts."""
    words = f"@{server} -a {trusted} +root=example phone.example A"
    return run_in(namespace, "sh", "-c", f"delv {words} 2>&1")
