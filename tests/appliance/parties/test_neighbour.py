"""A computer that opens many flows, and nothing else."""

from __future__ import annotations

from random import Random

import pytest

from appliance.parties.neighbour import Neighbour, NeighbourTraits
from appliance.parties.party import Send


def traits(flows: int) -> NeighbourTraits:
    return NeighbourTraits(
        address="192.168.20.50", side="inside", talks_to="203.0.113.80:6881", flows=flows
    )


def test_sharing_sends_one_datagram_from_each_port() -> None:
    laptop = Neighbour("laptop", traits(30), Random(1))
    sent = laptop.tell("share", "", 0.0)
    assert len({each.source for each in sent if isinstance(each, Send)}) == len(sent) == 30
    assert {str(each.destination) for each in sent if isinstance(each, Send)} == {
        "203.0.113.80:6881"
    }
    assert {each.source.port for each in sent if isinstance(each, Send)} == laptop.ports


def test_it_does_nothing_else() -> None:
    laptop = Neighbour("laptop", traits(1), Random(1))
    assert laptop.start(0.0) == ()
    with pytest.raises(ValueError, match="does not know how"):
        laptop.tell("call", "bob", 0.0)


@pytest.mark.parametrize("flows", [0, 40001])
def test_it_has_so_many_ports_and_no_more(flows: int) -> None:
    with pytest.raises(ValueError, match="flows"):
        traits(flows).check()
