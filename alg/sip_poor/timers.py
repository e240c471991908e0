"""Faults of time: flows that end too early, because nothing refreshes them or because one forged
packet ends them."""

from __future__ import annotations

from dataclasses import replace

from alg.fault import Faults
from alg.sip_poor.case import Case
from alg.sip_poor.verbs import ShortLived
from nat.behavior import Behavior
from nat.mapping import Flow

LONGEST_HOLD = 300.0
"""Seconds, as siproxd has it."""

ONE_WAY = frozenset((b"a=sendonly", b"a=recvonly", b"a=inactive", b"c=IN IP4 0.0.0.0"))

FAULTS = Faults[Case]()


def rtp_timeout_on_hold(case: Case) -> None:
    """A call on hold is silent on purpose, and this product takes it for dead."""
    descriptions = case.parts.body.descriptions if case.parts else []
    for start, end in descriptions:
        if ONE_WAY.intersection(case.data[start:end].splitlines()):
            case.context = ShortLived(case.context, LONGEST_HOLD, "call")


FAULTS.add(
    "rtp-timeout-on-hold",
    does="Closes the media of a call that is on hold, or one-way, after five minutes.",
    seen_in="Configuration file of siproxd",
    breaks="Who waits longer hears no announcement any more, until the call is resumed.",
    look_at="glassnat show expectations after the INVITE that puts a call on hold: those of its "
    "media expire in 300 s, even if music is played.",
    rfc="RFC 3264 8.4",
    kind="expect",
    prepare=rtp_timeout_on_hold,
)


def inbound_no_refresh(normal: Behavior) -> Behavior:
    return replace(normal, refresh_inbound=False)


FAULTS.add(
    "inbound-no-refresh",
    does="Keeps no mapping alive for what comes in, whatever nat.refresh_inbound says.",
    seen_in="README of Kamailio's nathelper",
    breaks="Pings that need no answer do not help the phone; OPTIONS do.",
    look_at="The time that a flow still has in view 1 while packets only come in: it goes on "
    "counting down.",
    rfc="RFC 4787 REQ-6",
    kind="behavior",
    decisions={"behavior": inbound_no_refresh},
)


def on_any_rst(normal: bool, flow: Flow) -> bool:
    return True


FAULTS.add(
    "rst-cuts",
    does="Forgets a connection at any RST, whatever its sequence number.",
    seen_in="ReDAN, NDSS 2025: most NATs that were tried",
    breaks="Anybody who guesses two ports ends SIP over TCP for good.",
    look_at="The flow that ends as cut, in view 4, at the moment of a RST that the phone itself "
    "would ignore.",
    rfc="RFC 7857 2.2",
    kind="cuts_on_rst",
    decisions={"cuts_on_rst": on_any_rst},
)


def on_any_icmp_error(normal: bool, flow: Flow) -> bool:
    return True


FAULTS.add(
    "icmp-cuts",
    does="Forgets a flow at any ICMP error about it.",
    seen_in="ReDAN, NDSS 2025; RFC 5508 had to forbid it",
    breaks="One forged ICMP packet and the phone cannot be reached any more.",
    look_at="The flow that ends as cut, in view 4, at the moment of an ICMP error about it.",
    rfc="RFC 5508 REQ-6",
    kind="cuts_on_icmp",
    decisions={"cuts_on_icmp": on_any_icmp_error},
)
