"""Traits become parties."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from appliance.parties.kinds import KINDS, kind_of, party
from appliance.parties.party import Send, Write
from appliance.parties.pbx import Pbx
from appliance.parties.phone import Phone, PhoneTraits
from nat.endpoint import parse_address
from tests.support.parties import pbx_traits, phone_traits

ALICE, PBX = phone_traits(), pbx_traits()


def first_words(name: str, table: PhoneTraits, seed: int) -> bytes:
    send = party(name, table, seed).tell("register", "", 0.0)[1]
    assert isinstance(send, Send)
    return send.payload


def test_a_table_becomes_the_party_of_its_kind() -> None:
    assert isinstance(party("alice", ALICE, 1), Phone)
    assert isinstance(party("pbx", PBX, 1), Pbx)
    assert party("alice", ALICE, 1).address == parse_address("192.168.20.100")


def test_ports_are_those_of_the_table() -> None:
    table = phone_traits(sip_port=5070)
    assert party("alice", table, 1).ports == {5070}


def test_a_party_listens_where_its_transport_is() -> None:
    table = replace(ALICE, transport="tcp")
    over_udp, over_tcp = party("alice", ALICE, 1), party("alice", table, 1)
    assert (over_udp.ports, over_udp.tcp_ports) == ({5060}, set())
    assert (over_tcp.ports, over_tcp.tcp_ports) == (set(), {5060})


def test_segments_are_those_of_the_table() -> None:
    table = replace(ALICE, transport="tcp", segment=7)
    write = party("alice", table, 1).tell("register", "", 0.0)[2]
    assert isinstance(write, Write)
    assert write.sizes == (7,)


def test_a_partys_bytes_depend_on_seed_and_name_alone() -> None:
    assert first_words("alice", ALICE, 1) == first_words("alice", ALICE, 1)
    assert first_words("alice", ALICE, 1) != first_words("alice", ALICE, 2)
    tags = {first_words(name, ALICE, 1).split(b"tag=")[1][:8] for name in ("alice", "carol")}
    assert len(tags) == 2


@pytest.mark.parametrize("word", KINDS)
def test_a_kind_is_known_by_one_word(word: str) -> None:
    """The tag of its traits, which a scenario has as `kind`."""
    assert KINDS[word].traits.__struct_config__.tag == word


def test_the_word_of_a_party_is_found_by_its_traits() -> None:
    assert (kind_of(ALICE), kind_of(PBX)) == ("phone", "pbx")


@pytest.mark.parametrize("word", KINDS)
def test_what_can_be_ordered_says_what_it_does(word: str) -> None:
    for order in KINDS[word].orders.values():
        assert order.about[0].islower()
        assert order.needs in ("", "whom") or " " in order.needs
