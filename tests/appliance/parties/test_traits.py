"""Every word of a party's table is explained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec
import pytest

from appliance.parties.kinds import KINDS, kind_of
from appliance.parties.traits import Traits, traits_of, types_of
from appliance.sim.stories import list_scenarios


@pytest.mark.parametrize("word", KINDS)
def test_every_trait_says_what_it_is_for(word: str) -> None:
    for trait in traits_of(KINDS[word].traits):
        assert trait.about.endswith("."), trait.name
        assert trait.values


def test_who_a_party_is_cannot_be_turned() -> None:
    names = {trait.name for trait in traits_of(KINDS["phone"].traits)}
    assert "comedia" in names
    assert not names & {"address", "side"}


def test_defaults_and_values_are_told() -> None:
    traits = {trait.name: trait for trait in traits_of(KINDS["phone"].traits)}
    assert traits["transport"].values == "tcp | udp"
    assert traits["transport"].default == "udp"
    assert traits["answer_after"].values == "number | null"
    assert traits["expires"].default == 3600


WRONG = {"string": "?", "integer": -70_000, "number": -1.0, "array": ["?"], "object": {"?": ["?"]}}


def _told_of(party: Traits) -> Iterator[str]:
    """What is said of each wrong value, of those that its type allows."""
    table = msgspec.to_builtins(party)
    for each in msgspec.structs.fields(party):
        for value in (WRONG[one] for one in types_of(each.type) if one in WRONG):
            with suppress(msgspec.ValidationError):
                other = msgspec.convert({**table, each.name: value}, type(party))
                try:
                    other.check()
                except ValueError as error:
                    yield str(error)


def test_whoever_refuses_a_value_names_its_trait_first() -> None:
    parties = {
        kind_of(party): party for story in list_scenarios() for party in story.parties.values()
    }
    refused = set()
    for word, party in parties.items():
        for told in _told_of(party):
            trait, _, sentence = told.partition(": ")
            assert trait in party.__struct_fields__, (word, told)
            assert sentence
            refused.add((word, trait))
    assert {("phone", "registrar"), ("pbx", "localnet"), ("neighbour", "flows")} <= refused
