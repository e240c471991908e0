"""What tells one call from another."""

from __future__ import annotations

from random import Random

import pytest

from appliance.parties.call import Call, Phase
from appliance.parties.machine import Timer
from appliance.parties.rtp import Stream
from appliance.parties.sipua import SipMessage
from nat.endpoint import Endpoint

HERE = Endpoint.parse("192.168.20.100:4000")
THERE = Endpoint.parse("203.0.113.9:5060")


def a_call() -> Call:
    stream = Stream(HERE, None, Random(1))
    local, remote = "<sip:alice@203.0.113.9>;tag=here", "<sip:bob@203.0.113.9>;tag=there"
    invite = SipMessage("INVITE sip:alice@192.168.20.100 SIP/2.0")
    return Call(
        "1@x", "alice", "bob", local, remote, "sip:bob@203.0.113.9", THERE, invite, THERE, stream,
        Phase.RINGING,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("call_id", "to", "belongs"),
    [
        ("1@x", "<sip:alice@203.0.113.9>;tag=here", True),
        ("2@x", "<sip:alice@203.0.113.9>;tag=here", False),
        ("1@x", "<sip:alice@203.0.113.9>;tag=there", False),
        ("1@x", "<sip:alice@203.0.113.9>", False),
    ],
)
def test_a_request_belongs_to_a_call_by_call_id_and_our_tag(
    call_id: str, to: str, belongs: bool
) -> None:
    """RFC 3261 12.2.2."""
    request = SipMessage("BYE sip:alice@192.168.20.100 SIP/2.0", [("Call-ID", call_id), ("To", to)])
    assert a_call().is_meant_by(request) is belongs


def test_a_call_that_is_over_needs_no_timer() -> None:
    call = a_call()
    call.stop_timer()
    call.answering = Timer(1.0, lambda now: None)
    call.stop_timer()
    assert call.answering.callback is None
