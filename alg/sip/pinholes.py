"""The pinholes of a call's media: who may send to its streams, and for how long.

    who     the signalling peer and the address in the peer's description, from any port
    until   before the answer    three minutes, or as long as early media flow
            after the answer     the call ends, its session timer runs out, or all of its streams
                                 are silent though one side is to send

They are asked for with each description, and again with each answer that lets the call go on.
"""

from __future__ import annotations

from alg.base import Unavailable
from alg.sip import dialogs
from alg.sip.dialogs import Call
from alg.sip.rewriting import LONGEST_LIFE, Rewriting
from nat.endpoint import Endpoint

FIRST_PACKET = 180.0
"""Seconds that a pinhole waits for the call to be answered, or for its first packet; an answered
call keeps it (rule as-long-as-the-call)."""

SILENCE = 600.0
"""Seconds without media, RTCP included, after which both ends of an answered call are gone."""

REASON = "The description offers this port for media."
ONE_MORE = "one more remote's way in"


def renew(work: Rewriting) -> None:
    """A call that rings goes on ringing, one that is answered or refreshed goes on (RFC 3261
    13.3.1.1, RFC 4028 7.2), also by messages without a description: what it listens at stays open.
    """
    status = work.message.status
    if status is None or not 100 < status < 300 or work.message.method not in dialogs.NEGOTIATES:
        return
    call = dialogs.recall(work)
    if not call.over:
        open_if_possible(work, call)


def open_each(work: Rewriting, call: Call) -> dict[int, Unavailable]:
    """Ask for every pinhole of the call, anew or again: the same request renews it. Answers which
    streams the NAT has refused something, and why."""
    refused = {}
    for index in range(len(call.streams)):
        try:
            _open_stream(work, call, index)
        except Unavailable as reason:
            refused[index] = reason
    return refused


def _open_stream(work: Rewriting, call: Call, index: int) -> None:
    """Ask for the pinholes of one stream. Raises Unavailable."""
    for internal in call.streams[index] or ():
        if internal and work.context.external_of(internal):
            for remote in _remotes(work, call, index):
                _expect(work, call, internal, remote)


def open_if_possible(work: Rewriting, call: Call) -> None:
    """Where nothing is announced: learnt from the peer's description is one more address that may
    send. When the NAT cannot give that, the message must still reach the phone, so the refusal is
    only noted."""
    for reason in open_each(work, call).values():
        work.could_not_open(ONE_MORE, reason)


def _remotes(work: Rewriting, call: Call, index: int) -> list[Endpoint | None]:
    """Who may send to a stream (rule peer-only); None is anyone. Port 0 is any port, because
    nothing says that media comes from the port at which its sender listens."""
    if work.context.settings.get("media_peers") == "any":
        return [None]
    remotes: list[Endpoint | None] = [work.signalling_peer]
    peer = call.peers[index] if index < len(call.peers) else None
    if peer and peer != work.signalling_peer.address:
        remotes.append(Endpoint(peer, 0))
    return remotes


def _expect(work: Rewriting, call: Call, internal: Endpoint, remote: Endpoint | None) -> None:
    """Rule as-long-as-the-call. Before the answer: three minutes, because a phone may ring so long,
    or as long as early media flow. Then as long as the call, whichever side sends: until its timer
    (RFC 4028) has run out, or until both sides have been silent for minutes, where one of them is
    to send."""
    is_answered = bool(call.dialogs)
    work.context.expect(
        internal,
        remote,
        parent=dialogs.parent(work),
        reason=REASON,
        lifetime=min(call.session or LONGEST_LIFE, LONGEST_LIFE) if is_answered else FIRST_PACKET,
        used_lifetime=None if is_answered else LONGEST_LIFE,
        silence=None if is_answered and call.is_idle else SILENCE,
    )
