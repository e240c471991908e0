"""What is wrong with this SIP message?

A list of small checks, each with one sentence. Run before and after an ALG, the findings that are
new name the damage to somebody who does not know SIP. Unlike `alg.sip.message`, reading here is
loose: the worse a message is, the more there is to say about it.

To add a check, add a row to `CHECKS` at the end: its name, its sentence, where it is written, and a
question to a `View` that is true when something is wrong. A question about what is not there (a
Via without a branch in a message without a Via) answers that nothing is wrong: another row says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from alg.base import Finding
from alg.sip import fields, grammar, sdp
from alg.sip.fields import Address, Span
from alg.sip.message import FULL_NAMES, LARGEST_CSEQ, ONLY_ONCE, Header, Malformed, first_value
from nat.reach import is_inside_only

LONGEST_VALUE = 1024
"""Bytes: longer values of the fields that every stack parses overflow somebody's buffer."""


KNOWN_METHODS = frozenset(
    (
        *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "UPDATE", "INFO"),
        *("SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "REFER"),
    )
)
"""RFC 3261 and its extensions in the IANA registry."""

_STATUS = re.compile(rb"(?i:SIP)/([0-9.]++) ([^ \r\n]*+)")
_REQUEST = re.compile(rb"([^ \r\n]*+) ([^\r\n]*?) ?(?i:SIP)/([0-9.]++)[ \t]*+(?=[\r\n]|\Z)")
_NEXT_MESSAGE = re.compile(rb"[\r\n][A-Z]{3,12}+ sips?:[^ \r\n]++ SIP/2\.0[\r\n]")


@dataclass(slots=True)
class View:
    """A message, read as far as it can be."""

    data: bytes
    version: bytes = b""
    status: bytes | None = None
    method: bytes = b""
    uri: bytes = b""
    headers: dict[bytes, list[Header]] = field(default_factory=dict)
    readable: bool = False
    """Could the headers be read up to the empty line?"""
    body: int = 0

    @property
    def end(self) -> int:
        """Where the body ends: what stands behind it in a datagram is discarded (RFC 3261 18.3)."""
        length = grammar.number(self.value(b"content-length") or b"")
        return len(self.data) if length is None else min(self.body + length, len(self.data))

    @property
    def is_request(self) -> bool:
        return self.status is None

    def value(self, name: bytes) -> bytes | None:
        return first_value(self.data, self.headers.get(name))

    def lacks(self, name: bytes) -> bool:
        return not self.value(name)

    def addresses(self, name: bytes) -> list[Address | None]:
        """All values of a header; None for one that is no SIP address."""
        return [fields.address(self.data, span) for span in self._elements(name)]

    def top_via(self) -> fields.Via | None:
        spans = self._elements(b"via")
        return fields.via(self.data, spans[0]) if spans else None

    def description(self) -> sdp.Session | None:
        """The body, if it is a description alone; raises Malformed."""
        media_type = (self.value(b"content-type") or b"").partition(b";")[0].strip().lower()
        if media_type != b"application/sdp" or self.body >= self.end:
            return None
        return sdp.parse(self.data, self.body, self.end)

    def is_private(self, span: Span) -> bool:
        address = grammar.address(fields.text(self.data, span))
        return address is not None and is_inside_only(address)

    def is_public(self, span: Span) -> bool:
        known = grammar.address(fields.text(self.data, span)) is not None
        return known and not self.is_private(span)

    def _elements(self, name: bytes) -> list[Span]:
        try:
            return [
                span
                for header in self.headers.get(name, ())
                for span in fields.elements(self.data, header)
            ]
        except Malformed:
            return [(0, 0)]


Check = tuple[str, str, str, Callable[[View], bool]]


def findings(message: bytes) -> list[Finding]:
    """All that is wrong, in the order of the table. Nothing for what is not SIP at all."""
    view = _read(message)
    if view is None:
        return []
    return [Finding(name, sentence, rfc) for name, sentence, rfc, wrong in CHECKS if wrong(view)]


def _read(data: bytes) -> View | None:
    view = View(data)
    if status := _STATUS.match(data):
        view.version, view.status = status[1], status[2]
    elif request := _REQUEST.match(data, 0, 8192):
        view.method, view.uri, view.version = request[1], request[2], request[3]
    else:
        return None
    line = re.compile(rb"[^\r\n]*+" + grammar.LINE_END).match(data)
    position = line.end() if line else len(data)
    while found := grammar.HEADER.match(data, position):
        name = FULL_NAMES.get(found[1].lower(), found[1].lower())
        header = Header(name, *found.span(2), position)
        view.headers.setdefault(name, []).append(header)
        position = found.end()
    empty = grammar.EMPTY_LINE.match(data, position)
    view.readable = empty is not None
    view.body = empty.end() if empty else len(data)
    return view


