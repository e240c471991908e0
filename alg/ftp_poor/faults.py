"""The faults of FTP helpers: two in how a stream is read, one in who is let in."""

from __future__ import annotations

from dataclasses import dataclass

from alg.base import AlgContext
from alg.fault import Fault, Faults
from alg.ftp.correct import Peer, other_end
from nat.endpoint import Endpoint


@dataclass(slots=True)
class Case:
    """What a fault may change of the correct one's way with a message: `peer` says who may use a
    port that the message announces."""

    peer: Peer = other_end


ROWS = Faults[Case]()

ROWS.add(
    "no-seqadj",
    does="Edits commands and replies and leaves the sequence numbers as they were.",
    seen_in="Constructed",
    breaks="The control connection stalls after the first PORT or 227 whose length has changed.",
    look_at="the control connection's segments after the edit: the same bytes again and again",
    rfc="RFC 9293 3.4",
    kind="adjust",
    manners={"adjusts": False},
)

ROWS.add(
    "split-miss",
    does="Does not edit a command or reply that comes in more than one segment.",
    seen_in="Constructed",
    breaks="Now and then a private address gets out, and that file or listing never comes.",
    look_at="the before and after of PORT or 227 in the message that was cut: nothing has changed",
    rfc="RFC 959 5.3",
    kind="hold",
    manners={"waits": False},
)


def anyone(context: AlgContext) -> Endpoint | None:
    return None


def open_to_all(case: Case) -> None:
    case.peer = anyone


ROWS.add(
    "open-to-all",
    does="Lets anybody connect to a port that was announced, not only the other end.",
    seen_in="Constructed",
    breaks="Whoever comes first gets the file, or puts another one in its place.",
    look_at="`glassnat show expectations` before the file is asked for: remote is nobody's address",
    rfc="RFC 2577 8",
    kind="expect",
    prepare=open_to_all,
)

FAULTS: dict[str, Fault[Case]] = {fault.name: fault for fault in ROWS}
"""All faults by name."""
