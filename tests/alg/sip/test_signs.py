"""SIP that nobody reads is told by how it begins, and by nothing else."""

from __future__ import annotations

import pytest

from alg.hint import Hint
from alg.sip.signs import SIGNS
from tests.support.glimpses import NO_SIGN, Said, said

REGISTER = b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.20.10:5070\r\n"
ANSWER = b"SIP/2.0 200 OK\r\n"
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def hinted(answer: Said) -> Hint:
    assert isinstance(answer, Hint)
    return answer


@pytest.mark.parametrize("message", [REGISTER, ANSWER, b"OPTIONS sips:a@b SIP/2.0\r\n"])
def test_sip_on_a_port_that_is_not_looked_at_names_the_setting_and_both_ports(
    message: bytes,
) -> None:
    hint = hinted(said(SIGNS, message, 5070, transport="udp"))
    assert "SIP on port 5070 is not read: alg.sip.ports names 5060" in hint.sentence
    assert (hint.setting, hint.value) == ("alg.sip.ports", "5060,5070")


def test_where_sip_is_read_there_is_nothing_to_say() -> None:
    assert said(SIGNS, REGISTER, 5070, transport="udp", alg__sip__ports=[5060, 5070]) is None


def test_a_transport_that_is_left_out_has_a_hint_of_its_own() -> None:
    hint = hinted(said(SIGNS, REGISTER, 5060, alg__sip__transports=["udp"]))
    assert "SIP over TCP is not read" in hint.sentence
    assert (hint.setting, hint.value) == ("alg.sip.transports", "udp,tcp")


def test_tls_on_the_port_of_sip_over_tls_is_out_of_reach_of_any_alg() -> None:
    """RFC 3261 26.2.1. No setting changes that."""
    hint = hinted(said(SIGNS, CLIENT_HELLO, 5061))
    assert "SIP over TLS" in hint.sentence
    assert hint.setting == ""
    assert len(hint.sentence) <= 256, "a sentence is cut there"


def test_tls_elsewhere_says_nothing_about_sip() -> None:
    assert said(SIGNS, CLIENT_HELLO, 443) == NO_SIGN


@pytest.mark.parametrize(
    "other",
    [
        b"GET / HTTP/1.1\r\n",
        b"POST /sip:x SIP/2.0\r\n",
        b"OPTIONS rtsp://example.com RTSP/1.0\r\n",
        b"REGISTER",
        b"\x16\x03\x01\x02\x00\x02",  # a ServerHello
        b"\x80\x00",
    ],
)
def test_what_only_looks_like_it_is_no_sign(other: bytes) -> None:
    assert said(SIGNS, other, 5070) == NO_SIGN
