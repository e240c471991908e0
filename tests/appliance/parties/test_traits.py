"""Every word of a party's table is explained."""

from __future__ import annotations

import pytest

from appliance.parties.kinds import KINDS
from appliance.parties.traits import traits_of


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
