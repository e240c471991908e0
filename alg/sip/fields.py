"""Inside header values: where the host and port of a Via or of an address stand, and parameters.

Everything answers offsets into the message. What cannot be read is None: a token that an ALG
cannot read it does not touch, and the rest of the message is still worth translating.

    m: "A,<sip:b@c>" <sip:alice@192.168.20.100:5060;ob>;expires=60
                                └───── where ─────┘             ^^  the value of expires
                      └──────────── uri ─────────────┘  from 18 to 50

The quoted display name holds a comma, a URI and an @, and is none of them (rule never-touched).
`ob` stands inside the brackets, so it is a parameter of the URI; without brackets it would be one
of the header (RFC 3261 20.10).
"""

from __future__ import annotations

from typing import NamedTuple

from alg.sip import grammar
from alg.sip.message import MOST_HEADERS, Header, Malformed

Span = tuple[int, int]
MISSING: Span = (-1, -1)
"""Where something stands that was not written, as `re.Match.span` puts it."""

Parameters = dict[bytes, Span]
"""Lower-case name to the place of the value; `MISSING` for a parameter without "="."""


class HostPort(NamedTuple):
    """`hostport` (or `sent-by`): the port may be MISSING."""

    host: Span
    port: Span


class Via(NamedTuple):
    """One hop: `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1`. `transport` is lower case."""

    transport: bytes
    sent_by: HostPort
    parameters: Parameters


class Address(NamedTuple):
    """A SIP URI in its header: `"Alice" <sip:alice@192.0.2.1:5060;ob>;expires=60`. `secure` is
    true of `sips:`; `parameters` are those of the header."""

    uri: Span
    secure: bool
    where: HostPort
    uri_parameters: Parameters
    parameters: Parameters


def elements(data: bytes, header: Header) -> list[Span]:
    """The values of a header that may be a comma-separated list, which equals as many lines
    (RFC 3261 7.3.1). Raises Malformed when a quotation mark or a bracket is not closed, and for
    more values than a message may have lines."""
    if data.find(b",", header.start, header.end) < 0:
        return [(header.start, header.end)]
    element = grammar.VIA_ELEMENT if header.name == b"via" else grammar.LIST_ELEMENT
    spans: list[Span] = []
    position = header.start
    while found := element.match(data, position, header.end):
        spans.append(found.span())
        if len(spans) > MOST_HEADERS:
            raise Malformed(f"a list has more than {MOST_HEADERS} values")
        position = found.end() + 1
        if found.end() == header.end:
            return spans
        if data[found.end()] != ord(","):
            break
    name = header.name.decode("ascii")
    raise Malformed(f"a quotation mark or bracket in {name} is not closed")


def via(data: bytes, span: Span) -> Via | None:
    """A Via value as far as it can be read (RFC 3261 20.42); None if its sent-by cannot."""
    found = grammar.VIA.match(data, *span)
    if found is None:
        return None
    sent_by = HostPort(found.span(2), found.span(3))
    return Via(found[1].lower(), sent_by, parameters(data, found.end(), span[1]))


def address(data: bytes, span: Span) -> Address | None:
    """A `name-addr` or `addr-spec` with a SIP URI in it (RFC 3261 20.10); None for `*`, `tel:`
    and whatever else is not one."""
    bracket = grammar.DISPLAY_NAME.match(data, *span)
    if bracket is None:
        found = grammar.BARE_URI.match(data, *span)
        if found is None:
            return None
        where = HostPort(found.span(2), found.span(3))
        uri = (found.start(1), max(found.end(2), found.end(3)))
        return Address(uri, _secure(found[1]), where, {}, parameters(data, uri[1], span[1]))
    closing = data.find(b">", bracket.end(), span[1])
    found = grammar.URI.match(data, bracket.end(), max(closing, bracket.end()))
    if found is None:
        return None
    return Address(
        (bracket.end(), closing),
        _secure(found[1]),
        HostPort(found.span(2), found.span(3)),
        parameters(data, found.end(), closing),
        parameters(data, closing + 1, span[1]),
    )


def request_uri(data: bytes, span: Span) -> Address | None:
    """The URI of a request line: no brackets, yet what follows ";" is its own."""
    found = grammar.URI.match(data, *span)
    if found is None:
        return None
    where = HostPort(found.span(2), found.span(3))
    return Address(span, _secure(found[1]), where, parameters(data, found.end(), span[1]), {})


def parameters(data: bytes, start: int, end: int) -> Parameters:
    """The parameters from `start` on, up to the first thing that is none. The first of two that
    have the same name counts."""
    found: Parameters = {}
    if data.find(b";", start, end) < 0:
        return found
    match_parameter = grammar.PARAMETER.match
    while parameter := match_parameter(data, start, end):
        found.setdefault(parameter[1].lower(), parameter.span(2))
        start = parameter.end()
    return found


def text(data: bytes, span: Span) -> bytes:
    """What stands at `span`; empty for MISSING."""
    return data[span[0] : span[1]] if span[0] >= 0 else b""


def _secure(scheme: bytes) -> bool:
    """Is it `sips`, in any case? The grammar lets nothing else through but `sip`."""
    return len(scheme) == len(b"sips")
