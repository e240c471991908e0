"""A second NAT on the way: the rooms of `nat/` as a party."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from appliance.parties.carrier import Carrier, CarrierTraits
from appliance.parties.party import Send
from appliance.sim.packets import ends, pack
from nat.endpoint import Endpoint, Side
from nat.packet import Packet

ROUTER, PBX = Endpoint.parse("10.0.0.2:5060"), Endpoint.parse("203.0.113.9:5060")
SHOWN = Endpoint.parse("203.0.113.1:5060")


def traits(**more: Any) -> CarrierTraits:
    given = {"address": "203.0.113.1", "side": "outside", "network": "10.0.0.0/24"}
    return CarrierTraits(**{**given, **more})


def carrier(**more: Any) -> Carrier:
    return Carrier("provider", traits(**more), Random(1))


def packet(source: Endpoint, destination: Endpoint) -> Packet:
    return pack(Send(source, destination, b"hello"), 1)


def test_what_goes_out_has_its_address_and_answers_come_back() -> None:
    nat = carrier()
    out = packet(ROUTER, PBX)
    assert nat.pass_on(out, Side.INSIDE, 0.0) is Side.OUTSIDE
    assert ends(out) == (SHOWN, PBX)
    back = packet(PBX, SHOWN)
    assert nat.pass_on(back, Side.OUTSIDE, 1.0) is Side.INSIDE
    assert ends(back) == (PBX, ROUTER)


def test_what_nobody_asked_for_goes_no_further() -> None:
    assert carrier().pass_on(packet(PBX, SHOWN), Side.OUTSIDE, 0.0) == (
        "Nothing inside is mapped to this external endpoint."
    )


def test_it_forgets_as_any_nat_and_what_goes_out_reminds_it() -> None:
    nat = carrier(udp=30.0)
    for at in (0.0, 1.0, 20.0, 45.0):
        nat.pass_on(packet(ROUTER, PBX), Side.INSIDE, at)
        nat.pass_on(packet(PBX, SHOWN), Side.OUTSIDE, at)
    assert nat.pass_on(packet(PBX, SHOWN), Side.OUTSIDE, 74.0) is Side.INSIDE
    assert isinstance(nat.pass_on(packet(PBX, SHOWN), Side.OUTSIDE, 76.0), str)


@pytest.mark.parametrize(
    "wrong", [{"side": "inside"}, {"network": "10.0.0.0/99"}, {"udp": 0.0}, {"address": "x"}]
)
def test_what_cannot_be_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"outside|network|forgets|address"):
        traits(**wrong).check()
