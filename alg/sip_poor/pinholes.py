"""Faults in what the ALG asks the NAT for: which doors are open, to whom, and for how long.

The messages are right; what is behind them is not. `kind` names the decision that goes wrong.
"""

from __future__ import annotations

from alg.sip import register
from alg.sip_poor.case import Case
from alg.sip_poor.doors import NeverCloses, OneRegistration, ShortLived, SignallingPeerOnly
from alg.sip_poor.fault import Fault

SESSION_FORGOTTEN_AFTER = 900.0
"""Seconds: half of the usual session refresh (RFC 4028, 4: 1,800 s)."""

SHORT_SIP_TIMEOUT = 60.0
"""Seconds, as in the lecture."""


def direct_media_block(case: Case) -> None:
    case.context = SignallingPeerOnly(case.context)


def dialog_forgets(case: Case) -> None:
    case.context = ShortLived(case.context, SESSION_FORGOTTEN_AFTER, "call")


def pinhole_leak(case: Case) -> None:
    case.context = NeverCloses(case.context, "call")


def hide_then_forget(case: Case) -> None:
    case.leave_out(register.follow)
    case.leave_out(register.keep_signalling)


def sip_timer_short(case: Case) -> None:
    case.context = ShortLived(case.context, SHORT_SIP_TIMEOUT, "registration")


def one_reg(case: Case) -> None:
    case.context = OneRegistration(case.context)


def unreg_leaves_hole(case: Case) -> None:
    case.context = NeverCloses(case.context, "registration")


FAULTS = (
    Fault(
        "direct-media-block",
        "M37",
        does="Lets media in from the signalling peer only.",
        seen_in="MikroTik lecture on sip-direct-media; a thread of NethSecurity",
        breaks="Silence one second after the answer, when the media move to another server.",
        rfc="RFC 8866 5.7",
        kind="expect",
        prepare=direct_media_block,
    ),
    Fault(
        "dialog-forgets",
        "M38",
        does="Forgets a call after a quarter of an hour.",
        seen_in="General knowledge of installers",
        breaks="The call dies at 15 or 30 minutes, with the session refresh.",
        rfc="RFC 4028 4",
        kind="expect",
        prepare=dialog_forgets,
    ),
    Fault(
        "pinhole-leak",
        "M41",
        does="Does not close the pinholes of calls that have ended.",
        seen_in="Correction in the Linux helper, 2019; siproxd 2004",
        breaks="The ports run out after days: it stops one day for no reason.",
        rfc="RFC 3261 15",
        kind="close",
        prepare=pinhole_leak,
    ),
    Fault(
        "hide-then-forget",
        "M42",
        does="Hides the NAT from the server and then lets the signalling mapping expire.",
        seen_in="voip-info.org, its most copied paragraph",
        breaks="Calls out work; calls in stop a minute after registering.",
        rfc="RFC 4787 4.3",
        kind="keep",
        prepare=hide_then_forget,
    ),
    Fault(
        "sip-timer-short",
        "M44",
        does="Keeps the signalling mapping for a minute only.",
        seen_in="MikroTik lecture on the SIP timeout",
        breaks="Calls in work just after registering, and then not until the next time.",
        rfc="RFC 4787 4.3",
        kind="keep",
        prepare=sip_timer_short,
    ),
    Fault(
        "one-reg",
        "M56",
        does="Has room for one registration of each host.",
        seen_in="Source of the Linux helper (to be shown)",
        breaks="A PBX with several trunks gets calls on the last one only.",
        rfc="RFC 3261 10.2",
        kind="expect",
        prepare=one_reg,
    ),
    Fault(
        "unreg-leaves-hole",
        "M57",
        does="Leaves the registrar's pinhole open after the phone has signed off.",
        seen_in="Source of the Linux helper (to be shown)",
        breaks="The port can be reached after logging out.",
        rfc="RFC 3261 10.2.2",
        kind="close",
        prepare=unreg_leaves_hole,
    ),
)
