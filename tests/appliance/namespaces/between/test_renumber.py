"""The outside namespace follows when the external addresses change."""

from __future__ import annotations

import json

import pytest

from appliance.namespaces.between import renumber
from appliance.settings.network_kinds import Interface, InterfaceAddress
from nat.endpoint import parse_address
from tests.appliance.namespaces.between.conftest import Commands


def interface(text: str) -> Interface:
    found = InterfaceAddress().parse(text)
    assert found is not None
    return found


HAS = [interface("203.0.113.1/24"), interface("203.0.113.2/24")]


def turned(*wanted: str) -> list[str]:
    steps = renumber.steps("lab", HAS, [parse_address(each) for each in wanted])
    return [" ".join(step.command[3:]) for step in steps]


@pytest.mark.parametrize(
    ("address", "prefix"), [("203.0.113.9", 24), ("198.51.100.7", 32)], ids=["at-home", "alone"]
)
def test_a_new_one_is_answered_for_and_goes_into_the_tun(address: str, prefix: int) -> None:
    """Before the old ones go: whoever asks meanwhile is answered."""
    assert turned("203.0.113.1", "203.0.113.2", address) == [
        f"address add {address}/{prefix} dev to-bridge",
        f"rule add pref 10 to {address} lookup 100",
        f"neighbour add proxy {address} dev to-bridge",
    ]


def test_one_that_is_not_external_any_more_is_nobodys() -> None:
    assert turned("203.0.113.2") == [
        "address delete 203.0.113.1/24 dev to-bridge",
        "rule delete pref 10 to 203.0.113.1 lookup 100",
        "neighbour delete proxy 203.0.113.1 dev to-bridge",
    ]
    assert turned("203.0.113.1", "203.0.113.2") == []


def test_what_is_there_is_looked_at(commands: Commands) -> None:
    found = [{"local": "203.0.113.1", "prefixlen": 24}, {"local": "203.0.113.2", "prefixlen": 24}]
    commands.answers[("ip", "-n", "glassnat-lab-out")] = json.dumps([{}, {"addr_info": found}])
    assert renumber.present("lab") == HAS
