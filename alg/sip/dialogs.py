"""The life of a call, as far as its pinholes depend on it.

Theory of operation. A call is what messages with one Call-ID say about one inside host (rule
call-not-connection). Its state is one immutable record that the context remembers, so a message
that fails leaves no trace. A call may have several dialogs (forking): a BYE ends one, and the
pinholes go with the last (rule closed-with-the-call). An offer within a call that is running
(re-INVITE, UPDATE) is provisional until its answer: when it fails, the old streams, which were
never closed, are all that is left (rule failed-offer-undone).

    message                   streams      before       open
    INVITE, port 4000         4000         None         4000
    200 to it                 4000         None         4000
    INVITE again, port 5000   5000         4000         4000 and 5000
      either 200 to it        5000         None         5000
      or     488 to it        4000         None         4000
    BYE                       over                      nothing
"""

from __future__ import annotations

from typing import NamedTuple

from alg.sip import fields, grammar
from alg.sip.rewriting import LONGEST_LIFE, Rewriting
from nat.endpoint import Endpoint

NEGOTIATES = frozenset(("INVITE", "UPDATE", "PRACK", "ACK"))
"""The methods whose descriptions are offers or answers (rule negotiating-messages)."""

MOST_DIALOGS = 16
"""Branches of one forked call that are told apart. A server could make up any number of tags, and
every dialog of a call must be hung up before its pinholes close."""


SHORTEST_SESSION = 90.0
"""Seconds."""


class Transaction(NamedTuple):
    """A request: who sent it, its method and number. Its answers carry the same CSeq, so one value
    stands for the request and for them."""

    outward: bool
    method: str
    cseq: int


class Media(NamedTuple):
    """Where the inside host listens for one stream."""

    rtp: Endpoint
    rtcp: Endpoint | None


class Call(NamedTuple):
    """What is known of a call. `streams` and `peers` are in the order of the m= lines."""

    streams: tuple[Media | None, ...] = ()
    """The inside host's own media, None for a stream that is not its or not in use."""
    peers: tuple[int | None, ...] = ()
    """The address that the other side's description gives for each stream."""
    dialogs: frozenset[tuple[bytes, bytes]] = frozenset()
    """(own tag, peer's tag) of those that a 2xx has confirmed (RFC 3261 12)."""
    invite: Transaction | None = None
    """The latest INVITE."""
    offer: Transaction | None = None
    """The latest request that carried a description."""
    before: tuple[Media | None, ...] | None = None
    """The streams to return to if `offer` fails; None when nothing is pending."""
    is_idle: bool = False
    """Is it agreed that nobody sends, on any stream (RFC 8866 6.7, `inactive`)?"""
    asks_for_idle: bool = False
    """Does `offer` ask for that? It is agreed when the offer is answered."""
    session: float | None = None
    """Seconds after which the call is over unless it is refreshed (RFC 4028); None: no limit."""
    over: bool = False
    """Has it been hung up? What is still on its way for it opens nothing any more."""


def parent(work: Rewriting) -> tuple[str, str, int]:
    """What the pinholes of this call belong to."""
    return ("call", work.message.call_id, work.host)


def recall(work: Rewriting) -> Call:
    """What is known of the call that the message belongs to; an empty record for a new one."""
    known: Call | None = work.context.recall(parent(work))
    return known or Call()


def store(work: Rewriting, call: Call) -> None:
    work.context.remember(parent(work), call, LONGEST_LIFE)


def transaction(work: Rewriting) -> Transaction:
    """The request that this message is, or answers."""
    message = work.message
    return Transaction(message.is_request == work.outward, message.method, message.cseq)


def follow(work: Rewriting) -> None:
    """Let a message act on the state of its call. What its description says has been done by then
    (`offers.py`)."""
    message = work.message
    if message.method == "BYE" and message.is_request:
        _hang_up(work)
    elif message.method == "CANCEL" and message.is_request:
        if not recall(work).dialogs:  # what has been answered cannot be cancelled any more
            end(work)
    elif message.status is not None and message.status >= 200:
        _final_answer(work, message.status)


