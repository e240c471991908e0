"""Names of our own, as people write them."""

from __future__ import annotations

import pytest

from appliance.namespaces.names.hosts import parse, written
from nat.endpoint import parse_address

PBX = ("pbx.example.net", parse_address("192.168.20.10"))


@pytest.mark.parametrize(
    "text", ["pbx.example.net=192.168.20.10", "PBX.Example.Net.=192.168.20.10"]
)
def test_a_name_and_its_address(text: str) -> None:
    assert parse(text) == PBX
    assert parse(written(PBX)) == PBX


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pbx", "is not NAME=ADDRESS"),
        ("=192.168.20.10", "is not the name of a host"),
        ("-x=192.168.20.10", "is not the name of a host"),
        ("a..b=192.168.20.10", "is not the name of a host"),
        (f"{'a' * 64}=192.168.20.10", "is not the name of a host"),
        (f"{'a.' * 127}a=192.168.20.10", "is not the name of a host"),
        ("x y=192.168.20.10", "is not the name of a host"),
        ("pbx=192.168.20", "is not an address"),
    ],
)
def test_what_is_none_is_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(text)
