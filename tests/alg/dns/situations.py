"""Where DNS messages are met in these tests. 192.168.20.10, the PBX, has 203.0.113.10 to itself.

client   192.168.20.100:40000 ⇄ 203.0.113.1:40000 │ 203.0.113.53:53     asks a server outside
server   192.168.20.10:53     ⇄ 203.0.113.10:53   │ 198.51.100.7:50000  answers a client outside
"""

from __future__ import annotations

from dnslib import EDNS0, RR, DNSRecord

from alg.base import Alg, Edits
from alg.dns.correct import Dns
from alg.dns.words import lines
from alg.edits import apply
from appliance.gateway.trial import Situation, Trial
from appliance.settings import files as config
from nat.endpoint import Direction, Endpoint

ENDS = {
    "client": ("192.168.20.100:40000", "203.0.113.1:40000", "203.0.113.53:53"),
    "server": ("192.168.20.10:53", "203.0.113.10:53", "198.51.100.7:50000"),
    "both": ("192.168.20.10:53", "203.0.113.10:53", "203.0.113.53:53"),
}
STATIC = (
    'nat.static=[{internal="192.168.20.10", external="203.0.113.10"}, '
    '{internal="192.168.20.111", external="203.0.113.9"}]'
)
OUTSIDE = "pbx.example.net. 300 IN A 203.0.113.10"
INSIDE = "pbx.example.net. 300 IN A 192.168.20.10"
SIGNATURE = (
    "pbx.example.net. 300 IN RRSIG A 8 3 300 20300101000000 20200101000000 1 example.net. AAAA"
)
PTR_OUTSIDE, PTR_INSIDE = "10.113.0.203.in-addr.arpa", "10.20.168.192.in-addr.arpa"


def met(inside: str, direction: str, *sets: str, transport: str = "udp") -> Trial:
    """The context of a message; `inside` is what the inside host is."""
    ends = (Endpoint.parse(each) for each in ENDS[inside])
    situation = Situation(Direction(direction), *ends, transport=transport)
    return Trial(situation, config.defaults(None, (STATIC, *sets)), "dns", Dns())


def asking(name: str, kind: str = "A", flags: str | None = None) -> bytes:
    """With EDNS if there are flags, also empty ones."""
    question = DNSRecord.question(name, kind)
    question.header.id = 4711
    if flags is not None:
        question.add_ar(EDNS0(flags=flags, udp_len=1232))
    return bytes(question.pack())


def answering(question: bytes, *records: str, authority: str = "", ad: int = 0) -> bytes:
    reply = DNSRecord.parse(question).reply(ra=1)
    for each in records:
        reply.add_answer(*RR.fromZone(each))
    if authority:
        reply.add_auth(*RR.fromZone(authority))
    reply.header.ad = ad
    return bytes(reply.pack())


def by_tcp(message: bytes) -> bytes:
    return len(message).to_bytes(2) + message


def answer(context: Trial, message: bytes, module: Alg | None = None) -> Edits:
    """What the correct module (or another) answers; what it asks for is committed."""
    said = (module or Dns()).inspect(message, context)
    assert isinstance(said, Edits)
    context.commit()
    return said


def through(context: Trial, message: bytes, module: Alg | None = None) -> bytes:
    """The message as it leaves."""
    return apply(message, answer(context, message, module).edits)


def words(message: bytes) -> list[str]:
    """Its records and its question, without the lines that only say what they are."""
    texts = ["".join(piece.text for piece in line) for line in lines(message)]
    return [text for text in texts if not text.startswith("; ")]
