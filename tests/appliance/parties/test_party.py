"""What every party answers to."""

from __future__ import annotations

import inspect

import pytest

from appliance.parties.party import Party, Wake
from appliance.parties.pbx import Pbx
from appliance.parties.phone import Phone
from tests.support.parties import a_pbx, a_phone

STEPS = ("start", "receive", "hear", "wake", "tell")


@pytest.mark.parametrize("kind", [Phone, Pbx])
@pytest.mark.parametrize("step", STEPS)
def test_a_party_is_driven_by_the_same_five_steps(kind: type, step: str) -> None:
    """One driver runs them all, in the simulation and on real sockets."""
    wanted = inspect.signature(getattr(Party, step))
    assert inspect.signature(getattr(kind, step)).parameters.keys() == wanted.parameters.keys()


def test_a_party_says_which_ports_to_open() -> None:
    phone, pbx = a_phone(), a_pbx()
    assert (phone.ports, pbx.ports) == ({5060}, {5060})


def test_a_party_that_has_nothing_to_do_asks_for_nothing() -> None:
    phone = a_phone()
    assert phone.start(0.0) == []
    assert [action for action in phone.wake(1.0) if isinstance(action, Wake)] == []
