"""Faults of time: flows that end too early, because nobody keeps them or anybody may end them."""

from __future__ import annotations

from dataclasses import replace

from alg.sip_poor.case import Case
from alg.sip_poor.doors import ShortLived
from alg.sip_poor.fault import Fault
from nat.behavior import Behavior
from nat.mapping import Flow

LONGEST_HOLD = 300.0
"""Seconds, as siproxd has it."""

ONE_WAY = frozenset((b"a=sendonly", b"a=recvonly", b"a=inactive", b"c=IN IP4 0.0.0.0"))


def rtp_timeout_on_hold(case: Case) -> None:
    """What stands on hold is silent on purpose, and taken for dead."""
    descriptions = case.parts.body.descriptions if case.parts else []
    for start, end in descriptions:
        if ONE_WAY.intersection(case.data[start:end].splitlines()):
            case.context = ShortLived(case.context, LONGEST_HOLD, "call")


def inbound_no_refresh(normal: Behavior) -> Behavior:
    return replace(normal, refresh_inbound=False)


def always(normal: bool, flow: Flow) -> bool:
    return True


FAULTS = (
    Fault(
        "rtp-timeout-on-hold",
        "M40",
        does="Closes the media of a call that is on hold, or one-way, after five minutes.",
        seen_in="Configuration file of siproxd",
        breaks="The music stops, and a call that is held longer has no audio when it is resumed.",
        rfc="RFC 3264 8.4",
        kind="expect",
        prepare=rtp_timeout_on_hold,
    ),
    Fault(
        "inbound-no-refresh",
        "M43",
        does="Keeps no mapping alive for what comes in, whatever nat.refresh_inbound says.",
        seen_in="README of Kamailio's nathelper",
        breaks="Pings that need no answer do not help the phone; OPTIONS do.",
        rfc="RFC 4787 REQ-6",
        kind="behavior",
        decisions={"behavior": inbound_no_refresh},
    ),
    Fault(
        "rst-cuts",
        "M54",
        does="Forgets a connection at any RST, whatever its sequence number.",
        seen_in="ReDAN, NDSS 2025: most NATs that were tried",
        breaks="Anybody who guesses two ports ends SIP over TCP for good.",
        rfc="RFC 7857 2.2",
        kind="cuts_on_rst",
        decisions={"cuts_on_rst": always},
    ),
    Fault(
        "icmp-cuts",
        "M54",
        does="Forgets a flow at any ICMP error about it.",
        seen_in="ReDAN, NDSS 2025; RFC 5508 had to forbid it",
        breaks="One forged ICMP packet and the phone cannot be reached any more.",
        rfc="RFC 5508 REQ-6",
        kind="cuts_on_icmp",
        decisions={"cuts_on_icmp": always},
    ),
)
