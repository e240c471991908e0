"""Faults about the port that answers come to, and of an ALG that sees nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.sip_poor.signalling import FAULTS
from appliance.journal.events import MessagePassed
from nat.endpoint import Endpoint
from tests.alg.sip_poor.shown import not_shown
from tests.support.world import A, World

SENDS_FROM = A._replace(port=50000)
LISTENS_ON = A._replace(port=5060)
REGISTRAR = Endpoint.parse("203.0.113.9:5060")

REGISTER = b"""REGISTER sip:203.0.113.9 SIP/2.0\r
Via: SIP/2.0/UDP 192.168.20.10:%b;branch=z9hG4bK1%b\r
From: <sip:a@203.0.113.9>;tag=1\r
To: <sip:a@203.0.113.9>\r
Call-ID: 1\r
CSeq: 1 REGISTER\r
Contact: <sip:a@192.168.20.10:5060>\r
Content-Length: 0\r
\r
"""


def world(fault: str) -> World:
    return World({"alg.sip.module": f"sip-poor:{fault}" if fault else "sip"})


def answered_at(nat: World, request: bytes) -> tuple[Endpoint, bytes]:
    """Where the phone gets the answer to its request, and the Via that it carries: the registrar
    sends it to the port in the Via (RFC 3261 18.2.2), or to the source if it says `rport`."""
    seen = nat.out(SENDS_FROM, REGISTRAR, payload=request)
    sent = _last_after(nat)
    via = sent.split(b"\r\n")[1]
    port = seen.port if b"rport" in via else int(via.split(b":")[2].split(b";")[0])
    answer = b"SIP/2.0 401 Unauthorized\r\n" + sent.split(b"\r\n", 1)[1].replace(b";rport", b"")
    reached = nat.into(REGISTRAR, seen._replace(port=port), payload=answer)
    return reached, _last_after(nat).split(b"\r\n")[1]


def _last_after(nat: World) -> bytes:
    passed = [each for each in nat.engine.log.since(0) if isinstance(each, MessagePassed)]
    return passed[-1].after.encode("latin-1")


@pytest.mark.parametrize(
    ("fault", "parameter", "reached"),
    [
        ("", b"", LISTENS_ON),
        ("reply-to-5060", b"", SENDS_FROM),
        ("", b";rport", SENDS_FROM),
        ("reply-to-5060", b";rport", SENDS_FROM),
    ],
)
def test_reply_to_5060(fault: str, parameter: bytes, reached: Endpoint) -> None:
    """A Cisco 7941 sends from a high port and listens on 5060; who says `rport` listens where it
    sends from."""
    endpoint, via = answered_at(world(fault), REGISTER % (b"5060", parameter))
    assert endpoint == reached
    assert via.startswith(b"Via: SIP/2.0/UDP 192.168.20.10:5060;")


def test_reply_to_5060_leaves_other_phones_alone() -> None:
    request = REGISTER.replace(b"10:5060>", b"10:50000>") % (b"50000", b"")
    assert answered_at(world("reply-to-5060"), request) == answered_at(world(""), request)


def test_tls_blind(beside: Callable[..., Any]) -> None:
    """Everything stays as it is, and nothing is opened."""
    pair = beside("tls-blind")
    request = (REGISTER % (b"5060", b"")).replace(b"20.10", b"20.100")
    pair.out(request)
    assert pair.poor_bytes == request != pair.right_bytes
    assert pair.poor.open == []
    assert pair.poor.kept is None


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals()) == []
