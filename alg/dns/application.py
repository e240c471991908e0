"""DNS as an application: what the appliance must know of it (RFC 1035, 2694)."""

from __future__ import annotations

from alg.base import Application, Reason
from alg.dns.correct import Dns, watch
from alg.dns.framing import frame
from alg.dns.lengths import consequences
from alg.dns.lint import findings
from alg.dns.message import HEADER, NotDns, read_any
from alg.dns.words import lines, summary


def soundness(message: bytes) -> int:
    """0 for what is no DNS message, 1 for one that can be read no further than its first question,
    and 2 for one whose last record ends where the message does."""
    try:
        said = read_any(message)
    except NotDns:
        return 0
    if said.problem or said.end != len(message):
        return int(len(said.questions) > 0 and message[said.begin + 4 : said.begin + 6] == b"\0\1")
    return 2 if said.end > said.begin + HEADER else 0


AS_WRITTEN = Reason(
    "Only the address of an inside host that has an external one to itself is translated; all else "
    "must arrive as the server wrote it.",
    "RFC 2694 4.2",
)

DNS = Application(
    "dns",
    Dns,
    frame,
    NotDns,
    summary,
    soundness,
    findings,
    opens="no ports",
    consequences=consequences,
    why_it_stays=lambda message, at: AS_WRITTEN,
    lines=lines,
    watch=watch,
)
