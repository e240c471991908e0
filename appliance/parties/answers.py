"""What a host makes of the answer to its question for an address (RFC 1034 5.3.3, RFC 4035 5), or
for the names of one (RFC 1035 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dnslib import EDNS0, QTYPE, RCODE, RR, DNSRecord

from appliance.parties.questions import ASKED
from appliance.parties.signatures import fits
from nat.endpoint import address_text, parse_address

MOST_ALIASES = 8
FORGED = "its signature does not fit: forged, or changed on the way"
UNREADABLE = "a name in it leads nowhere"
UNSIGNED = "nobody has signed it, and the zone signs everything"


class Verdict(NamedTuple):
    """The address, or why there is none. `field` is where it stands, or what is not believed; it
    may be remembered for `ttl` seconds, because `ttl_field` says so."""

    address: int | None
    why: str = ""
    field: str = ""
    ttl: int = 0
    ttl_field: str = ""


class Names(NamedTuple):
    """Of an address, or why there is none: then `field` is what led to that, by the rule in `rfc`,
    named as in the ALG's changes."""

    names: tuple[str, ...]
    why: str = ""
    field: str = ""
    rfc: str = ""


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


def question_of(address: int, number: int) -> bytes:
    """Which names has it?"""
    name = ".".join(reversed(address_text(address).split(".")))
    asked = DNSRecord.question(f"{name}.in-addr.arpa", "PTR")
    asked.header.id = number
    return bytes(asked.pack())


def read_names(answer: bytes, asked: bytes) -> Names | None:
    """None when it is no answer to what was asked, as far as that can be read."""
    if answer[:2] != asked[:2] or len(answer) < 12 or not answer[2] & 0x80:
        return None
    try:
        said, mine = DNSRecord.parse(answer), DNSRecord.parse(asked)
    except Exception:  # dnslib raises what it comes upon
        return Names((), UNREADABLE, "name", "RFC 1035 4.1.4")
    if len(said.questions) != 1 or said.q != mine.q:
        return None
    if said.header.rcode:
        why = f"it knows no {mine.q.qname} ({RCODE[said.header.rcode]})"
        return Names((), why, ASKED, "RFC 1035 3.5")
    found = [each for each in said.rr if each.rtype == QTYPE.PTR]
    return Names(tuple(str(each.rdata.label).rstrip(".").lower() for each in found))


def _address(records: Sequence[RR], asked: DNSRecord, checks: bool) -> Verdict:
    name = asked.q.qname
    passed: list[RR] = []
    for _ in range(MOST_ALIASES):
        own = [each for each in records if each.rname == name]
        for kind in (QTYPE.A, QTYPE.CNAME):
            found = [each for each in own if each.rtype == kind]
            field = _field_of(found[0], records) if found else ""
            if found and checks and (why := _objection(found, own)):
                return Verdict(None, why, field)
            if found and kind == QTYPE.A:
                shortest = min((*passed, found[0]), key=lambda each: each.ttl)
                place = f"{_place_of(shortest, records)}.ttl"
                address = parse_address(str(found[0].rdata))
                return Verdict(address, "", field, shortest.ttl, place)
        aliases = [each for each in own if each.rtype == QTYPE.CNAME]
        if not aliases:
            break
        name = aliases[0].rdata.label
        passed.append(aliases[0])
    return Verdict(None, f"no address for {asked.q.qname}")


def _field_of(record: RR, records: Sequence[RR]) -> str:
    """As the ALG's changes are named."""
    return f"{_place_of(record, records)}.{'address' if record.rtype == QTYPE.A else 'data'}"


def _place_of(record: RR, records: Sequence[RR]) -> str:
    number = next(at for at, each in enumerate(records) if each is record)
    return f"answer[{number}]"


def _objection(records: Sequence[RR], own: Sequence[RR]) -> str:
    """Why records are not believed, if so (RFC 4035 5.3)."""
    signatures = [each for each in own if each.rtype == QTYPE.RRSIG]
    of_them = [each for each in signatures if each.rdata.covered == records[0].rtype]
    if not of_them:
        return UNSIGNED
    return "" if any(fits(each, records) for each in of_them) else FORGED
