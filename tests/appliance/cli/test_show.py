"""`glassnat show`: tables for people, JSON for programs, filters where the tables are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nat.endpoint import Side
from nat.packet import Packet
from tests.alg.sip_poor.messages import INVITE
from tests.appliance.cli.forged import Forger
from tests.appliance.cli.served import Appliance
from tests.support import packets
from tests.support.conversation import wire

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


CALL = (
    INVITE.replace("Call-ID: 1", "Call-ID: a84b4c76e667")
    .replace("sip:a@192.168.20.100>;tag", "sip:al\x1bice@example.net>;tag")
    .replace("sip:b@", "sip:bob@")
)


@pytest.fixture
def calling(appliance: Appliance) -> None:
    """An appliance with one call that nobody has answered."""
    datagram = packets.udp("192.168.20.100:5060", "203.0.113.9:5060", wire(CALL))
    assert appliance.engine.handle(Packet.of(datagram), Side.INSIDE, 5.0)


@pytest.mark.usefixtures("calling")
@pytest.mark.parametrize("name", ["a84b4c76e667", "a84"])
def test_one_call_is_shown_with_all_that_belongs_to_it(glassnat: Run, name: str) -> None:
    shown = json.loads(glassnat("show", "call", name, "--json").out)
    assert (shown["call"], shown["state"]) == ("a84b4c76e667", "trying")
    assert shown["announced"][0]["own"] == "192.168.20.100:4000"
    assert [flow["carries"] for flow in shown["flows"]] == ["signalling"]
    answer = glassnat("show", "call", name)
    assert answer.code == 0
    first, verdict, media, *tables = answer.out.splitlines()
    assert first == "call a84b4c76e667: al␛ice to bob, trying"
    assert verdict == "nobody has answered al␛ice yet"
    assert media == "media: 0 packets out, 0 in"
    assert [line.split()[0] for line in tables if line] == [
        "ANNOUNCED", "audio", "audio", "FLOW", "signalling",
    ]  # fmt: skip


@pytest.mark.usefixtures("calling")
def test_since_is_when_the_state_began(glassnat: Run) -> None:
    """In seconds since the appliance started, as in `watch`; the help says so."""
    heading, row = glassnat("show", "calls").out.splitlines()
    assert heading.split() == [
        "CALL", "KIND", "CALLER", "CALLEE", "STATE", "SINCE", "MESSAGES", "EXPIRES", "IN",
        "INFERRED",
    ]  # fmt: skip
    assert row.split() == ["a84b4c76e667", "call", "al␛ice", "bob", "trying", "5.0", "1", "-"]
    assert "SINCE is when the state began" in glassnat("show", "--help").out


@pytest.mark.usefixtures("calling")
@pytest.mark.parametrize("name", ["b", "", "a84b4c76e667x"])
def test_a_call_that_is_not_there_is_the_answer_no(glassnat: Run, name: str) -> None:
    answer = glassnat("show", "call", name)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("glassnat: no call, or more than one, begins with")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["call"], "show call needs its ID: glassnat show call ID"),
        (["flows", "c1"], 'show flows takes no "c1"'),
        (["call", "c1", "--protocol", "udp"], 'show call has no filter "protocol"'),
    ],
)
def test_only_a_call_has_a_name(glassnat: Run, arguments: list[str], said: str) -> None:
    answer = glassnat("show", *arguments)
    assert answer.code == 2
    assert said in answer.err


BAD = "\x1b[2J\x7f\x9b31m"
ROW = {BAD: BAD, "call": BAD, "expires_in": BAD}
WIRES = {"inside": {BAD: 1}, BAD: {"received": 1}}
USE = {"now": BAD, "high_water": BAD, "limit": BAD}
FORGED: dict[str, Any] = {
    "flows": [ROW],
    "calls": [ROW],
    "mappings": [ROW],
    "expectations": [ROW],
    "settings": {BAD: {"value": BAD, "origin": BAD}},
    "rfc": [{"id": BAD, "level": BAD, "title": BAD, "met": 0, "why": BAD}],
    "counters": {
        "wires": WIRES, "drops": WIRES, "kernel": WIRES, "alg": WIRES, "flows": USE,
        "limits": {BAD: USE}, "memory": {BAD: USE},
    },
    "call": {
        "kind": BAD, "call": BAD, "caller": BAD, "callee": BAD, "state": BAD, "verdict": BAD,
        "packets_out": BAD, "packets_in": BAD, "announced": [ROW], "flows": [ROW],
        "expectations": [ROW], "inferred": [ROW, {"party": BAD, "sentence": BAD}],
    },
}  # fmt: skip


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("what", FORGED)
def test_whoever_answers_cannot_move_the_cursor(
    glassnat: Run, folder: Path, what: str, as_json: bool
) -> None:
    """Not by a value and not by a key: what answers there may be no appliance of ours."""
    Forger(folder / "lab.sock", FORGED[what])
    named = ["x"] if what == "call" else []
    answer = glassnat("show", what, *named, *(["--json"] if as_json else []))
    assert answer.code == 0
    assert (answer.out + answer.err).replace("\n", "").isprintable()
    assert answer.out or answer.err


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
