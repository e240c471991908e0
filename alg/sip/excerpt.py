"""What tells a SIP message in somebody's log, and which inside host wrote it.

Looser than `alg.sip.framing` on purpose: text that a person pasted is looked through for a message
in its middle, which an ALG must never do with a stream (rule first-byte-or-never).
"""

from __future__ import annotations

import re

from alg.sip import fields, grammar, parts
from alg.sip.fields import HostPort
from alg.sip.message import Malformed, Message, NotSip, parse
from nat.endpoint import Endpoint
from nat.reach import is_inside_only

FIRST_LINE = re.compile(
    rb"(?<![A-Za-z0-9])(?:[A-Z]{3,20}+ (?i:sips?|tel|urn):[^ \t\r\n]++ SIP/2\.0[ \t]*+(?=[\r\n]|\Z)"
    rb"|SIP/2\.0 [1-6][0-9][0-9](?: [^\r\n]*+)?(?=[\r\n]|\Z))"
)
"""A start line (RFC 3261 7.1 and 7.2) at the end of a line, whatever stands before it."""

DEFAULT_PORT = 5060
"""RFC 3261 18.1.1 (5061 for TLS, which nobody can paste)."""


def inside_endpoint(data: bytes) -> Endpoint | None:
    """The first endpoint by which the sender names itself that means something only inside: in the
    top Via of a request, in Contact, in the session description. None when there is none, or the
    message cannot be read."""
    try:
        message = parse(data)
        found = parts.read(message)
    except (NotSip, Malformed):
        return None
    for where in _own_names(message, found):
        address = grammar.address(fields.text(data, where.host))
        if address is not None and is_inside_only(address):
            port = grammar.port(fields.text(data, where.port))
            return Endpoint(address, port or DEFAULT_PORT)
    return None


def _own_names(message: Message, found: parts.Parts) -> list[HostPort]:
    via = [found.via.sent_by] if found.via and message.is_request else []
    media = [
        HostPort(line.address, fields.MISSING)
        for session in found.sessions
        for line in map(session.connection_of, session.streams)
        if line
    ]
    return [*via, *(contact.where for contact in found.contacts), *media]
