"""What the appliance knows of DNS; and whatever anybody sends, there is no exception."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alg.base import Edit, Edits, Refuse
from alg.compare import changes
from alg.dns.application import AS_WRITTEN, DNS, soundness
from alg.dns.correct import Dns
from alg.dns_poor.faults import FAULTS
from alg.dns_poor.poor import DnsPoor
from alg.edits import apply
from tests.alg.dns.situations import (
    INSIDE,
    OUTSIDE,
    PTR_INSIDE,
    PTR_OUTSIDE,
    SIGNATURE,
    answering,
    asking,
    by_tcp,
    met,
)

NAME = asking("pbx.example.net")
POINTED = f"{PTR_OUTSIDE}. 60 IN PTR pbx.example.net."
MESSAGES = [
    NAME,
    asking("pbx.example.net", flags="do"),
    answering(NAME, OUTSIDE, INSIDE),
    answering(NAME, OUTSIDE, SIGNATURE, ad=1),
    asking(PTR_INSIDE, "PTR"),
    answering(asking(PTR_OUTSIDE, "PTR"), POINTED, authority="0.203.in-addr.arpa. 1 IN NS a.b."),
]


@pytest.mark.parametrize(
    ("message", "sound"),
    [
        (NAME, 2),
        (by_tcp(NAME), 2),
        (NAME + b"x", 1),
        (answering(NAME, OUTSIDE)[:-1], 1),
        (NAME[:-1], 0),
        (b"INVITE sip:bob@203.0.113.9 SIP/2.0\r\n\r\n", 0),
        (b"220 ready\r\n", 0),
        (b"", 0),
    ],
)
def test_a_message_is_as_sound_as_its_records(message: bytes, sound: int) -> None:
    assert soundness(message) == sound


def test_a_place_that_should_have_stayed_has_a_reason() -> None:
    spoilt = Edit(0, 2, b"ab", "header.id", "my rule")
    (row,) = changes(NAME, DnsPoor(()), [spoilt], Dns(), [], DNS)
    assert (row.verdict, row.reason, row.rfc) == ("wrong", *AS_WRITTEN)


def spoiled(seed: int) -> bytes:
    """A message with some bytes that differ, and perhaps without its end."""
    die = Random(seed)
    data = bytearray(die.choice(MESSAGES))
    for _ in range(die.choice((0, 1, 2, 4))):
        any_byte = die.randrange(256)
        data[die.randrange(len(data))] = die.choice((0, 1, 12, 0x3F, 0xC0, 0xFF, any_byte))
    return bytes(data[: die.choice((len(data), die.randrange(len(data) + 1)))])


@pytest.mark.slow
@given(st.one_of(st.binary(max_size=100), st.integers(0, 2**32).map(spoiled)))
def test_any_message_is_answered(message: bytes) -> None:
    for inside, direction in (("client", "out"), ("client", "in"), ("server", "out")):
        for module in (Dns(), DnsPoor(list(FAULTS)[:6])):
            said = module.inspect(message, met(inside, direction))
            assert isinstance(said, Edits | Refuse)
            if isinstance(said, Edits) and isinstance(module, Dns):
                after = apply(message, said.edits)
                assert DNS.soundness(after) >= DNS.soundness(message)
    DNS.summary(message)
    DNS.findings(message)
    assert DNS.lines is not None
    for line in DNS.lines(message):
        assert all(piece.text.isprintable() for piece in line)
