"""TFTP needs no module, but a NAT that lets a server answer from another port."""

from __future__ import annotations

import pytest

from alg.hint import Hint
from alg.tftp import SIGNS
from tests.support.glimpses import NO_SIGN, said

REQUEST = b"\x00\x01phone.cfg\x00octet\x00"
STRICT = "address-and-port-dependent"


@pytest.mark.parametrize("setting", ["nat.filtering", "nat.mapping"])
def test_a_nat_that_takes_two_ports_of_a_server_for_two_strangers_is_named(setting: str) -> None:
    """RFC 1350 4: the server chooses its transfer identifier, which is its port."""
    settings = {setting.replace(".", "__"): STRICT}
    hint = said(SIGNS, REQUEST, 69, transport="udp", **settings)
    assert isinstance(hint, Hint)
    assert (hint.setting, hint.value) == (setting, "address-dependent")


def test_where_it_works_nothing_is_blamed() -> None:
    assert said(SIGNS, REQUEST, 69, transport="udp") is None


@pytest.mark.parametrize("other", [b"\x00\x03\x00\x01data", b"\x00\x01x", b"\x00\x01x\x00mp3\x00"])
def test_only_requests_are_looked_for(other: bytes) -> None:
    assert said(SIGNS, other, 69, transport="udp") == NO_SIGN


def test_nor_is_another_port_than_its_own() -> None:
    assert said(SIGNS, REQUEST, 6969, transport="udp", nat__filtering=STRICT) == NO_SIGN
