"""Faults in the numbers of headers: how long the body is, and how long a registration lasts."""

from __future__ import annotations

from collections.abc import Iterator

from alg.fault import Faults
from alg.sip import grammar
from alg.sip.fields import Span
from alg.sip_poor.case import Case

FACTOR = 10
"""By how much a changed Expires is too long or too short."""

FAULTS = Faults[Case]()


def content_length_stale(case: Case) -> None:
    case.counts_lengths = False
    case.drop(lambda edit: edit.rule == "content-length")


FAULTS.add(
    "content-length-stale",
    does="Edits the body and leaves Content-Length as it was.",
    seen_in="A note in siproxd, 2014",
    breaks="A server that holds to RFC 3261 18.3 drops the datagram, others take it; over TCP the "
    "next message is garbled.",
    look_at="Content-Length of an INVITE that leaves in view 3: it counts the body before the "
    "edits.",
    rfc="RFC 3261 20.14",
    spoil=content_length_stale,
)


def expires_shrink(case: Case) -> None:
    for span, seconds in _granted(case):
        case.replace(span, b"%d" % max(1, seconds // FACTOR), "expires")


FAULTS.add(
    "expires-shrink",
    does="Tells the phone a tenth of the time that the registrar grants.",
    seen_in="Constructed",
    breaks="The phone registers ten times as often as it needs to, until a server that counts "
    "(Kamailio's pike) refuses it.",
    look_at="Expires, or expires in Contact, of the 200 OK to REGISTER in view 3: a tenth of what "
    "the registrar wrote.",
    rfc="RFC 3261 10.2.4",
    spoil=expires_shrink,
)


def expires_grow(case: Case) -> None:
    for span, seconds in _granted(case):
        case.replace(span, b"%d" % (seconds * FACTOR), "expires")


FAULTS.add(
    "expires-grow",
    does="Tells the phone ten times the time that the registrar grants.",
    seen_in="Constructed",
    breaks="The registration ends on the server while the phone believes in it: no calls in.",
    look_at="Expires, or expires in Contact, of the 200 OK to REGISTER in view 3: ten times what "
    "the registrar wrote.",
    rfc="RFC 3261 10.2.4",
    spoil=expires_grow,
)


def _granted(case: Case) -> Iterator[tuple[Span, int]]:
    """Every lifetime in an answer to REGISTER inwards."""
    message = case.message
    if message is None or case.parts is None or case.outward or message.method != "REGISTER":
        return
    header = case.value(b"expires")
    spans = [header] if header else []
    spans += [
        contact.parameters[b"expires"]
        for contact in case.parts.contacts
        if b"expires" in contact.parameters
    ]
    for span in spans:
        if digits := grammar.NUMBER.match(case.data, *span):
            yield digits.span(1), int(digits[1])
