"""`[alg.*]`: a small table for each protocol whose messages a module may edit.

Another protocol is another table like `FTP`, and its name in `ALGS`.
"""

from __future__ import annotations

from appliance.settings.kinds import Flag, ListOf, Seconds, Whole, Word
from appliance.settings.module_kinds import Fault, Spec
from appliance.settings.setting import Setting, live


def _module(slot: str, text: str, source: str) -> Setting:
    """Which module stands in the slot. By default none does: `source` wants it so."""
    return live(f"alg.{slot}.module", Spec(slot), "off", text, source)


def _ports(slot: str, protocol: str, default: int, source: str) -> Setting:
    """Where messages of the protocol are looked for."""
    return live(
        f"alg.{slot}.ports",
        ListOf(Whole(1, 65535), 1, 8),
        [default],
        f"remote or internal ports that {protocol} is looked for on",
        source,
    )


def _observe(slot: str) -> Setting:
    return live(
        f"alg.{slot}.observe",
        Flag(),
        True,
        "run the correct module dry beside the active one, to say what was missed",
    )


SIP = (
    _module(
        "sip",
        "off, sip, sip-poor, sip-poor:FAULT,FAULT or FILE.py:CLASS",
        "RFC 4787 REQ-10",
    ),
    live(
        "alg.sip.faults",
        ListOf(Fault("sip")),
        [],
        "what `sip-poor` does wrong when the module names no faults (see: glassnat alg list)",
    ),
    _ports("sip", "SIP", 5060, "RFC 3261 18.1"),
    live(
        "alg.sip.transports",
        ListOf(Word(("udp", "tcp")), 1, 2),
        ["udp", "tcp"],
        "transports that SIP is looked for on",
    ),
    live(
        "alg.sip.timeout",
        Seconds(words=("auto",)),
        "auto",
        "how long signalling keeps its mapping; auto: the larger of 1 h and the granted expiry "
        "+ 32 s",
        "RFC 3261 10.2.4",
    ),
    live(
        "alg.sip.media_peers",
        Word(("signalling", "any")),
        "signalling",
        "who may send media in: the signalling peer and the address in its SDP, or anyone",
    ),
    live(
        "alg.sip.received",
        Word(("hide", "learn")),
        "hide",
        "answers inwards: restore what the phone wrote, or let it learn received and rport",
        "RFC 3581 4",
    ),
    _observe("sip"),
)

FTP = (
    _module(
        "ftp",
        "off, ftp, ftp-poor, ftp-poor:FAULT,FAULT or FILE.py:CLASS",
        "RFC 5382 REQ-6",
    ),
    _ports("ftp", "FTP", 21, "RFC 959 8"),
    _observe("ftp"),
)

DNS = (
    _module(
        "dns",
        "off, dns, dns-poor, dns-poor:FAULT,FAULT or FILE.py:CLASS",
        "RFC 4787 REQ-10",
    ),
    _ports("dns", "DNS", 53, "RFC 1035 4.2"),
    live(
        "alg.dns.transports",
        ListOf(Word(("udp", "tcp")), 1, 2),
        ["udp", "tcp"],
        "transports that DNS is looked for on",
    ),
    live(
        "alg.dns.dnssec",
        Word(("leave", "rewrite")),
        "leave",
        "signed answers: leave them as they are, or translate them and let who checks refuse them",
        "RFC 4035 5.3",
    ),
    _observe("dns"),
)

ALGS = (*SIP, *FTP, *DNS)
