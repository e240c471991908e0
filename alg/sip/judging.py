"""What is right in a message, for whoever puts another module beside the correct one.

The correct module says why it changes a place (`reasons.toml`). Here is what else a comparison must
know: how long the body is that really leaves, and why a place that the correct module leaves alone
must stay (`stays.toml`), whatever another module had in mind when it changed it; and what has
become right only because another module was wrong before.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from alg.base import AlgContext, Edit, Reason
from alg.sip import bodies, parts
from alg.sip.message import FULL_NAMES, Header, Malformed, Message, NotSip, parse
from alg.sip.rewriting import LONGEST_LIFE
from nat.endpoint import Direction

_HEADERS: Mapping[bytes, str] = {
    b"call-id": "call-id",
    b"via": "via",
    b"cseq": "cseq",
    b"max-forwards": "max-forwards",
    b"expires": "expires",
    b"min-expires": "expires",
    b"authorization": "credentials",
    b"proxy-authorization": "credentials",
    b"www-authenticate": "credentials",
    b"proxy-authenticate": "credentials",
    b"from": "party",
    b"to": "party",
    b"contact": "foreign",
    **dict.fromkeys(parts.ROUTES, "foreign"),
    b"content-length": "content-length",
}
_NAMED: Mapping[bytes, str] = {
    name: name.decode()
    for name in (b"call-id", b"via", b"contact", b"from", b"to", *parts.ROUTES, b"refer-to")
}
_BEGINNING = re.compile(rb"([A-Za-z-]{1,20}+)[ \t]*+([:=])")
"""How a header begins, or a line of a description."""
_BRANCH = re.compile(r";[ \t]*+branch[ \t]*+=[ \t]*+([^ \t;,]++)", re.IGNORECASE)
_PARAMETERS: Mapping[bytes, str] = {b"branch": "branch", b"tag": "tag", b"expires": "expires"}
_PARAMETER = re.compile(rb";[ \t]*+([a-z]++)[ \t]*+=", re.IGNORECASE)


def consequences(message: bytes, edits: Sequence[Edit]) -> list[Edit]:
    """The edits that make each Content-Length right for the body that leaves after `edits` (rule
    lengths-follow); none for a message that cannot be read."""
    try:
        lengths = bodies.find(parse(message)).lengths
    except (NotSip, Malformed):
        return []
    return bodies.lengths_after(lengths, edits)


def watch(
    message: bytes, left: bytes, context: AlgContext, edits: Sequence[Edit]
) -> Sequence[Edit]:
    """No Call-ID may change, and no Via may be added; but a module that has done so is right to
    give its writer back what he wrote, and to answer by what was asked (RFC 3261 8.2.6.2). It is
    not missed where it does not: the change was wrong."""
    try:
        came, gone = parse(message), parse(left)
    except (NotSip, Malformed):
        return edits
    edits = _without_its_via(came, gone, context, edits)
    if gone.call_id == came.call_id:
        return edits
    host, is_outward = context.internal.address, context.direction is Direction.OUT
    undone = context.recall(("call-id", host, is_outward, came.call_id)) == gone.call_id
    is_right = undone and not (is_outward and came.is_request)
    if came.is_request or (is_outward and not undone):
        back = ("call-id", host, not is_outward, gone.call_id)
        context.remember(back, came.call_id, LONGEST_LIFE)
    return (*edits, _call_id_restored(came, gone.call_id)) if is_right else edits


def _without_its_via(
    came: Message, gone: Message, context: AlgContext, edits: Sequence[Edit]
) -> Sequence[Edit]:
    """Of an answer to a request that a module has added a Via to: without that, and with the top
    Via as its phone wrote it."""
    vias, left = (list(each.headers.get(b"via", ())) for each in (came, gone))
    host, is_outward = context.internal.address, context.direction is Direction.OUT
    if is_outward and came.is_request and vias and len(left) == len(vias) + 1:
        added, own = _branch(gone, left[0]), _line(came, vias[0])
        if added not in ("", _branch(came, vias[0])):
            context.remember(("via", host, added), own, LONGEST_LIFE)
    if is_outward or came.is_request or not len(left) == len(vias) - 1 > 0:
        return edits
    own = context.recall(("via", host, _branch(came, vias[0])))
    if own is None or _line(gone, left[0]) != own:
        return edits
    start, end = vias[0].name_start, vias[1].end
    others = [edit for edit in edits if edit.end <= start or end <= edit.start]
    return (*others, Edit(start, end, own.encode("latin-1"), "via", "via-restored"))


def _line(message: Message, header: Header) -> str:
    return message.data[header.name_start : header.end].decode("latin-1")


def _branch(message: Message, header: Header) -> str:
    found = _BRANCH.search(_line(message, header))
    return found[1] if found else ""


def _call_id_restored(message: Message, call_id: str) -> Edit:
    before = message.call_id.encode("latin-1")
    start = message.data.index(before, message.headers[b"call-id"][0].start)
    after = call_id.encode("latin-1")
    return Edit(start, start + len(before), after, "call-id", "call-id-restored")


def why_it_stays(message: bytes, at: int) -> Reason:
    """Why the correct module leaves what stands at this offset as it is."""
    try:
        parsed = parse(message)
        found = parts.read(parsed)
    except NotSip:
        return stays()["not-sip"]
    except Malformed:
        return stays()["unreadable"]
    if at >= parsed.end:
        return stays()["behind-body"]
    if at >= parsed.body:
        return stays()[_in_the_body(message, at, found)]
    return stays()[_in_the_head(parsed, at)]


def line_at(message: bytes, at: int) -> str:
    """What a change within the line that holds this offset is called: by its header, or its line
    of a description; "text" where that is neither, or has no name of its own."""
    start = message.rfind(b"\n", 0, at) + 1
    if not start:
        return "text" if message.startswith(b"SIP/2.0") else "request-uri"
    found = _BEGINNING.match(message, start)
    if found is None:
        return "text"
    if found[2] == b"=":
        return f"sdp.{found[1].decode()}" if found[1] in (b"c", b"m", b"o") else "text"
    name = found[1].lower()
    return _NAMED.get(FULL_NAMES.get(name, name), "text")


def _in_the_head(message: Message, at: int) -> str:
    header = _header_at(message, at)
    if header is None:
        return "foreign" if message.uri[0] <= at < message.uri[1] else "start-line"
    parameter = _PARAMETER.match(message.data, message.data.rfind(b";", header.start, at + 1))
    name = parameter[1].lower() if parameter and parameter.end() <= at else b""
    return _PARAMETERS.get(name) or _HEADERS.get(header.name, "text")


def _header_at(message: Message, at: int) -> Header | None:
    """The one whose line holds this offset."""
    before = [each for named in message.headers.values() for each in named if each.name_start <= at]
    return max(before, key=lambda header: header.start, default=None)


def _in_the_body(message: bytes, at: int, found: parts.Parts) -> str:
    """By the line of the description."""
    described = zip(found.body.descriptions, found.sessions, strict=True)
    session = next((each for (start, end), each in described if start <= at < end), None)
    if session is None:
        return "body"
    if session.ice:
        return "ice"
    line = message[max(message.rfind(b"\n", 0, at), message.rfind(b"\r", 0, at)) + 1 :][:100]
    if line.startswith(b"c="):
        return "hold" if b" 0.0.0.0" in line.splitlines()[0] else "foreign"
    return "media-port" if line.startswith(b"m=") else "description"


@cache
def stays() -> dict[str, Reason]:
    """The sentences, from the one file that a teacher may translate."""
    text = Path(__file__).with_name("stays.toml").read_text(encoding="utf-8")
    return {
        place: Reason(entry["sentence"], entry["rfc"])
        for place, entry in tomllib.loads(text).items()
    }
