"""What a host makes of the answer to its question for an address (RFC 1034 5.3.3, RFC 4035 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dnslib import EDNS0, QTYPE, RCODE, RR, DNSRecord

from appliance.parties.signatures import fits
from nat.endpoint import parse_address

MOST_ALIASES = 8
FORGED = "its signature does not fit: forged, or changed on the way"
UNSIGNED = "nobody has signed it, and the zone signs everything"


class Verdict(NamedTuple):
    """The address, or why there is none. `field` is where it stands, or what is not believed."""

    address: int | None
    why: str = ""
    field: str = ""


def question(name: str, number: int, checks: bool) -> bytes:
    """Who is `name`? `checks`: with the signatures, please (RFC 4035 3.2.1)."""
    asked = DNSRecord.question(name)
    asked.header.id = number
    if checks:
        asked.add_ar(EDNS0(flags="do", udp_len=1232))
    return bytes(asked.pack())


def read(answer: bytes, asked: bytes, checks: bool) -> Verdict | None:
    """None when it is no answer to what was asked."""
    try:
        said, mine = DNSRecord.parse(answer), DNSRecord.parse(asked)
    except Exception:  # dnslib raises what it comes upon; whatever it is, it is no answer
        return None
    is_mine = said.header.qr and said.header.id == mine.header.id and len(said.questions) == 1
    if not is_mine or said.q.qname != mine.q.qname or said.q.qtype != mine.q.qtype:
        return None
    if said.header.rcode:
        return Verdict(None, f"{RCODE[said.header.rcode]} for {mine.q.qname}")
    return _address(said.rr, mine, checks)


def _address(records: Sequence[RR], asked: DNSRecord, checks: bool) -> Verdict:
    name = asked.q.qname
    for _ in range(MOST_ALIASES):
        own = [each for each in records if each.rname == name]
        for kind in (QTYPE.A, QTYPE.CNAME):
            found = [each for each in own if each.rtype == kind]
            field = _field_of(found[0], records) if found else ""
            if found and checks and (why := _objection(found, own)):
                return Verdict(None, why, field)
            if found and kind == QTYPE.A:
                return Verdict(parse_address(str(found[0].rdata)), field=field)
        aliases = [each for each in own if each.rtype == QTYPE.CNAME]
        if not aliases:
            break
        name = aliases[0].rdata.label
    return Verdict(None, f"no address for {asked.q.qname}")


def _field_of(record: RR, records: Sequence[RR]) -> str:
    """As the ALG's changes are named."""
    number = next(at for at, each in enumerate(records) if each is record)
    return f"answer[{number}].{'address' if record.rtype == QTYPE.A else 'data'}"


def _objection(records: Sequence[RR], own: Sequence[RR]) -> str:
    """Why records are not believed, if so (RFC 4035 5.3)."""
    signatures = [each for each in own if each.rtype == QTYPE.RRSIG]
    of_them = [each for each in signatures if each.rdata.covered == records[0].rtype]
    if not of_them:
        return UNSIGNED
    return "" if any(fits(each, records) for each in of_them) else FORGED