def _cseq(view: View) -> tuple[int, bytes] | None:
    found = grammar.CSEQ.match(view.value(b"cseq") or b"")
    return (int(found[1]), found[2]) if found else None


def _cseq_too_large(view: View) -> bool:
    cseq = _cseq(view)
    return cseq is not None and cseq[0] > LARGEST_CSEQ


def _cseq_of_another_method(view: View) -> bool:
    cseq = _cseq(view)
    return view.is_request and cseq is not None and cseq[1] != view.method


def _wrong_length(view: View) -> bool:
    if not view.readable or b"content-length" not in view.headers:
        return False
    length = grammar.number(view.value(b"content-length") or b"")
    return length is None or view.body + length > len(view.data) or _cuts_a_description(view)


def _cuts_a_description(view: View) -> bool:
    """Bytes behind a body are discarded and nobody's fault (RFC 3261 18.3), unless they are the
    rest of its last line, or more lines like those before."""
    kind = (view.value(b"content-type") or b"").lower()
    behind = view.data[view.end : view.end + 2]
    if not behind or not kind.startswith(b"application/sdp"):
        return False
    within_a_line = view.end > view.body and view.data[view.end - 1] not in b"\r\n"
    goes_on = rb"[\x21-\x7e]" if within_a_line else rb"[a-z]="
    return re.match(goes_on, behind) is not None


def _bad_status(view: View) -> bool:
    status = view.status
    return status is not None and not (
        len(status) == 3 and status.isdigit() and b"100" <= status <= b"699"
    )


def _too_long(view: View) -> bool:
    named = (b"call-id", b"from", b"to", b"via", b"contact", b"cseq")
    headers = (header for name in named for header in view.headers.get(name, ()))
    return len(view.uri) > LONGEST_VALUE or any(
        header.end - header.start > LONGEST_VALUE for header in headers
    )


def _no_branch(view: View) -> bool:
    via = view.top_via()
    if via is None:
        return False
    branch = fields.text(view.data, via.parameters.get(b"branch", fields.MISSING))
    return not branch.startswith(b"z9hG4bK")


def _unreadable(name: bytes) -> Callable[[View], bool]:
    def wrong(view: View) -> bool:
        texts = [view.data[h.start : h.end].strip() for h in view.headers.get(name, ())]
        other_scheme = (b"*", b"tel:", b"<tel:")
        return any(
            address is None and not all(text.lower().startswith(other_scheme) for text in texts)
            for address in view.addresses(name)
        )

    return wrong


def _lacks_tag(view: View, name: bytes) -> bool:
    addresses = view.addresses(name)
    return any(address is not None and b"tag" not in address.parameters for address in addresses)


def _no_to_tag(view: View) -> bool:
    return view.status not in (None, b"100") and _lacks_tag(view, b"to")


def _no_contact(view: View) -> bool:
    cseq = _cseq(view)
    invite = cseq is not None and cseq[1] == b"INVITE"
    starts = view.is_request or (view.status or b"").startswith(b"2")
    return invite and starts and b"contact" not in view.headers


def _body_without_type(view: View) -> bool:
    return view.readable and view.body < view.end and view.lacks(b"content-type")


def _bad_max_forwards(view: View) -> bool:
    number = grammar.number(view.value(b"max-forwards") or b"")
    return b"max-forwards" in view.headers and (number is None or number > 255)


def _bad_description(view: View) -> bool:
    try:
        view.description()
    except Malformed:
        return True
    return False


def _session(view: View) -> sdp.Session:
    try:
        return view.description() or sdp.Session()
    except Malformed:
        return sdp.Session()


def _bad_media_port(view: View) -> bool:
    return any(
        len(text) > 5 or int(text) > 65535
        for text in (fields.text(view.data, stream.port) for stream in _session(view).streams)
    )


def _is_public_signalling(view: View) -> bool:
    """Does the message otherwise speak of public addresses?"""
    via = view.top_via()
    contacts = [address for address in view.addresses(b"contact") if address]
    return any(view.is_public(contact.where.host) for contact in contacts) or (
        view.is_request and via is not None and view.is_public(via.sent_by.host)
    )


def _private_contact(view: View) -> bool:
    contacts = [address for address in view.addresses(b"contact") if address]
    via = view.top_via()
    public = via is not None and view.is_public(via.sent_by.host)
    return public and any(view.is_private(contact.where.host) for contact in contacts)


def _private_media(view: View) -> bool:
    """Of streams that a NAT can be asked to open. ICE finds a way for the others' candidates, and
    what runs over TCP (MSRP, say) is connected to by its own rules."""
    session = _session(view)
    streams = [] if session.ice else [each for each in session.streams if each.is_mappable]
    lines = [session.connection_of(stream) for stream in streams]
    private = any(view.is_private(line.address) for line in lines if line)
    return private and _is_public_signalling(view)


