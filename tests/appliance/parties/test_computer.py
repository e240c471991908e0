"""A softphone and a browser at one address."""

from __future__ import annotations

from random import Random

import pytest

from appliance.parties.computer import Computer, ComputerTraits
from appliance.parties.party import Connect, Connected, Write
from nat.endpoint import Endpoint
from tests.support.parties import PHONE_TRAITS


def traits(visits: str = "198.51.100.7:80") -> ComputerTraits:
    return ComputerTraits(**PHONE_TRAITS, visits=visits, transport="tcp")


def test_each_hears_of_its_own_connections() -> None:
    alice = Computer("alice", traits(), Random(1))
    (web,) = [each for each in alice.tell("visit", "", 0.0) if isinstance(each, Connect)]
    (sip,) = [each for each in alice.tell("register", "", 0.0) if isinstance(each, Connect)]
    assert (str(web.remote), str(sip.remote)) == ("198.51.100.7:80", "203.0.113.9:5060")
    said = alice.hear(Connected(web.local, web.remote), 0.1)
    (asked,) = [each.payload for each in said if isinstance(each, Write)]
    assert asked.startswith(b"GET / HTTP/1.1\r\n")
    assert not any(
        isinstance(each, Write) for each in alice.hear(Connected(sip.local, sip.remote), 0.1)
    )


def test_what_it_visits_is_an_endpoint() -> None:
    with pytest.raises(ValueError, match="somewhere"):
        traits("somewhere").check()
    assert Endpoint.parse(traits().visits).port == 80
