"""What a server finds that reads every line by the grammar (RFC 3261 25.1).

Most servers read on over small mistakes, as `sipua.py` does. A strict one answers 400 Bad Request,
and says to its log, and not to the phone, what it did not like.
"""

from __future__ import annotations

import re

from appliance.parties.sipua import Problem, SipMessage

_TOKEN = r"[A-Za-z0-9.!%*_+`'~-]+"
_PARAMETER = rf"[ \t]*;[ \t]*{_TOKEN}(?:=[^;,\s]+)?"
_VIA = re.compile(rf"SIP/2\.0/[A-Z]+[ \t]+[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?((?:{_PARAMETER})+)")
_SENT_BY = re.compile(r"SIP/2\.0/[A-Z]+[ \t]+[A-Za-z0-9.-]+(?::[0-9]{1,5})?[ \t]*(?:;|$)")

NO_SENT_BY = Problem("the sent-by of the top Via ends in nonsense", "via", "RFC 3261 20.42")
NO_PARAMETER = Problem(
    "the top Via has a semicolon without a parameter behind it", "via", "RFC 3261 20.42"
)


def problem_in(request: SipMessage) -> Problem | None:
    """The first thing in a request that is not as the grammar has it."""
    via = request.get("via")
    if _SENT_BY.match(via) is None:
        return NO_SENT_BY
    return NO_PARAMETER if _VIA.fullmatch(via) is None else None
