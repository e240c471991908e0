"""SIP as an application: what the appliance must know of it (RFC 3261)."""

from __future__ import annotations

from alg.base import Application
from alg.sip import parts
from alg.sip.calls import Calls
from alg.sip.correct import Sip
from alg.sip.excerpt import FIRST_LINE, inside_endpoint
from alg.sip.framing import NotSipStream, frame
from alg.sip.judging import consequences, watch, why_it_stays
from alg.sip.lint import findings
from alg.sip.message import Malformed, NotSip, parse, summary
from alg.sip.progress import STATES
from alg.sip.signs import SIGNS


def soundness(message: bytes) -> int:
    """How many of the parts that decide where answers and calls go can be read, one for the message
    itself, and one if it ends with its body: what stands behind it is lost."""
    try:
        parsed = parse(message)
        found = parts.read(parsed)
    except (NotSip, Malformed):
        return 0
    readable = [found.via, found.sender, found.recipient, *found.contacts]
    return 1 + (parsed.end == len(message)) + sum(part is not None for part in readable)


SIP = Application(
    "sip",
    Sip,
    frame,
    NotSipStream,
    summary,
    soundness,
    findings,
    opens="RTP ports",
    consequences=consequences,
    why_it_stays=why_it_stays,
    signs=SIGNS,
    follower=Calls,
    states=STATES,
    first_line=FIRST_LINE,
    inside_endpoint=inside_endpoint,
    watch=watch,
)
