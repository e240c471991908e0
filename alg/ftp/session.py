"""Who speaks, and what has been said on a control connection before.

Which side is the server follows from which end has one of FTP's ports (`alg.ftp.ports`), not from
what was heard first. The ports were chosen by whoever runs the NAT; what is heard comes from
whoever might want to fool it: a client that speaks first with a `227`, or a server that greets with
`PORT`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum

from alg.base import AlgContext
from nat.endpoint import Direction

REMEMBERED_FOR = 86_400.0
"""Seconds after the last message of a control connection."""


class Role(Enum):
    """Clients send commands and servers send replies, never the other way round (RFC 959 2.3)."""

    CLIENT = "client"
    SERVER = "server"


def speaker(context: AlgContext) -> Role | None:
    """Whose message this is; None when both ends have a port of FTP, or none has."""
    ports = context.settings.get("ports", ())
    inside_serves = context.internal.port in ports
    if inside_serves == (context.remote.port in ports):
        return None
    from_inside = context.direction is Direction.OUT
    return Role.SERVER if from_inside == inside_serves else Role.CLIENT


@dataclass(frozen=True, slots=True)
class Session:
    """What is known of a control connection.

    `asked`: a PASV or EPSV has not been answered yet, so that a 227 or 229 is believed.
    `only_epsv`: the client has said EPSV ALL (RFC 2428 4). `out_of_role`: one side has spoken like
    the other, so this is no FTP, whatever it looks like.
    """

    asked: bool = False
    only_epsv: bool = False
    out_of_role: bool = False


UNKNOWN = Session(asked=True)
"""Nothing is known: the first message that is seen, or what was remembered had to go. A reply is
then taken as one that was asked for."""


def parent(context: AlgContext) -> Hashable:
    """What expectations of this control connection belong to."""
    return ("data", str(context.internal), context.remote)


def recall(context: AlgContext) -> Session:
    """What is known of the control connection that carries the message."""
    known = context.recall(_key(context))
    return known if isinstance(known, Session) else UNKNOWN


def remember(context: AlgContext, session: Session) -> None:
    """Keep it for the next message."""
    context.remember(_key(context), session, REMEMBERED_FOR)


def _key(context: AlgContext) -> Hashable:
    return ("control", context.internal, context.remote)