def _mixed_description(view: View) -> bool:
    """An ICE agent compares the default destination with the candidates."""
    session = _session(view)
    hosts = {
        fields.text(view.data, line.address)
        for line in map(session.connection_of, session.streams)
        if line
    }
    listed = re.findall(rb"[\r\n]a=candidate:[^ \r\n]++ [^\r\n]++", view.data[view.body : view.end])
    return bool(listed) and any(
        not any(b" " + host + b" " in line for line in listed) for host in hosts if host
    )


CHECKS: tuple[Check, ...] = (
    (
        "version",
        "The version is not SIP/2.0.",
        "RFC 3261 7.1",
        lambda view: view.version != b"2.0",
    ),
    ("status", "The status is not a number from 100 to 699.", "RFC 3261 7.2", _bad_status),
    (
        "request-uri",
        "The Request-URI is empty or has white space in it.",
        "RFC 3261 7.1",
        lambda view: view.is_request and (not view.uri or b" " in view.uri),
    ),
    (
        "method",
        "The method is not one that is registered.",
        "RFC 3261 7.1",
        lambda view: view.is_request and view.method.decode("latin-1") not in KNOWN_METHODS,
    ),
    (
        "header",
        "A header line cannot be read, or the empty line after the headers is missing.",
        "RFC 3261 7.3.1",
        lambda view: not view.readable,
    ),
    (
        "repeated",
        "A header that may stand once stands there twice.",
        "RFC 3261 7.3.1",
        lambda view: any(len(view.headers.get(name, ())) > 1 for name in ONLY_ONCE),
    ),
    (
        "too-long",
        f"The Request-URI or a basic header is longer than {LONGEST_VALUE} bytes.",
        "RFC 4475 3.1.1.7",
        _too_long,
    ),
    ("call-id", "Call-ID is missing or empty.", "RFC 3261 20.8", lambda v: v.lacks(b"call-id")),
    ("from", "From is missing or empty.", "RFC 3261 20.20", lambda v: v.lacks(b"from")),
    ("to", "To is missing or empty.", "RFC 3261 20.39", lambda v: v.lacks(b"to")),
    ("via", "Via is missing or empty.", "RFC 3261 20.42", lambda v: v.lacks(b"via")),
    ("cseq", "CSeq is missing or cannot be read.", "RFC 3261 20.16", lambda v: _cseq(v) is None),
    ("cseq-number", "The number in CSeq is too large.", "RFC 3261 8.1.1.5", _cseq_too_large),
    (
        "cseq-method",
        "The method in CSeq is not that of the request.",
        "RFC 3261 8.1.1.5",
        _cseq_of_another_method,
    ),
    (
        "via-unreadable",
        "The top Via cannot be read.",
        "RFC 3261 20.42",
        lambda view: not view.lacks(b"via") and view.top_via() is None,
    ),
    (
        "branch",
        "The top Via has no branch that begins with z9hG4bK.",
        "RFC 3261 8.1.1.7",
        _no_branch,
    ),
    ("from-unreadable", "From cannot be read.", "RFC 3261 20.20", _unreadable(b"from")),
    ("to-unreadable", "To cannot be read.", "RFC 3261 20.39", _unreadable(b"to")),
    ("contact-unreadable", "A Contact cannot be read.", "RFC 3261 20.10", _unreadable(b"contact")),
    ("from-tag", "From has no tag.", "RFC 3261 8.1.1.3", lambda v: _lacks_tag(v, b"from")),
    ("to-tag", "To has no tag in a response.", "RFC 3261 8.2.6.2", _no_to_tag),
    (
        "contact",
        "A message that makes a dialog has no Contact.",
        "RFC 3261 8.1.1.8",
        _no_contact,
    ),
    (
        "max-forwards",
        "Max-Forwards is not a number from 0 to 255.",
        "RFC 3261 20.22",
        _bad_max_forwards,
    ),
    (
        "content-length",
        "Content-Length is not the length of the body.",
        "RFC 3261 20.14",
        _wrong_length,
    ),
    ("content-type", "A body has no Content-Type.", "RFC 3261 20.15", _body_without_type),
    (
        "two-messages",
        "Another request begins in the body.",
        "RFC 3261 18.3",
        lambda view: _NEXT_MESSAGE.search(view.data, view.body, view.end) is not None,
    ),
    (
        "description",
        "The session description cannot be read.",
        "RFC 8866 5",
        _bad_description,
    ),
    ("media-port", "A media port is larger than 65535.", "RFC 8866 5.14", _bad_media_port),
    (
        "private-contact",
        "Contact names a private address although the top Via names a public one.",
        "RFC 3261 20.10",
        _private_contact,
    ),
    (
        "private-media",
        "The media address is private although the signalling names a public one.",
        "RFC 8866 5.7",
        _private_media,
    ),
    (
        "ice-mismatch",
        "The media address is not among the ICE candidates.",
        "RFC 8445 5.4",
        _mixed_description,
    ),
)
