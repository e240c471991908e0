"""`glassnat show`: tables for people, JSON for programs, filters where the tables are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.appliance.cli.served import Appliance

Run = Callable[..., Any]


@pytest.mark.usefixtures("appliance")
def test_flows_are_a_table_or_json(glassnat: Run) -> None:
    (flow,) = json.loads(glassnat("show", "flows", "--json").out)
    assert flow["internal"] == "192.168.20.100:5060"
    assert flow["state"] == "unanswered"
    assert flow["expires_in"] == pytest.approx(115.0)
    heading, row = glassnat("show", "flows", "--name", "lab").out.splitlines()
    assert heading.split()[:3] == ["ID", "PROTO", "INTERNAL"]
    assert "203.0.113.9:5060" in row
    assert "1m55s" in row


@pytest.mark.usefixtures("appliance")
@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--protocol", "udp"], 1),
        (["--protocol", "tcp"], 0),
        (["--internal", "192.168.20.0/24", "--remote", ":5060"], 1),
        (["--internal", "192.168.20.100", "--state", "answered"], 0),
        (["--external", "203.0.113.1:5060", "--state", "unanswered"], 1),
    ],
)
def test_flows_are_filtered_where_they_are_kept(
    glassnat: Run, filters: list[str], count: int
) -> None:
    assert len(json.loads(glassnat("show", "flows", *filters, "--json").out)) == count
    assert len(glassnat("show", "flows", *filters).out.splitlines()) == (count + 1 if count else 0)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["flows", "--protocol", "upd"], '--protocol: "upd" is not known; one of: icmp, tcp, udp'),
        (["mappings", "--state", "answered"], 'show mappings has no filter "state"'),
        (["flows", "--internal", "alice"], '--internal: "alice" is none of'),
        (["flows", "--profile", "linux"], "are for show rfc"),
        (["rfc", "--profile", "simetric"], 'did you mean "symmetric"'),
    ],
)
def test_a_wrong_filter_needs_no_appliance_to_be_wrong(
    glassnat: Run, arguments: list[str], said: str
) -> None:
    answer = glassnat("show", *arguments)
    assert answer.code == 2
    assert said in answer.err


def test_requirements_are_met_or_not_and_why(glassnat: Run, appliance: Appliance) -> None:
    appliance.engine.set("nat.hairpin", False, "test", 5.0)
    rows = {row["id"]: row for row in json.loads(glassnat("show", "rfc", "--json").out)}
    assert rows["RFC4787-REQ-9"]["met"] is False
    assert set(rows["RFC4787-REQ-9"]) >= {"id", "level", "title", "met", "why", "test"}
    answer = glassnat("show", "rfc")
    lines = answer.out.splitlines()
    (line,) = [each for each in lines if each.startswith("✗ RFC4787-REQ-9 ")]
    assert "nat.hairpin is off" in lines[lines.index(line) + 1]
    assert f"of {len(rows)} are met" in answer.err


@pytest.mark.usefixtures("folder")
def test_requirements_of_a_profile_or_a_file_need_no_appliance(glassnat: Run, file: str) -> None:
    def met(*arguments: str) -> dict[str, bool]:
        rows = json.loads(glassnat("show", "rfc", *arguments, "--json").out)
        return {row["id"]: row["met"] for row in rows}

    assert met("--config", file)["RFC4787-REQ-1"]
    assert not met("--profile", "symmetric")["RFC4787-REQ-1"]


@pytest.mark.usefixtures("appliance")
@pytest.mark.parametrize("what", ["mappings", "expectations", "calls", "counters", "settings"])
def test_everything_can_be_shown_both_ways(glassnat: Run, what: str) -> None:
    assert json.loads(glassnat("show", what, "--json").out) is not None
    text = glassnat("show", what)
    assert text.code == 0
    assert text.out or text.err == f"no {what}\n"


@pytest.mark.usefixtures("appliance")
def test_settings_say_where_they_are_from(glassnat: Run) -> None:
    out = glassnat("show", "settings").out
    (line,) = [line for line in out.splitlines() if line.startswith("nat.timeouts.udp =")]
    assert line.split() == ["nat.timeouts.udp", "=", '"5m"', "#", "default"]


@pytest.mark.usefixtures("folder")
def test_a_filter_that_a_table_does_not_have_is_no_option_called_show(glassnat: Run) -> None:
    answer = glassnat("show", "mappings", "--state", "answered")
    assert answer.err.startswith('glassnat: show mappings has no filter "state"')
