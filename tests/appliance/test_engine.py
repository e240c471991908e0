"""What the outside may ask of a running appliance: show, set, flush, and the passing of time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import pytest

from appliance.events import SettingChanged
from appliance.settings import SettingError
from nat.endpoint import Endpoint
from nat.mapping import Mapping
from tests.fuzz.datapath import INVITE, REGISTER
from tests.nat.packets import EXTERNAL, SYN, A, B, R, ping, tcp, udp
from tests.nat.rig import Rig, audit

OUT = udp(f"{A}:4000", f"{R}:5000")


def shown(rig: Rig, what: str) -> list[dict[str, Any]]:
    document = rig.engine.show(what, rig.now)
    assert isinstance(document, Iterable)
    return list(document)


def test_flows_are_shown_in_the_contracts_words() -> None:
    rig = Rig()
    rig.out(OUT)
    rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000"))
    rig.now += 10.0
    (flow,) = shown(rig, "flows")
    assert flow["protocol"] == "udp"
    assert (flow["internal"], flow["external"], flow["remote"]) == (
        f"{A}:4000", f"{EXTERNAL}:4000", f"{R}:5000",
    )  # fmt: skip
    assert (flow["state"], flow["expires_in"], flow["opened_by"]) == ("answered", 290.0, "packet")
    assert (flow["packets_out"], flow["packets_in"], flow["alg"]) == (1, 1, None)
    rig.now += 290.0
    assert shown(rig, "flows") == [], "what is over is not shown, tidied up or not"


def test_a_mapping_lives_as_long_as_its_longest_flow() -> None:
    rig = Rig()
    rig.out(OUT)
    rig.now += 10.0
    rig.out(udp(f"{A}:4000", f"{R}:5001"))
    (mapping,) = shown(rig, "mappings")
    assert (mapping["flows"], mapping["expires_in"]) == (2, 120.0)


def test_everything_shown_is_json() -> None:
    rig = Rig(alg__sip__module="sip")
    for message in (REGISTER, INVITE):
        rig.out(udp(f"{A}:5060", f"{R}:5060", message))
    for what in ("flows", "mappings", "calls", "expectations"):
        assert json.loads(json.dumps(shown(rig, what))), what
    for what in ("counters", "settings"):
        assert json.loads(json.dumps(rig.engine.show(what, rig.now))), what


def test_what_does_not_exist_cannot_be_shown() -> None:
    with pytest.raises(KeyError):
        Rig().engine.show("nothing", 0.0)


def test_a_changed_timeout_acts_on_flows_that_exist() -> None:
    rig = Rig()
    rig.out(OUT)
    rig.into(udp(f"{R}:5000", f"{EXTERNAL}:4000"))
    rig.set("nat.timeouts.udp", "30s")
    rig.wait(29.9)
    assert len(shown(rig, "flows")) == 1
    rig.wait(0.1)
    assert shown(rig, "flows") == []
    (change,) = rig.told(SettingChanged)
    assert (change.key, change.old, change.new, change.who) == (
        "nat.timeouts.udp", 300.0, 30.0, "test",
    )  # fmt: skip
    audit(rig)


BAD = [
    ("nat.timeouts.udp", "-1s"),
    ("nat.timeouts.udp", float("nan")),
    ("nat.mapping", "symmetric"),
    ("nat.no_such_key", 1),
    ("inside.device", "other"),
    ("alg.sip.module", "sipp"),
    ("alg.sip.faults", ["no-such-fault"]),
    ("nat.port_range", [5000, 4000]),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_setting_that_cannot_be_changes_nothing(key: str, value: Any) -> None:
    rig = Rig(alg__sip__module="sip-poor")
    rig.out(OUT)
    before = json.dumps(rig.engine.show("settings", rig.now))
    with pytest.raises(SettingError):
        rig.set(key, value)
    assert json.dumps(rig.engine.show("settings", rig.now)) == before
    assert rig.told(SettingChanged) == []
    assert rig.out(OUT) is not None


@pytest.mark.parametrize("key", ["nat.mapping", "nat.filtering"])
@pytest.mark.parametrize("first", ["endpoint-independent", "address-and-port-dependent"])
@pytest.mark.parametrize("then", ["endpoint-independent", "address-dependent"])
def test_flows_outlive_a_change_of_behaviour(key: str, first: str, then: str) -> None:
    rig = Rig(**{key.replace(".", "__"): first})
    for port in (5000, 5001):
        rig.out(udp(f"{A}:4000", f"{R}:{port}"))
    before = shown(rig, "flows")
    rig.set(key, then)
    audit(rig)
    for port in (5000, 5001):
        assert rig.out(udp(f"{A}:4000", f"{R}:{port}")) is not None
    assert [flow["external"] for flow in shown(rig, "flows")] == [
        flow["external"] for flow in before
    ]
    rig.wait(1000.0)
    audit(rig)


FLUSHES: list[tuple[dict[str, str], int]] = [
    ({}, 5),
    ({"protocol": "udp"}, 3),
    ({"protocol": "icmp"}, 1),
    ({"internal": A}, 4),
    ({"internal": f"{A}:4000"}, 3),
    ({"internal": A, "protocol": "tcp"}, 1),
    ({"external": f"{EXTERNAL}:4001"}, 1),
    ({"internal": "192.168.20.99"}, 0),
]


@pytest.mark.parametrize(("wanted", "count"), FLUSHES)
def test_flush_forgets_what_fits_and_says_how_many(wanted: dict[str, str], count: int) -> None:
    rig = Rig()
    for data in (
        OUT, udp(f"{A}:4000", f"{R}:5001"), udp(f"{B}:4001", f"{R}:5000"),
        tcp(f"{A}:4000", f"{R}:80", SYN), ping(A, R, 4007),
    ):  # fmt: skip
        rig.out(data)
    assert rig.engine.flush(rig.now, **wanted) == count  # type: ignore[arg-type]
    assert len(shown(rig, "flows")) == 5 - count
    audit(rig)


def test_a_flushed_call_is_gone_with_its_doors() -> None:
    rig = Rig()
    rig.out(OUT)
    mapping = rig.table.mapping_for(17, Endpoint.parse(f"{A}:4000"), Endpoint.parse(f"{R}:5000"))
    assert isinstance(mapping, Mapping)
    rig.table.expect(mapping, None, "call", "", 60.0, None, rig.now)
    assert rig.engine.flush(rig.now) == 1
    assert not rig.table.expectations
    audit(rig)


def test_a_full_table_is_shown_while_traffic_flows_within_a_second() -> None:
    """Attack F1: 20,000 flows, and the reader takes them one by one."""
    rig = Rig(nat__limits__flows_per_host=100_000, nat__limits__unanswered_per_host=100_000)
    for number in range(20_000):
        rig.out(udp(f"{A}:4000", f"198.51.{100 + number // 5000}.7:{1000 + number % 5000}"))
    started = time.perf_counter()
    pages = iter(rig.engine.show("flows", rig.now))  # type: ignore[call-overload]
    next(pages)
    assert rig.out(udp(f"{A}:4000", f"{R}:999")) is not None
    rig.engine.flush(rig.now, external=f"{EXTERNAL}:9")
    assert sum(1 for _ in pages) == 19_999
    assert time.perf_counter() - started < 1.0


def test_time_that_passed_asks_for_bounded_work_at_a_time() -> None:
    """A suspended machine wakes up: 2,000 flows are over, and the loop still turns."""
    rig = Rig()
    for number in range(2000):
        rig.out(udp(f"{A}:4000", f"{R}:{1000 + number}"))
    rig.now += 3600.0
    rig.engine.expire(rig.now)
    remaining = len(rig.table.flows)
    assert 0 < remaining < 2000
    deadline = rig.engine.next_deadline()
    assert deadline is not None
    assert deadline <= rig.now
    rig.tidy()
    assert not rig.table.flows
    audit(rig)


def test_nothing_to_do_has_no_deadline() -> None:
    assert Rig().engine.next_deadline() is None
