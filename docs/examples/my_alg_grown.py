"""The first module, grown in three steps. Each step is a class, to be tried by itself:

glassnat sim one-way-audio --alg docs/examples/my_alg_grown.py:Inwards
glassnat sim incoming-call --alg docs/examples/my_alg_grown.py:Called
glassnat sim one-way-audio --profile symmetric --alg docs/examples/my_alg_grown.py:Ported
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alg.base import AlgContext, Edit, Edits, Reason
from nat.endpoint import Direction, Endpoint, address_text

LENGTH = re.compile(rb"^Content-Length: *(\d+)", re.MULTILINE | re.IGNORECASE)
AUDIO = re.compile(rb"^m=audio (\d+)", re.MULTILINE)
Place = tuple[int, int, bytes]
"""From where to where in a line, and what is to stand there."""
REASONS = {
    "where-we-are": Reason("The other side sends to this address.", "RFC 3261 12.1.1"),
    "as-written": Reason("A phone takes only what it wrote itself.", "RFC 3261 18.1.2"),
    "audio": Reason("The other side sends its audio to this port.", "RFC 8866 5.14"),
    "length": Reason("The body has become shorter or longer.", "RFC 3261 20.14"),
}


class Inwards:
    """Both directions, only where somebody will send to, and the length of the body."""

    name = "inwards"
    lines = re.compile(rb"^(?:Via|Contact|c=).*$", re.MULTILINE | re.IGNORECASE)

    def inspect(self, message: bytes, context: AlgContext) -> Edits:
        """Outwards the NAT's address for the phone's, inwards the phone's for the NAT's."""
        before, after, rule = context.internal, context.external, "where-we-are"
        if context.direction is Direction.IN:
            before, after, rule = after, before, "as-written"
        edits = [
            Edit(line.start() + start, line.start() + end, new, "address", rule)
            for line in self.lines.finditer(message)
            for start, end, new in self.changed(line[0], before, after)
        ]
        edits += self.audio(message, context)
        return Edits((*edits, *length(message, edits)))

    def explain(self, rule: str) -> Reason:
        return REASONS[rule]

    def changed(self, line: bytes, before: Endpoint, after: Endpoint) -> Iterator[Place]:
        """The address, wherever it stands in the line."""
        for found in re.finditer(written(before), line):
            yield *found.span(), address_text(after.address).encode()

    def audio(self, message: bytes, context: AlgContext) -> Iterator[Edit]:
        """Nothing yet."""
        return iter(())


class Called(Inwards):
    """Also the address in the first line of a request: it is the phone's, if it gets it."""

    name = "called"
    lines = re.compile(rb"^(?:Via|Contact|c=|[A-Z]+ sip:).*$", re.MULTILINE | re.IGNORECASE)


class Ported(Called):
    """Also ports: those of the NAT need not be the phone's."""

    name = "ported"

    def changed(self, line: bytes, before: Endpoint, after: Endpoint) -> Iterator[Place]:
        for found in re.finditer(written(before) + rb"(:%d\b)?" % before.port, line):
            new = str(after) if found[1] else address_text(after.address)
            yield *found.span(), new.encode()

    def audio(self, message: bytes, context: AlgContext) -> Iterator[Edit]:
        """A mapping for RTP and one for RTCP, before the first packet of audio."""
        found = AUDIO.search(message)
        if found and context.direction is Direction.OUT:
            ours = context.map_pair(context.internal._replace(port=int(found[1])))
            if ours.port != int(found[1]):
                yield Edit(*found.span(1), str(ours.port).encode(), "port", "audio")


def written(endpoint: Endpoint) -> bytes:
    """Its address, as a pattern."""
    return re.escape(address_text(endpoint.address).encode())


def length(message: bytes, edits: list[Edit]) -> Iterator[Edit]:
    """Content-Length after these edits, when they change it."""
    body = message.find(b"\r\n\r\n") + 4
    found = LENGTH.search(message, 0, body)
    grown = sum(
        len(each.replacement) - each.end + each.start for each in edits if each.start > body
    )
    if found and grown:
        text = str(int(found[1]) + grown).encode()
        yield Edit(*found.span(1), text, "content-length", "length")
