"""The documents of `show` as text: grouped, aligned, without what says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.cli.tables import lines, value_text

USE = {"now": 3, "high_water": 7, "limit": 100}
COUNTERS: dict[str, Any] = {
    "wires": {
        "inside": {"received": 12, "forwarded": 9, "dropped": 3, "own": 1},
        "outside": {"received": 4, "forwarded": 4, "dropped": 0, "own": 0},
    },
    "drops": {"inside": {"host-flow-limit": 3, "martian": 0}, "outside": {}},
    "flows": USE,
    "limits": {"flows": USE, "ports_per_host": {"now": 2, "high_water": 2, "limit": 0}},
    "alg": {"sip": {"seen": 5, "errors": 0}, "dns": {"seen": 0, "errors": 0}},
}


def test_counters_are_four_groups_with_what_belongs_together_side_by_side() -> None:
    assert (
        "\n".join(lines("counters", COUNTERS))
        == """\
WIRES      INSIDE  OUTSIDE
received   12      4
forwarded  9       4
dropped    3       0
own        1       0

DROPS            INSIDE  OUTSIDE
host-flow-limit  3       0

LIMITS          NOW  HIGH-WATER  LIMIT
flows           3    7           100
ports_per_host  2    2           none

ALGS    SIP  DNS
seen    5    0
errors  0    0"""
    )


def test_what_the_kernel_dropped_stands_beside_what_this_program_did() -> None:
    kernel = {"inside": {"before": 475, "after": 0}, "outside": {"before": 0, "after": 2}}
    text = "\n".join(lines("counters", {**COUNTERS, "kernel": kernel}))
    assert (
        """DROPPED BY THE KERNEL  INSIDE  OUTSIDE
before                 475     0
after                  0       2
"""
        in text
    )


def test_what_is_kept_is_shown_in_bytes() -> None:
    memory = {"events": {"now": 5, "high_water": 9, "limit": 100}}
    text = "\n".join(lines("counters", {**COUNTERS, "memory": memory}))
    assert "BYTES KEPT  NOW  HIGH-WATER  LIMIT\nevents      5    9           100\n" in text


def test_where_nothing_was_dropped_it_says_so() -> None:
    text = list(lines("counters", {**COUNTERS, "drops": {"inside": {"martian": 0}, "outside": {}}}))
    assert "no drops" in text
    assert not [line for line in text if "martian" in line]


def test_flows_that_nobody_reads_are_counted_and_told_under_their_table() -> None:
    counted = list(lines("counters", {**COUNTERS, "hints": {"sip": 2}}))
    assert counted[-2:] == ["NOT READ  FLOWS", "sip       2"]
    told = list(lines("flows", [{"id": 7, "hint": "SIP on port 5070"}, {"id": 8, "hint": ""}]))
    assert told[-2:] == ["", "hint for flow 7: SIP on port 5070"]


@pytest.mark.parametrize(("left", "shown"), [(59.94, "59.9s"), (115.0, "1m55s"), (-0.5, "0.0s")])
def test_a_countdown_is_shown_as_a_person_reads_it(left: float, shown: str) -> None:
    mapping = {"protocol": "udp", "internal": "a", "external": "b", "flows": 1, "expires_in": left}
    heading, row = lines("mappings", [mapping])
    assert heading.split() == ["PROTO", "INTERNAL", "EXTERNAL", "FLOWS", "EXPIRES", "IN"]
    assert row.split()[-1] == shown


def test_an_empty_list_is_said_and_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(lines("flows", [])) == []
    assert capsys.readouterr() == ("", "no flows\n")


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("nat.timeouts.udp", 300.0, '"5m"'),
        ("nat.hairpin", True, "true"),
        ("nat.timeouts.udp_by_port", {"53": 30.0}, '{53 = "30s"}'),
        ("nat.timeouts.udp_by_port.53", {"53": 30.0}, '{"53": 30.0}'),
        ("name", "\x1b[2J", '"\\u001b[2J"'),
    ],
)
def test_a_value_is_shown_as_a_configuration_would_have_it(
    key: str, value: object, text: str
) -> None:
    assert value_text(key, value) == text
