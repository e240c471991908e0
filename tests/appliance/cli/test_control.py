"""`glassnat set`, `flush` and `watch`, on an appliance that runs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import renumber
from appliance.journal.events import Started
from nat.mapping import Terms
from tests.appliance.cli.forged import Forger
from tests.appliance.cli.served import Appliance

Run = Callable[..., Any]


def test_set_acts_at_once_and_is_signed(glassnat: Run, appliance: Appliance) -> None:
    answer = glassnat("set", "nat.timeouts.udp_unanswered", "30s")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith('nat.timeouts.udp_unanswered is "30s" now\n')
    (flow,) = json.loads(glassnat("show", "flows", "--json").out)
    assert flow["expires_in"] == pytest.approx(25.0)
    assert list(appliance.engine.log.since(0))[-1].who == "alice"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (["set", "name", "x"], {"key": "a\x1b[2J", "value": "b\x7f"}),
        (["flush"], {"flushed": "\x1b[2J"}),
    ],
)
def test_whoever_answers_cannot_move_the_cursor(
    glassnat: Run, folder: Path, arguments: list[str], result: object
) -> None:
    Forger(folder / "lab.sock", result)
    answer = glassnat(*arguments)
    assert (answer.out + answer.err).replace("\n", "").isprintable()


def test_watched_events_are_printable_whoever_sends_them(glassnat: Run, folder: Path) -> None:
    """DEL, which JSON lets stand as it is, and C1 controls; what is no JSON is refused."""
    line = '{"type":"call-state","call":"a\x7fb\x9b31m"}\n'.encode()
    Forger(folder / "lab.sock", {"watching": True}, line + b"\x1b[2J\n")
    answer = glassnat("watch", "--json")
    assert answer.out == '{"type":"call-state","call":"a\\u007fb\\u009b31m"}\n'
    assert answer.code == 4
    assert "no appliance" in answer.err


def test_other_external_addresses_are_followed_by_whoever_has_to(
    glassnat: Run, appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[object] = []
    monkeypatch.setattr(renumber, "made_by_up", lambda path: path.stem)
    monkeypatch.setattr(renumber, "follow", lambda *what: followed.append(what))
    assert glassnat("set", "outside.external", '["203.0.113.7"]').code == 0
    assert glassnat("set", "nat.hairpin", "false").code == 0
    assert followed == [("lab", ["203.0.113.7"])]


def test_set_answers_json_when_asked(glassnat: Run, appliance: Appliance) -> None:
    answer = glassnat("set", "alg.sip.module", "sip", "--json")
    assert json.loads(answer.out) == {"key": "alg.sip.module", "value": "sip"}


@pytest.mark.usefixtures("appliance")
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("nat.timeouts.udp", "soon", "nat.timeouts.udp: "),
        ("nat.timeout.udp", "5s", 'did you mean "nat.timeouts.udp'),
        ("inside.device", "x", "inside.device: cannot change while"),
        ("alg.sip.module", "sip-poor:no-spd", "no-sdp"),
    ],
)
def test_a_setting_that_cannot_be_is_exit_2(glassnat: Run, key: str, value: str, said: str) -> None:
    answer = glassnat("set", key, value)
    assert answer.code == 2
    assert said in answer.err


def test_what_was_set_is_said_as_it_would_be_written(glassnat: Run, appliance: Appliance) -> None:
    assert glassnat("set", "nat.timeouts.udp", "6m").err == 'nat.timeouts.udp is "6m" now\n'
    assert glassnat("set", "nat.hairpin", "false").err == "nat.hairpin is false now\n"
    assert appliance.engine.settings["nat.timeouts.udp"] == 360.0


@pytest.mark.usefixtures("appliance")
def test_a_lifetime_that_an_rfc_forbids_is_set_and_said(glassnat: Run) -> None:
    """Lessons need short ones; who types one by mistake should know."""
    answer = glassnat("set", "nat.timeouts.udp", "5s")
    assert answer.code == 0
    assert "note: nat.timeouts.udp is below the 120 seconds of RFC 4787 REQ-5" in answer.err
    assert "note:" not in glassnat("set", "nat.hairpin", "false").err


@pytest.mark.usefixtures("appliance")
def test_what_does_not_fit_together_names_its_key_once(glassnat: Run) -> None:
    answer = glassnat("set", "outside.external", "192.168.20.7")
    assert answer.code == 2
    assert answer.err.count("outside.external") == 1
    assert "lies in inside.networks" in answer.err


@pytest.mark.usefixtures("appliance")
def test_flush_says_how_many(glassnat: Run) -> None:
    assert glassnat("flush", "--protocol", "tcp").out == "0 flows forgotten\n"
    assert glassnat("flush", "--internal", "192.168.20.100").out == "1 flow forgotten\n"
    assert json.loads(glassnat("flush", "--json").out) == {"flushed": 0, "expectations": 0}


def test_flush_says_that_it_took_expectations_too(glassnat: Run, appliance: Appliance) -> None:
    table = appliance.engine.nat.table
    (flow,) = table.flows.values()
    assert table.expectations.open(flow.mapping, None, "registration", "", Terms(60.0), 10.0)
    assert glassnat("flush").out == "1 flow and 1 expectation forgotten\n"


FORWARD = '[{{protocol = "udp", external = "203.0.113.{}:53", internal = "192.168.20.10:53"}}]'


@pytest.mark.usefixtures("appliance")
def test_a_forward_is_made_and_taken_away_while_packets_flow(glassnat: Run) -> None:
    def forwards() -> list[str]:
        mappings = json.loads(glassnat("show", "mappings", "--json").out)
        return [each["external"] for each in mappings if each["opened_by"] == "forward"]

    assert glassnat("set", "nat.forward", FORWARD.format(1)).code == 0
    assert forwards() == ["203.0.113.1:53"]
    assert glassnat("set", "nat.forward", "[]").code == 0
    assert forwards() == []


def test_a_forward_that_contradicts_other_settings_changes_nothing(
    glassnat: Run, appliance: Appliance
) -> None:
    before = appliance.engine.settings.values
    answer = glassnat("set", "nat.forward", FORWARD.format(77))
    assert answer.code == 2
    assert "203.0.113.77:53 is not on an address of outside.external" in answer.err
    assert appliance.engine.settings.values == before


@pytest.mark.usefixtures("folder")
def test_a_wrong_address_to_flush_needs_no_appliance_to_be_wrong(glassnat: Run) -> None:
    answer = glassnat("flush", "--internal", "alice")
    assert answer.code == 2
    assert answer.err.startswith('glassnat: --internal: "alice" is none of')


def watched(glassnat: Run, appliance: Appliance, *arguments: str) -> list[str]:
    """What `watch` tells until the appliance ends."""
    threading.Timer(0.2, lambda: setattr(appliance, "stopping", True)).start()
    answer = glassnat("watch", *arguments)
    assert answer.code == 0
    assert answer.err == "the appliance has ended\n"
    lines: list[str] = answer.out.splitlines()
    return lines


def test_watch_tells_sentences(glassnat: Run, appliance: Appliance) -> None:
    lines = watched(glassnat, appliance, "--since", "0")
    assert "192.168.20.100:5060 is 203.0.113.1:5060 outside (udp, opened by packet)" in lines[1]


def test_watch_tells_the_time_of_day_to_lay_beside_other_logs(
    glassnat: Run, appliance: Appliance
) -> None:
    """RFC 3339 5.6, with the zone of this machine."""
    started = next(appliance.engine.log.since(0))
    assert isinstance(started, Started)
    opened = list(appliance.engine.log.since(0))[1]
    assert opened.t > 0
    second = watched(glassnat, appliance, "--since", "0", "--clock", "wall")[1]
    told = datetime.fromisoformat(second.split()[0])
    assert told.tzinfo is not None
    assert told.timestamp() == pytest.approx(started.wall + opened.t, abs=0.001)


@pytest.mark.usefixtures("appliance")
def test_and_in_json_too(glassnat: Run, appliance: Appliance) -> None:
    lines = watched(glassnat, appliance, "--since", "0", "--clock", "wall", "--json")
    first = json.loads(lines[0])
    told = datetime.fromisoformat(first["wall_clock"])
    assert told.timestamp() == pytest.approx(first["wall"], abs=0.001)


def test_who_does_not_say_when_it_began_is_no_appliance(glassnat: Run, folder: Path) -> None:
    Forger(folder / "lab.sock", {"watching": True})
    answer = glassnat("watch", "--clock", "wall")
    assert (answer.code, answer.err) == (
        4,
        "glassnat: what answers there does not say when it has begun\n",
    )


def test_watch_tells_events(glassnat: Run, appliance: Appliance) -> None:
    lines = watched(glassnat, appliance, "--since", "0", "--json")
    assert [json.loads(line)["type"] for line in lines[:2]] == ["started", "mapping-opened"]


@pytest.mark.usefixtures("appliance")
def test_who_may_not_change_anything_may_yet_look(
    glassnat: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`show` goes to the read-only socket by itself; `set` says whose the other one is."""
    connect = socket.socket.connect

    def as_another_user(self: socket.socket, path: str) -> None:
        if path == str(folder / "lab.sock"):
            raise PermissionError
        connect(self, path)

    monkeypatch.setattr(socket.socket, "connect", as_another_user)
    assert "192.168.20.100" in glassnat("show", "flows").out
    answer = glassnat("set", "nat.timeouts.udp", "6m")
    assert answer.code == 3
    assert "lab.sock belongs to another user" in answer.err


@pytest.mark.usefixtures("appliance")
def test_what_may_not_be_changed_by_that_socket_is_a_sentence(glassnat: Run, folder: Path) -> None:
    second = str(folder / "lab.ro.sock")
    for words in (("set", "nat.timeouts.udp", "6m"), ("flush",)):
        answer = glassnat(*words, "--control", second)
        assert answer.code == 2
        assert f"{words[0]} wants {folder / 'lab.sock'}" in answer.err
