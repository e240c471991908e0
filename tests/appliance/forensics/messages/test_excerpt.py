"""The words for how a message went."""

from __future__ import annotations

from appliance.forensics.messages.excerpt import Way
from nat.endpoint import Endpoint


def test_a_way_is_told_from_its_source_to_its_destination() -> None:
    ends = (Endpoint.parse("192.168.20.100:5060"), Endpoint.parse("192.0.2.9:5061"))
    assert str(Way("tcp", *ends)) == "TCP 192.168.20.100:5060 to 192.0.2.9:5061"
