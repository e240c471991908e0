"""Faults behind right messages: which expectations stand, for whom and for how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alg.base import AlgContext
from alg.sip_poor.pinholes import FAULTS, NeverCloses, OneRegistration, SignallingPeerOnly
from appliance.gateway.trial import Trial
from nat.endpoint import Direction, Endpoint
from tests.alg.sip_poor.shown import not_shown
from tests.support.conversation import small_nat

REGISTER = """
REGISTER sip:203.0.113.9 SIP/2.0
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1
From: <sip:{name}@203.0.113.9>;tag=1
To: <sip:{name}@203.0.113.9>
Call-ID: {name}
CSeq: {cseq} REGISTER
Contact: <sip:{name}@192.168.20.100:5060>;expires={expires}
Content-Length: 0
"""
REGISTERED = """
SIP/2.0 200 OK
Via: SIP/2.0/UDP 203.0.113.1:1024;branch=z9hG4bK1
From: <sip:{name}@203.0.113.9>;tag=1
To: <sip:{name}@203.0.113.9>;tag=2
Call-ID: {name}
CSeq: {cseq} REGISTER
Contact: <sip:{name}@203.0.113.1:1024>;expires={expires}
Content-Length: 0
"""
CALL = """
{start}
Via: SIP/2.0/UDP {via};branch=z9hG4bK1
From: <sip:a@example.com>;tag=1
To: <sip:b@example.com>;tag=2
Call-ID: 1
CSeq: {cseq}
Content-Type: application/sdp
Content-Length: ?

v=0
o=- 1 1 IN IP4 {address}
s=-
c=IN IP4 {address}
t=0 0
m=audio 4000 RTP/AVP 0
"""
INVITE = CALL.format(
    start="INVITE sip:b@example.com SIP/2.0",
    via="192.168.20.100:5060",
    cseq="1 INVITE",
    address="192.168.20.100",
)
ANSWER = CALL.format(
    start="SIP/2.0 200 OK", via="203.0.113.1:1024", cseq="1 INVITE", address="198.51.100.7"
)
BYE = CALL.partition("Content-Type")[0].format(
    start="BYE sip:b@example.com SIP/2.0", via="192.168.20.100:5060", cseq="2 BYE"
)


@pytest.fixture
def registered(beside: Callable[..., Any]) -> Callable[..., Any]:
    """A pair that has registered these names, each with its expires."""

    def register(fault: str, *names: tuple[str, int]) -> Any:
        pair = beside(fault)
        for cseq, (name, expires) in enumerate(names):
            assert pair.out(REGISTER.format(name=name, expires=expires, cseq=cseq)) == ""
            assert pair.into(REGISTERED.format(name=name, expires=expires, cseq=cseq)) == ""
        return pair

    return register


def test_hide_then_forget_keeps_nothing(registered: Callable[..., Any]) -> None:
    pair = registered("hide-then-forget", ("a", 3600))
    assert (pair.right.kept, pair.right.open) == (3632.0, ["5060<-203.0.113.9"])
    assert (pair.poor.kept, pair.poor.open) == (None, [])


def test_sip_timer_short_keeps_for_a_minute(registered: Callable[..., Any]) -> None:
    pair = registered("sip-timer-short", ("a", 3600))
    assert pair.poor.kept == 60.0
    assert pair.poor.lifetimes == {60.0}


def test_one_reg_has_room_for_one(registered: Callable[..., Any]) -> None:
    pair = registered("one-reg", ("a", 60), ("b", 70), ("b", 80))
    assert pair.right.lifetimes == {60.0, 80.0}
    assert pair.poor.lifetimes == {80.0}


def test_unreg_leaves_hole_is_open_after_signing_off(registered: Callable[..., Any]) -> None:
    pair = registered("unreg-leaves-hole", ("a", 60), ("a", 0))
    assert pair.pinholes == ([], ["5060<-203.0.113.9"])


def test_pinhole_leak_is_open_after_hanging_up(beside: Callable[..., Any]) -> None:
    pair = beside("pinhole-leak")
    assert [pair.out(INVITE), pair.into(ANSWER), pair.out(BYE)] == ["", "", ""]
    right, poor = pair.pinholes
    assert (len(right), len(poor)) == (0, 4)


def test_direct_media_block_lets_nobody_else_in(beside: Callable[..., Any]) -> None:
    pair = beside("direct-media-block")
    assert [pair.out(INVITE), pair.into(ANSWER)] == ["", ""]
    right, poor = pair.pinholes
    assert "4000<-198.51.100.7" in right
    assert poor == ["4000<-203.0.113.9", "4001<-203.0.113.9"]


def test_dialog_forgets_after_a_quarter_of_an_hour(beside: Callable[..., Any]) -> None:
    pair = beside("dialog-forgets")
    assert pair.out(INVITE) == ""
    assert {known.used_lifetime for known in pair.poor.context.expectations} == {900.0}


# --- the wrapped contexts --------------------------------------------------------------------

PHONE, SEEN, SERVER, MEDIA = map(
    Endpoint.parse,
    ("192.168.20.100:5060", "203.0.113.1:1024", "203.0.113.9:5060", "198.51.100.7:0"),
)
RTP = PHONE._replace(port=4000)


@pytest.fixture
def nat() -> Trial:
    return small_nat(Direction.OUT, PHONE, SEEN, SERVER)


def expect(context: AlgContext, parent: object, remote: Endpoint | None = SERVER) -> None:
    context.expect(RTP, remote, parent=parent, reason="r", lifetime=100)


def test_one_kind_is_never_closed(nat: Trial) -> None:
    context = NeverCloses(nat, "call")
    context.map(RTP)
    for parent in (("call", "x"), ("registration", "x")):
        expect(context, parent)
        context.close(parent)
    nat.commit()
    assert [known.parent for known in nat.expectations] == [("call", "x")]


def test_nobody_but_the_signalling_peer_is_let_in(nat: Trial) -> None:
    context = SignallingPeerOnly(nat)
    context.map(RTP)
    for remote in (SERVER, MEDIA, None):
        expect(context, ("call", "x"), remote)
    assert [known.remote for known in nat.expectations] == [SERVER, None]


def test_a_registrar_may_be_anywhere(nat: Trial) -> None:
    """The signalling peer matters for media only."""
    context = SignallingPeerOnly(nat)
    context.map(RTP)
    expect(context, ("registration", "x"), MEDIA)
    assert [known.remote for known in nat.expectations] == [MEDIA]


def test_the_next_registration_pushes_the_last_one_out(nat: Trial) -> None:
    context = OneRegistration(nat)
    context.map(RTP)
    for name in ("a", "b", "b"):
        expect(context, ("registration", name))
    expect(context, ("call", "x"))
    nat.commit()
    assert [known.parent for known in nat.expectations] == [("registration", "b"), ("call", "x")]


def test_every_fault_of_the_file_is_shown() -> None:
    assert not_shown(FAULTS, globals()) == []
