"""Faults in session descriptions and pinholes: who hears whom.

Most of them leave a step of the correct ALG out, for all messages or for those of a kind. That is
how such products came to be: somebody had not thought of that message.
"""

from __future__ import annotations

from alg.sip import offers
from alg.sip_poor.case import Case
from alg.sip_poor.fault import Fault


def no_sdp(case: Case) -> None:
    case.leave_out(offers.translate)


FAULTS = (
    Fault(
        "no-sdp",
        "M23",
        does="Translates the headers and leaves the session description alone.",
        seen_in="MikroTik lecture on the SIP ALG; many simple routers",
        breaks="One-way audio: the other side sends its audio to a private address.",
        rfc="RFC 8866 5.7",
        prepare=no_sdp,
    ),
)
