"""Faults in the text of headers.

They change what must never be changed, forget what must be, or throw away what they do not know.
Each function does one thing wrong; the table at the end says who was seen doing it.
"""

from __future__ import annotations

from alg.sip_poor.case import Case
from alg.sip_poor.fault import Fault


def callid_oneway(case: Case) -> None:
    if case.outward:
        _replace_in_call_id(case, case.internal_text, case.external_text)


def _replace_in_call_id(case: Case, before: bytes, after: bytes) -> None:
    place = case.value(b"call-id")
    for span in case.occurrences(before, *place) if place else ():
        case.replace(span, after, "call-id")


FAULTS = (
    Fault(
        "callid-oneway",
        "M1",
        does="Writes the external address into Call-ID outwards and does not restore it inwards.",
        seen_in="MikroTik lecture on the SIP ALG; voip-info.org",
        breaks="Answers match no request: REGISTER is repeated for ever, BYE and CANCEL get 481.",
        rfc="RFC 3261 8.1.1.4",
        spoil=callid_oneway,
    ),
)
