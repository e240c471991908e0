"""The correct FTP ALG. Read this file first, then `message.py`.

FTP opens a second connection for every file, and says in the first one, as text, where to. Two
sentences of an inside host need help:

    PORT 192,168,20,100,156,65       "connect to me there": an inside client in active mode
    227 … (192,168,20,10,156,65)     "you may connect to me there": an inside server in passive mode

Both become an external endpoint that leads to the same port, and that port waits for one connection
from the other end's address. EPRT and 229 are the same in the form of RFC 2428. Whatever names
another host, or a system port, is left as it came (RFC 2577: bounce attacks).

What comes from outside is read for its order only. This module has no state: what it must know
later it asks its context to remember (`session.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from alg.base import AlgContext, Edit, Edits, Reading, Reason, Refuse, Unavailable
from alg.ftp import grammar, session
from alg.ftp.framing import NotFtp
from alg.ftp.message import Announcement, Command, Malformed, Reply, parse
from alg.ftp.session import Role, Session
from alg.stream import RIGHT, Manners
from nat.endpoint import Direction, Endpoint
from nat.policy import Decide

WAITS_FOR = 300.0
"""Seconds that an announced port waits for its connection: the server may first have to find the
file. No RFC gives a number; it is what the Linux helper waits."""
CHOOSES_A_PORT = frozenset(("PORT", "EPRT", "PASV", "EPSV", "LPRT", "LPSV"))
"""Commands after which the port that was chosen before is not used any more (RFC 959 3.2)."""
BEGINS_OR_ENDS = frozenset((220, 221, 421))
"""Replies after which nothing counts that was said before: 220 is the first one of a connection and
the one to REIN, 221 and 421 close the connection (RFC 959 4.2.1)."""

Peer = Callable[[AlgContext], Endpoint | None]


def other_end(context: AlgContext) -> Endpoint:
    """Who may connect: the address that the control connection is with, from any port. (RFC 959 3.2
    says port 20, and many servers have no right to that.)"""
    return Endpoint(context.remote.address, 0)


class Ftp:
    """What PORT, EPRT, 227 and 229 should become (RFC 959, 1123, 2428, 2577).

    `peer` says who may use a port that was announced.
    """

    name = "ftp"
    application = "ftp"
    decisions: Mapping[str, Decide] = {}
    manners: Manners = RIGHT

    def __init__(self, peer: Peer = other_end) -> None:
        self._peer = peer

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        """Never raises for any bytes; Unavailable when the NAT cannot give what is needed."""
        try:
            said = parse(message)
        except NotFtp as reason:
            return Edits(reading=Reading.OPAQUE, note=str(reason))
        role = session.speaker(context)
        if role is None:
            return Edits(note="which end is the server cannot be told from their ports")
        known = session.recall(context)
        if isinstance(said, Command) != (role is Role.CLIENT):
            session.remember(context, replace(known, out_of_role=True))
            note = "a client sent a reply" if role is Role.CLIENT else "a server sent a command"
            return Edits(reading=Reading.MALFORMED, note=note)
        if known.out_of_role:
            return Edits(note="one side has spoken like the other: this is not FTP")
        _follow(said, known, context)
        if context.direction is Direction.IN:
            return Edits()
        if isinstance(said, Command):
            objection = "EPSV ALL was said before" if known.only_epsv else ""
        else:
            objection = "" if known.asked else "nobody has asked for it"
        return self._translate(said, objection, context)

    def explain(self, rule: str) -> Reason:
        return reasons()[rule]

    def _translate(self, said: Command | Reply, objection: str, context: AlgContext) -> Edits:
        """Announce the external endpoint in the place of the inside host's own, and open it."""
        try:
            announced = said.announcement()
        except Malformed as reason:
            return Edits(reading=Reading.MALFORMED, note=str(reason))
        if announced is None:
            return Edits()
        objection = objection or _objection(announced, context)
        if objection:
            return Edits(note=f"left alone: {objection}")
        internal = Endpoint(context.internal.address, announced.port)
        external = self._open(internal, context)
        if announced.address is None and external.address != context.external.address:
            raise Unavailable("the port would be on another address than the control connection")
        replacement = announced.written(external)
        if replacement == said.data[announced.start : announced.end]:
            return Edits(note="the port is the same outside")
        edit = Edit(announced.start, announced.end, replacement, announced.field, announced.rule)
        return Edits((edit,))

    def _open(self, internal: Endpoint, context: AlgContext) -> Endpoint:
        """One connection may come to `internal`, and the expectation is gone with it: whatever is
        closed later was not used, and a file on its way is never cut off."""
        external = context.map(internal, "tcp")
        context.expect(
            internal,
            self._peer(context),
            transport="tcp",
            parent=session.parent(context),
            reason="data connection",
            lifetime=WAITS_FOR,
            used_lifetime=0.0,
        )
        return external


def _follow(said: Command | Reply, known: Session, context: AlgContext) -> None:
    """What a message changes for those that come after it."""
    if isinstance(said, Command):
        if said.verb in CHOOSES_A_PORT:
            context.close(session.parent(context))
        if said.verb == "EPSV" and said.argument.upper() == b"ALL":
            known = replace(known, only_epsv=True)
        elif said.verb in ("PASV", "EPSV"):
            known = replace(known, asked=True)
    elif said.code in BEGINS_OR_ENDS:
        context.close(session.parent(context))
        known = Session()
    elif said.code in (227, 229):
        known = replace(known, asked=False)
    session.remember(context, known)


def _objection(announced: Announcement, context: AlgContext) -> str:
    """Why an announcement must not be helped, if so."""
    if announced.address not in (None, context.internal.address):
        return "it names another host than the one that says it"
    if announced.port < grammar.LOWEST_PORT:
        return "it names a system port"
    return ""


@cache
def reasons() -> dict[str, Reason]:
    """The sentences behind the rules, from the one file that a teacher may translate."""
    text = Path(__file__).with_name("reasons.toml").read_text(encoding="utf-8")
    return {
        rule: Reason(entry["sentence"], entry["rfc"]) for rule, entry in tomllib.loads(text).items()
    }
