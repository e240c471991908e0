"""STUN messages, byte by byte."""

from __future__ import annotations

import pytest

from appliance.parties import stun
from appliance.parties.stun import StunMessage
from nat.endpoint import Endpoint

REFLEXIVE = Endpoint.parse("192.0.2.1:32853")

SAMPLE = bytes.fromhex(
    "0101 003c 2112a442 b7e7a701 bc34d686 fa87dfae"
    "8022 000b 7465737420766563746f7220"
    "0020 0008 0001 a147 e112a643"
    "0008 0014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "8028 0004 c07d4c96"
)


def test_the_sample_answer_of_the_rfc_is_read() -> None:
    """RFC 5769 2.2: the address in it is 192.0.2.1 port 32853."""
    message = stun.read(SAMPLE)
    assert message is not None
    assert (message.kind, message.has_cookie) == (stun.BINDING_RESPONSE, True)
    assert message.mapped == REFLEXIVE


def test_a_question_is_a_header_and_nothing_else() -> None:
    """RFC 8489 5: type, length, cookie, transaction."""
    cookie = stun.COOKIE.to_bytes(4)
    request = StunMessage(stun.BINDING_REQUEST, cookie + bytes(range(12)), {})
    assert request.write().hex() == "000100002112a442000102030405060708090a0b"
    assert stun.read(request.write()) == request


def test_the_hidden_address_counts_and_the_plain_one_may_have_been_replaced() -> None:
    """RFC 8489 14.2: some NATs rewrite every copy of their address that they find."""
    values = {
        stun.MAPPED_ADDRESS: stun.address_value(Endpoint.parse("192.168.20.100:5060")),
        stun.XOR_MAPPED_ADDRESS: stun.address_value(stun.masked(REFLEXIVE)),
    }
    answer = StunMessage(stun.BINDING_RESPONSE, bytes(16), values)
    assert answer.mapped == REFLEXIVE
    old = StunMessage(stun.BINDING_RESPONSE, bytes(16), {1: stun.address_value(REFLEXIVE)})
    assert (old.mapped, old.has_cookie) == (REFLEXIVE, False)


def test_values_are_padded_to_words() -> None:
    """RFC 8489 14: the length is without padding."""
    message = StunMessage(1, bytes(16), {0x8022: b"abcde", 3: b"\0\0\0\4"})
    assert len(message.write()) == 20 + 4 + 8 + 4 + 4
    assert stun.read(message.write()) == message


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"REGISTER sip:203.0.113.9 SIP/2.0\r\n\r\n",
        bytes([0x80]) + bytes(171),
        SAMPLE[:-4],
        bytes.fromhex("0101000400000000000000000000000000000000" + "000100ff"),
    ],
    ids=["nothing", "SIP", "audio", "cut short", "an attribute that is too long"],
)
def test_what_is_no_stun_is_none(payload: bytes) -> None:
    """RFC 8489 5: the first two bits are zero, and the length is right."""
    assert stun.read(payload) is None


def test_an_address_of_another_family_is_none_that_can_be_used() -> None:
    answer = StunMessage(0x101, bytes(16), {stun.MAPPED_ADDRESS: bytes.fromhex("0002") + bytes(18)})
    assert answer.mapped is None
