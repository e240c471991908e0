"""What goes to and fro when a call has become a fax."""

from __future__ import annotations

from random import Random

from appliance.parties import fax
from appliance.parties.description import Description
from appliance.parties.rtp import Stream
from tests.appliance.parties.test_rtcp import HERE


def test_packets_are_numbered_and_are_no_rtp() -> None:
    """ITU-T T.38 9.1: sequence number, then what the machine says with its length."""
    assert fax.packet(7) == b"\x00\x07\x01\x02\x00\x00"
    assert all(fax.is_fax(fax.packet(number)) for number in (0, 1, 0x3FFF, 0x4000))


def test_a_stream_that_faxes_says_and_counts_that() -> None:
    here, there = Stream(HERE, None, Random(1)), Stream(HERE, None, Random(2))
    assert not here.hear(fax.packet(1))
    here.faxes = there.faxes = True
    assert here.hear(there.say())
    assert (there.sent, here.heard) == (1, 1)
    assert not fax.is_fax(b"\x00")


def test_who_has_asked_for_a_fax_takes_it_before_the_answer_has_come() -> None:
    """RFC 3264 5.1: whoever offers is ready as soon as the offer has left."""
    here = Stream(HERE, None, Random(1))
    here.said = Description("alice", HERE, session=1, fax=True)
    assert here.hear(fax.packet(0))