def begin(work: Rewriting) -> None:
    """Note an INVITE before anything is opened for it. With the Call-ID of a call that is over, a
    new one begins."""
    if work.message.method != "INVITE" or not work.message.is_request:
        return
    call = recall(work)
    if call.invite != transaction(work):
        store(work, (Call() if call.over else call)._replace(invite=transaction(work)))


def end(work: Rewriting) -> None:
    """Close everything that the call opened, and remember that it is over: an answer that is
    repeated late must not open it again."""
    name = parent(work)
    work.context.close(name)
    work.context.close(("contact", *name[1:]))
    work.context.remember(name, Call(over=True), LONGEST_LIFE)


def _hang_up(work: Rewriting) -> None:
    """The request is enough: the answer may never come. A BYE for one of several dialogs leaves the
    others their media, and one for a dialog that is not known leaves those that are."""
    call = recall(work)
    left = call.dialogs - {_dialog(work)}
    if left == call.dialogs and left:
        return
    if left:
        store(work, call._replace(dialogs=left))
    else:
        end(work)


def _final_answer(work: Rewriting, status: int) -> None:
    """A 2xx confirms a dialog and the offer in its request; another answer ends a call that nobody
    has answered, or takes the offer back."""
    call = recall(work)
    asked = transaction(work)
    if status < 300:
        if asked == call.invite and len(call.dialogs) < MOST_DIALOGS:
            call = call._replace(dialogs=call.dialogs | {_dialog(work)})
        if asked == call.offer:
            call = settle(work, call)
        if asked.method in ("INVITE", "UPDATE"):
            call = call._replace(session=_session_expires(work))
        if call != recall(work):
            store(work, call)
    elif asked == call.invite and not call.dialogs:
        end(work)
    elif asked == call.offer and call.before is not None:
        store(work, _take_back(work, call))


def _session_expires(work: Rewriting) -> float | None:
    """How long the session lasts after this 2xx, unless it is refreshed: only the answer's word
    counts, and without one there is no timer (RFC 4028 9). Nobody may ask for less than 90 s
    (RFC 4028 4)."""
    seconds = grammar.number((work.message.value(b"session-expires") or b"").partition(b";")[0])
    return None if seconds is None else max(float(seconds), SHORTEST_SESSION)


def settle(work: Rewriting, call: Call) -> Call:
    """The offer stands: close what only the old description had."""
    if call.before is not None:
        close_unused(work, call.before, call.streams)
    return call._replace(before=None)


def _take_back(work: Rewriting, call: Call) -> Call:
    """The offer failed: close what only it had; the running streams go on."""
    before = call.before or ()
    close_unused(work, call.streams, before)
    return call._replace(streams=before, before=None)


def close_unused(
    work: Rewriting, old: tuple[Media | None, ...], new: tuple[Media | None, ...]
) -> None:
    """Close what `old` listens at and `new` does not. Ports are compared, not places in the list: a
    stream may have moved to another m= line."""
    used = {endpoint for media in new if media for endpoint in media}
    for media in old:
        for endpoint in media or ():
            if endpoint and endpoint not in used:
                work.context.close(parent(work), endpoint)


def _dialog(work: Rewriting) -> tuple[bytes, bytes]:
    """(own tag, peer's tag), whoever of the two sent the message: From is the sender of the
    request, also in its answer."""
    tags = []
    for address in (work.parts.sender, work.parts.recipient):
        tag = address.parameters.get(b"tag", fields.MISSING) if address else fields.MISSING
        tags.append(fields.text(work.data, tag))
    own_is_sender = work.message.is_request == work.outward
    return (tags[0], tags[1]) if own_is_sender else (tags[1], tags[0])
