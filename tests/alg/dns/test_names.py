"""Names in messages, and names of addresses."""

from __future__ import annotations

import pytest

from alg.dns.names import (
    LONGEST,
    BadName,
    address_of,
    labels_of_address,
    read_name,
    text_of,
    written,
)
from nat.endpoint import parse_address

WWW = b"\3www\7example\3net\0"


def test_a_name_knows_where_its_labels_stand() -> None:
    """RFC 1035 4.1.4: `ftp` and a pointer to what follows `www`."""
    data = WWW + b"\3ftp\xc0\x04"
    name = read_name(data, len(WWW), 0)
    assert name.text == "ftp.example.net."
    assert (name.start, name.end, name.own) == (17, 23, 1)
    assert name.places == (17, 4, 12)
    assert name.pointers == ((21, 4),)
    assert name.spans == ((17, 23), (4, 12), (12, 16))


def test_pointers_count_from_the_beginning_of_the_message() -> None:
    data = b"xx" + WWW + b"\xc0\x00"
    assert read_name(data, len(data) - 2, 2).text == "www.example.net."


NO_NAMES = {
    "a pointer to itself": b"\xc0\x00",
    "a pointer forwards": b"\xc0\x02\x00",
    "into its own label": b"\1a\xc0\x00",
    "cut": b"\3ww",
    "no end": b"\3www",
    "a label of 64": b"\x40" + b"a" * 64 + b"\0",
    "half a pointer": b"\xc0",
    "nothing": b"",
    "128 labels": b"\1a" * 128 + b"\0",
}


@pytest.mark.parametrize("data", NO_NAMES.values(), ids=NO_NAMES)
def test_what_is_no_name_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(BadName):
        read_name(data, 0, 0)


def test_the_longest_name_is_one() -> None:
    longest = b"\1a" * 127 + b"\0"
    assert len(longest) == LONGEST
    assert len(read_name(longest, 0, 0).labels) == 127


def test_a_chain_of_pointers_comes_to_an_end() -> None:
    """Each leads back, but nobody follows so many."""
    chain = b"\1a\0" + b"".join((0xC000 | at).to_bytes(2) for at in (0, *range(3, 90, 2)))
    assert read_name(chain, 9, 0).text == "a."
    with pytest.raises(BadName, match="too far"):
        read_name(chain, len(chain) - 2, 0)


def test_a_name_of_anything_is_safe_to_show() -> None:
    """RFC 1035 5.1."""
    assert text_of((b"a.b", b"\x1b[2J", b"\xff")) == "a\\.b.\\027[2J.\\255."
    assert text_of(()) == "."
    assert written((b"www", b"net")) == b"\3www\3net\0"


@pytest.mark.parametrize("address", ["203.0.113.10", "0.0.0.0", "255.255.255.255"])
def test_the_name_of_an_address_is_its_numbers_backwards(address: str) -> None:
    """RFC 1035 3.5."""
    labels = labels_of_address(parse_address(address))
    assert b".".join(reversed(labels)).decode() == address
    assert address_of((*labels, b"In-Addr", b"ARPA")) == parse_address(address)


NOBODYS = ["1.2.3", "1.2.3.256", "1.2.3.04", "1.2.3.x", "1.2.3.4.5", "1.2.3."]


@pytest.mark.parametrize("name", NOBODYS)
def test_other_names_are_those_of_no_address(name: str) -> None:
    labels = tuple(part.encode() for part in name.split("."))
    assert address_of((*labels, b"in-addr", b"arpa")) is None
