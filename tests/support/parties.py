"""A phone and a PBX as tests want them, with whatever traits they need to differ in."""

from __future__ import annotations

from random import Random
from typing import Any

from appliance.parties.party import Datagram, Send
from appliance.parties.pbx import Pbx, PbxTraits
from appliance.parties.phone import Phone, PhoneTraits

PHONE_TRAITS = {
    "address": "192.168.20.100",
    "side": "inside",
    "registrar": "203.0.113.9:5060",
}
PBX_TRAITS = {"address": "203.0.113.9", "side": "outside", "users": ["bob"]}


def phone_traits(**traits: Any) -> PhoneTraits:
    return PhoneTraits(**{**PHONE_TRAITS, **traits})


def pbx_traits(**traits: Any) -> PbxTraits:
    return PbxTraits(**{**PBX_TRAITS, **traits})


def a_phone(**traits: Any) -> Phone:
    """Alice's."""
    return Phone("alice", phone_traits(**traits), Random(1))


def a_pbx(**traits: Any) -> Pbx:
    """Bob's."""
    return Pbx("pbx", pbx_traits(**traits), Random(2))


def as_received(send: Send) -> Datagram:
    """A datagram as it is heard where nothing stands in between."""
    return Datagram(send.source, send.destination, send.payload)
