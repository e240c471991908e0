"""1:1 mappings, in both directions."""

from __future__ import annotations

from nat.behavior import Static
from nat.drop import Drop
from nat.endpoint import Endpoint, parse_address
from tests.support.packets import A
from tests.support.rig import table

PHONE = Endpoint.parse(f"{A}:7000")


def test_a_1_to_1_host_keeps_all_its_ports() -> None:
    rule = Static(PHONE.address, parse_address("203.0.113.10"))
    tables = table(statics=[rule])
    pair = tables.mappings.pin_pair(PHONE, 0.0)
    assert not isinstance(pair, Drop)
    assert [str(mapping.external) for mapping in pair] == ["203.0.113.10:7000", "203.0.113.10:7001"]
    assert tables.rules.static_external(PHONE) == pair[0].external
    assert tables.rules.static_internal(pair[0].external) == PHONE
