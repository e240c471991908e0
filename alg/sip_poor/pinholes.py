"""Faults in what the ALG asks the NAT for: which expectations stand, for whom, and for how long.

The messages are right, and what the NAT does for them is not. `kind` is the context verb that goes
wrong.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from alg.base import AlgContext
from alg.fault import Faults
from alg.sip import register
from alg.sip_poor.case import Case
from alg.sip_poor.verbs import ShortLived, WrappedContext, belongs_to
from nat.endpoint import Endpoint

SESSION_FORGOTTEN_AFTER = 900.0
"""Seconds: half of the usual session refresh (RFC 4028 4: 1,800 s)."""

SHORT_SIP_TIMEOUT = 60.0
"""Seconds, as in the lecture."""

FAULTS = Faults[Case]()


class SignallingPeerOnly(WrappedContext):
    """Lets media in from nobody but the address that the signalling comes from."""

    def expect(
        self, internal: Endpoint, remote: Endpoint | None, *, parent: Hashable, **more: Any
    ) -> None:
        is_media = belongs_to(parent, "call")
        if not is_media or remote is None or remote.address == self.remote.address:
            super().expect(internal, remote, parent=parent, **more)


def direct_media_block(case: Case) -> None:
    case.context = SignallingPeerOnly(case.context)


FAULTS.add(
    "direct-media-block",
    does="Lets media in from the signalling peer only.",
    seen_in="MikroTik lecture on sip-direct-media; a thread of NethSecurity",
    breaks="A ring-back tone or an announcement from another host than the server is not heard "
    "until the phone itself has sent something there: one that talks opens the way.",
    look_at="glassnat show expectations after an answer whose c= line names another server: that "
    "server is not among the remotes.",
    rfc="RFC 8866 5.7",
    kind="expect",
    prepare=direct_media_block,
)


def dialog_forgets(case: Case) -> None:
    case.context = ShortLived(case.context, SESSION_FORGOTTEN_AFTER, "call")


FAULTS.add(
    "dialog-forgets",
    does="Forgets a call after a quarter of an hour.",
    seen_in="Known among installers; no written source",
    breaks="After a quarter of an hour of silence the other side is heard no more, until a session "
    "refresh or one's own audio opens the way anew.",
    look_at="glassnat show expectations during a call: those of its media expire in 900 s at the "
    "latest, however long the call lasts.",
    rfc="RFC 4028 4",
    kind="expect",
    prepare=dialog_forgets,
)


class NeverCloses(WrappedContext):
    """Does not close expectations of parents of one kind ("call", "registration")."""

    def __init__(self, context: AlgContext, kind: str) -> None:
        super().__init__(context)
        self.kind = kind

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None:
        if not belongs_to(parent, self.kind):
            super().close(parent, internal)


def pinhole_leak(case: Case) -> None:
    case.context = NeverCloses(case.context, "call")


FAULTS.add(
    "pinhole-leak",
    does="Does not close the pinholes of calls that have ended.",
    seen_in="Correction in the Linux helper, 2019; siproxd 2004",
    breaks="The ports run out after days: it stops one day for no reason.",
    look_at="glassnat show expectations after a BYE: those of the call are still there.",
    rfc="RFC 3261 15",
    kind="close",
    prepare=pinhole_leak,
)


def hide_then_forget(case: Case) -> None:
    case.leave_out(register.follow)
    case.leave_out(register.keep_signalling)


FAULTS.add(
    "hide-then-forget",
    does="Hides the NAT from the server and then lets the signalling mapping expire.",
    seen_in="voip-info.org, its most copied paragraph",
    breaks="Calls out work; calls in stop a minute after registering.",
    look_at="The time that the signalling flow still has after the 200 OK to REGISTER, in view 1: "
    "the ordinary UDP timeout, and not what was granted.",
    rfc="RFC 4787 4.3",
    kind="keep",
    prepare=hide_then_forget,
)


def sip_timer_short(case: Case) -> None:
    case.context = ShortLived(case.context, SHORT_SIP_TIMEOUT, "registration")


FAULTS.add(
    "sip-timer-short",
    does="Keeps the signalling mapping for a minute only.",
    seen_in="MikroTik lecture on the SIP timeout",
    breaks="Calls in work just after registering, and then not until the next time.",
    look_at="The time that the signalling flow still has after the 200 OK to REGISTER, in view 1: "
    "60 s, and not what was granted.",
    rfc="RFC 4787 4.3",
    kind="keep",
    prepare=sip_timer_short,
)


class OneRegistration(WrappedContext):
    """Has room for one registration of a host: the next one closes the last one."""

    def expect(
        self, internal: Endpoint, remote: Endpoint | None, *, parent: Hashable, **more: Any
    ) -> None:
        if belongs_to(parent, "registration"):
            key = ("only registration", self.internal.address)
            last = self.recall(key)
            if last is not None and last != parent:
                self.close(last)
            self.remember(key, parent, 86_400.0)
        super().expect(internal, remote, parent=parent, **more)


def one_reg(case: Case) -> None:
    case.context = OneRegistration(case.context)


FAULTS.add(
    "one-reg",
    does="Has room for one registration of each host.",
    seen_in="Source of the Linux helper nf_conntrack_sip",
    breaks="A PBX with several trunks gets calls on the last one only.",
    look_at="glassnat show expectations after a second trunk of one host has registered: only one "
    "registration is there.",
    rfc="RFC 3261 10.2",
    kind="expect",
    prepare=one_reg,
)


def unreg_leaves_hole(case: Case) -> None:
    case.context = NeverCloses(case.context, "registration")


FAULTS.add(
    "unreg-leaves-hole",
    does="Leaves the registrar's pinhole open after the phone has signed off.",
    seen_in="Source of the Linux helper nf_conntrack_sip",
    breaks="The port can be reached after logging out: it rings at a desk that its user has left.",
    look_at="glassnat show expectations after a REGISTER with Expires 0: the registrar's is still "
    "there.",
    rfc="RFC 3261 10.2.2",
    kind="close",
    prepare=unreg_leaves_hole,
)
