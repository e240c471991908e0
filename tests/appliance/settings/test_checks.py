"""Settings that do not fit together are found, all of them, with their key."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.settings.checks import contradictions, derive, warnings
from appliance.settings.table import Settings
from nat.endpoint import address_text

GOOD: dict[str, Any] = {
    "inside.networks": ["192.168.20.0/24"],
    "inside.gateway": "192.168.20.1",
    "outside.external": ["203.0.113.1"],
}


def forms(plain: dict[str, Any]) -> dict[str, Any]:
    """All values in the program's form: the defaults, and these in their place."""
    given = {key: Settings.parse(key, value) for key, value in plain.items()}
    return {**Settings().forms, **given}


def values(**changes: Any) -> dict[str, Any]:
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return forms({**GOOD, **named})


def test_a_minimal_configuration_fits_together() -> None:
    assert contradictions(values()) == []


STATIC = {"internal": "192.168.20.10", "external": "203.0.113.10"}
FORWARD = {"protocol": "udp", "external": "203.0.113.1:5060", "internal": "192.168.20.10:5060"}


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"outside__device": "gn-in"}, "outside.device", "as inside.device"),
        ({"inside__networks": []}, "inside.networks", "is needed"),
        ({"outside__external": []}, "outside.external", "is needed"),
        ({"inside__networks": ["192.168.20.0/24", "192.168.0.0/16"]}, "inside.networks", "overlap"),
        ({"inside__networks": ["192.168.20.0/24", "127.0.0.0/8"]}, "inside.networks", "reserved"),
        ({"inside__gateway": "10.0.0.1"}, "inside.gateway", 'did you mean "192.168.20.1"'),
        ({"inside__gateway": "192.168.20.0"}, "inside.gateway", "no host"),
        ({"inside__gateway": "192.168.20.255"}, "inside.gateway", "no host"),
        ({"inside__address": "192.168.20.1/24"}, "inside.gateway", "also inside.address"),
        ({"inside__address": "10.0.0.1/8"}, "inside.address", "not in inside.networks"),
        ({"outside__external": ["192.168.20.5"]}, "outside.external", "RFC 4787 REQ-7"),
        ({"outside__external": ["127.0.0.1"]}, "outside.external", "reserved"),
        ({"outside__address": "203.0.113.1/24"}, "outside.external", "own it alone"),
        ({"outside__address": "192.168.20.7/16"}, "outside.address", "RFC 4787 REQ-7"),
        ({"nat__static": [STATIC, STATIC]}, "nat.static", "192.168.20.10 stands in entry 1"),
        ({"nat__static": [{**STATIC, "internal": "10.0.0.1"}]}, "nat.static", "not in inside"),
        ({"nat__static": [{**STATIC, "external": "192.168.20.9"}]}, "nat.static", "REQ-7"),
        ({"nat__forward": [FORWARD, FORWARD]}, "nat.forward", "entry 2: udp 203.0.113.1:5060"),
        ({"nat__forward": [{**FORWARD, "internal": "10.0.0.1:1"}]}, "nat.forward", "not in inside"),
        ({"nat__forward": [{**FORWARD, "external": "203.0.113.7:1"}]}, "nat.forward", "external"),
        ({"nat__no_translate": ["192.168.0.0/16"]}, "nat.no_translate", "of the inside"),
        ({"nat__no_translate": ["203.0.113.0/24"]}, "nat.no_translate", "holds 203.0.113.1"),
    ],
)  # fmt: skip
def test_a_contradiction_names_its_key(changes: dict[str, Any], key: str, said: str) -> None:
    found = contradictions(values(**changes))
    assert [problem for problem in found if problem.key == key and said in problem.sentence], found


def test_udp_and_tcp_may_be_forwarded_from_the_same_port() -> None:
    assert contradictions(values(nat__forward=[FORWARD, {**FORWARD, "protocol": "tcp"}])) == []


def test_a_static_address_may_have_forwards_of_its_own() -> None:
    forward = {**FORWARD, "external": "203.0.113.10:5060"}
    assert contradictions(values(nat__static=[STATIC], nat__forward=[forward])) == []


@pytest.mark.parametrize(
    ("given", "networks", "gateway"),
    [
        ({"inside.address": "192.168.20.100/24"}, ["192.168.20.0/24"], "192.168.20.1"),
        ({"inside.networks": ["10.1.0.0/16"]}, None, "10.1.0.1"),
        ({"inside.address": "192.168.20.1/24"}, ["192.168.20.0/24"], "192.168.20.2"),
        ({"inside.networks": ["192.0.2.4/31"]}, None, "192.0.2.4"),
    ],
)
def test_networks_and_gateway_follow_from_what_is_given(
    given: dict[str, Any], networks: list[str] | None, gateway: str
) -> None:
    derived = derive(forms(given))
    found = derived.get("inside.networks")
    assert networks == (None if found is None else [str(network) for network in found])
    assert address_text(derived["inside.gateway"]) == gateway


def test_what_is_given_is_not_derived() -> None:
    assert derive(values()) == {}


def test_short_timers_are_allowed_but_said() -> None:
    """RFC 4787 REQ-5: a UDP mapping timer MUST NOT expire in less than two minutes."""
    found = warnings(values(nat__timeouts__udp=30.0, nat__timeouts__icmp=10.0))
    assert [problem.key for problem in found] == ["nat.timeouts.udp", "nat.timeouts.icmp"]
    assert warnings(values()) == []
