"""`[nat.timeouts]` and `[nat.limits]`: as many keys, and the same defaults, as the NAT has."""

from __future__ import annotations

from dataclasses import asdict

from appliance.settings.sections.nat_bounds import LIMITS, TIMEOUTS
from appliance.settings.setting import Setting
from nat.behavior import Limits, Timeouts

ONLY_HERE = {
    "udp_by_port": {53: 30.0},  # RFC 4787 REQ-5a: a name server's port may have less
    "tcp_closing": "auto",  # the word for None
}


def defaults(section: tuple[Setting, ...]) -> dict[str, object]:
    return {setting.key.rpartition(".")[2]: setting.default for setting in section}


def test_every_timeout_of_the_nat_can_be_set() -> None:
    assert defaults(TIMEOUTS) == {**asdict(Timeouts()), **ONLY_HERE}


def test_every_limit_of_the_nat_can_be_set() -> None:
    assert defaults(LIMITS) == asdict(Limits())


def test_bounds_can_be_changed_while_packets_flow() -> None:
    assert all(setting.live for setting in (*TIMEOUTS, *LIMITS))
