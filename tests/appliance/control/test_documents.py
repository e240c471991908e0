"""What `show` answers: its documents, of an engine as it is at that moment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from appliance.control import documents
from appliance.control.filters import WHATS
from appliance.engine import Engine
from appliance.journal.counters import Use
from appliance.settings import files as config
from appliance.wires.statistics import KernelDrops
from nat.endpoint import UDP, Endpoint, Side
from nat.mapping import Terms
from nat.packet import Packet
from tests.support.world import make_engine

A, EXTERNAL, R = "192.168.20.100:5060", "203.0.113.1:5060", "203.0.113.9:5060"
FORWARD = {"protocol": "udp", "external": "203.0.113.1:53", "internal": "192.168.20.10:5300"}


@pytest.fixture
def engine(udp_packet: Packet) -> Engine:
    """One that has let one flow out, at 5 seconds."""
    engine = make_engine(config.defaults())
    assert engine.handle(udp_packet, Side.INSIDE, 5.0)
    return engine


def shown(engine: Engine, what: str, now: float) -> Any:
    document = documents.show(engine, what, now)
    return list(document) if isinstance(document, Iterable) and what != "counters" else document


def test_there_is_a_document_for_everything_that_can_be_asked_for() -> None:
    assert tuple(sorted(documents.DOCUMENTS)) == tuple(sorted(WHATS))


@pytest.mark.parametrize("what", WHATS)
def test_every_document_is_json(engine: Engine, what: str) -> None:
    document = documents.show(engine, what, 5.0)
    assert json.loads(json.dumps(document, default=list)) is not None


def test_what_does_not_exist_cannot_be_shown(engine: Engine) -> None:
    with pytest.raises(KeyError):
        documents.show(engine, "nothing", 5.0)


def test_a_flow_is_shown_with_documented_keys_as_long_as_it_lives(engine: Engine) -> None:
    (flow,) = shown(engine, "flows", 15.0)
    assert flow == {
        "id": flow["id"], "protocol": "udp", "internal": A, "external": EXTERNAL, "remote": R,
        "state": "unanswered", "expires_in": 110.0, "opened_by": "packet", "alg": None,
        "packets_out": 1, "packets_in": 0, "bytes_out": 33, "bytes_in": 0,
        "mapping": flow["mapping"], "hint": "", "timer": "udp_unanswered",
    }  # fmt: skip
    assert shown(engine, "flows", 125.0) == [], "what is over is not shown, tidied up or not"


@pytest.mark.parametrize(
    ("spec", "named"), [("off", None), ("sip", "sip"), ("sip-poor:no-sdp", "sip-poor")]
)
def test_a_flow_names_the_module_that_handles_it_now(
    engine: Engine, spec: str, named: str | None
) -> None:
    """And not the slot that it stands in: under `off` nothing handles it."""
    engine.set("alg.sip.module", spec, "test", 6.0)
    (flow,) = shown(engine, "flows", 15.0)
    assert flow["alg"] == named


def test_a_mapping_lives_as_long_as_what_needs_it(engine: Engine) -> None:
    (mapping,) = shown(engine, "mappings", 15.0)
    assert (mapping["internal"], mapping["flows"], mapping["expires_in"]) == (A, 1, 110.0)
    held = engine.nat.table.mappings.pin(UDP, Endpoint.parse(A), 15.0)
    engine.nat.table.mappings.hold(held, 215.0)
    (mapping,) = shown(engine, "mappings", 15.0)
    assert mapping["expires_in"] == 200.0
    assert shown(engine, "mappings", 215.0) == []


def test_a_forward_has_no_end_of_its_own() -> None:
    engine = make_engine(config.defaults(sets=[f"nat.forward=[{inline(FORWARD)}]"]))
    (mapping,) = shown(engine, "mappings", 5.0)
    assert (mapping["opened_by"], mapping["expires_in"]) == ("forward", None)


def inline(table: dict[str, str]) -> str:
    """As TOML writes a table in one line."""
    return "{" + ", ".join(f'{key} = "{value}"' for key, value in table.items()) + "}"


def test_an_expectation_is_shown_with_documented_keys_until_it_is_over(engine: Engine) -> None:
    table = engine.nat.table
    mapping = table.mappings.pin(UDP, Endpoint.parse(A), 5.0)
    parent = ("call", "c1", mapping.internal.address)
    table.expectations.open(mapping, None, parent, "media", Terms(60.0), 5.0)
    (shown_one,) = shown(engine, "expectations", 15.0)
    assert shown_one == {
        "id": shown_one["id"], "protocol": "udp", "internal": A, "external": EXTERNAL,
        "remote": None, "parent": "call c1", "reason": "media", "expires_in": 50.0,
    }  # fmt: skip
    assert shown(engine, "expectations", 65.0) == []


def test_the_counters_say_where_packets_went_and_how_much_is_in_use(engine: Engine) -> None:
    counters = shown(engine, "counters", 5.0)
    assert counters["wires"]["inside"]["forwarded"] == 1
    assert counters["wires"]["outside"]["received"] == counters["wires"]["outside"]["own"] == 0
    assert counters["drops"] == {"inside": {}, "outside": {}}
    assert counters["flows"] == {"now": 1, "high_water": 1, "limit": 65536}
    assert counters["limits"]["flows"] == counters["flows"]
    assert counters["alg"]["sip"]["seen"] == 1


def test_all_that_is_kept_is_shown_in_bytes_with_its_high_water(engine: Engine) -> None:
    engine.set("memory.events", 65_536, "test", 6.0)
    engine.set("memory.modules", 70_000, "test", 6.0)
    engine.kept["watchers"] = lambda: Use(5, 9, 100)
    memory = shown(engine, "counters", 6.0)["memory"]
    assert set(memory) == {
        "events", "streams", "modules_sip", "modules_ftp", "modules_dns", "watchers",
    }  # fmt: skip
    assert memory["events"]["limit"] == 65_536
    assert 0 < memory["events"]["now"] <= memory["events"]["high_water"]
    assert memory["modules_sip"] == {"now": 0, "high_water": 0, "limit": 70_000}
    assert memory["watchers"] == {"now": 5, "high_water": 9, "limit": 100}


def test_what_the_kernel_dropped_is_shown_where_it_is_known(engine: Engine) -> None:
    assert shown(engine, "counters", 5.0)["kernel"] == {}, "there are no wires"
    engine.kernel_drops = {"inside": lambda: KernelDrops(475, 0), "outside": lambda: None}
    assert shown(engine, "counters", 5.0)["kernel"] == {"inside": {"before": 475, "after": 0}}


def test_settings_are_shown_as_a_file_has_them(engine: Engine) -> None:
    settings = documents.settings(engine, 5.0)
    assert settings["outside.external"] == {"value": ["203.0.113.1"], "origin": "default"}
    assert settings["nat.mapping"] == {"value": "endpoint-independent", "origin": "default"}
    assert settings["nat.timeouts.udp"] == {"value": 300.0, "origin": "default"}


def test_a_long_list_may_be_read_while_its_flows_go_away(engine: Engine) -> None:
    """Whoever reads slowly sees what was there when it was asked for, and what still is."""
    pages = documents.flows(engine, 5.0)
    first = next(pages)
    assert engine.flush(5.0) == (1, 0)
    assert first["internal"] == A
    assert list(pages) == []
