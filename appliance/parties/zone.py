"""What a name server answers, as a pure function: a question's bytes in, an answer's bytes out.

    question ──► read ──► the zone that holds the name ──► what it has ──► cut ──► answer

It knows its own zones and nothing else: it asks nobody, follows no delegation and has no wildcards.
Whoever has sockets carries the bytes (`nameserver.py` in a simulation).

What comes is read strictly and by hand, because it comes from strangers: one question, its name
written out. So there are no pointers to follow, and none that run in a circle.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from dnslib import CLASS, EDNS0, QTYPE, RCODE, RR, DNSHeader, DNSLabel, DNSQuestion, DNSRecord

LONGEST_PLAIN = 512
"""Bytes of an answer by UDP to somebody who has not said that more may come (RFC 1035 4.2.1)."""
LONGEST_ANSWER = 1232
"""Bytes of an answer by UDP to anybody: it arrives unfragmented everywhere (DNS flag day 2020)."""
LONGEST_BY_TCP = 65535
LONGEST_NAME = 255  # bytes on the wire (RFC 1035 2.3.4)
MOST_ALIASES = 8
INTERNET = CLASS.IN
ANY = QTYPE.ANY

HEADER = struct.Struct("!HHHHHH")
OPT = struct.Struct("!BHHBBHH")
"""Of EDNS (RFC 6891 6.1.2): root, type 41, size, extended code, version, flags, length of data."""
IS_ANSWER, OPERATION, RECURSION_DESIRED = 0x8000, 0x7800, 0x0100
DNSSEC_OK = 0x8000

Labels = tuple[bytes, ...]
"""A name in lower case, without the root."""
Sign = Callable[[Sequence[RR]], RR]
"""Makes the RRSIG of records that have their name and type in common."""


class Edns(NamedTuple):
    """What a question says of the answer that it can take (RFC 6891)."""

    size: int
    version: int
    wants_signatures: bool


class Question(NamedTuple):
    """What somebody asks. `labels` are as they were written, upper case and all."""

    id: int
    recursion_desired: bool
    labels: Labels
    type: int
    klass: int
    edns: Edns | None

    @property
    def name(self) -> Labels:
        return lowered(self.labels)


class Bad(Exception):
    """A question that cannot be answered; `rcode` says so (RFC 1035 4.1.1)."""

    def __init__(self, rcode: int) -> None:
        super().__init__(RCODE[rcode])
        self.rcode = rcode


class Zone:
    """Names under `origin`. `text` is as in a zone file, with every name written out, and needs no
    SOA. With `sign`, answers are signed for whoever wants that. Raises ValueError."""

    def __init__(self, origin: str, text: str, sign: Sign | None = None) -> None:
        self.origin = labels_of(origin)
        self._sets: dict[Labels, dict[int, list[RR]]] = {}
        self._sign = sign
        self._signatures: dict[tuple[Labels, int], RR] = {}
        for record in _records(text):
            self._add(record)
        if QTYPE.SOA not in self._sets.get(self.origin, {}):
            name = origin.rstrip(".")
            soa = f"{name}. 3600 IN SOA ns.{name}. hostmaster.{name}. 1 3600 600 86400 60"
            self._add(_records(soa)[0])

    def _add(self, record: RR) -> None:
        name = lowered(record.rname.label)
        if not self.holds(name):
            raise ValueError(f"{record.rname} is not under {DNSLabel(self.origin)}")
        self._sets.setdefault(name, {}).setdefault(record.rtype, []).append(record)

    def holds(self, name: Labels) -> bool:
        """Is it this zone that would know of the name?"""
        return name[len(name) - len(self.origin) :] == self.origin

    def find(self, name: Labels, kind: int, signed: bool) -> list[RR]:
        """The records of a name, of one type or of all, with their signatures if wanted."""
        found: list[RR] = []
        for each, records in self._sets.get(name, {}).items():
            if kind in (each, ANY):
                found += records
                found += self._signature(name, each, records) if signed else ()
        return found

    def exists(self, name: Labels) -> bool:
        """Is there the name, or one below it (RFC 8020 2)?"""
        return any(each[len(each) - len(name) :] == name for each in self._sets)

    def alias(self, name: Labels) -> RR | None:
        records = self._sets.get(name, {}).get(QTYPE.CNAME)
        return records[0] if records else None

    def denial(self, signed: bool) -> list[RR]:
        """What goes with "there is none": the SOA, whose TTL says for how long (RFC 2308 3)."""
        soa = self._sets[self.origin][QTYPE.SOA][0]
        ttl = min(soa.ttl, soa.rdata.times[4])
        shown = RR(soa.rname, soa.rtype, soa.rclass, ttl, soa.rdata)
        return [shown, *(self._signature(self.origin, QTYPE.SOA, [soa]) if signed else ())]

    def _signature(self, name: Labels, kind: int, records: Sequence[RR]) -> Iterable[RR]:
        if self._sign is None:
            return ()
        if (name, kind) not in self._signatures:
            self._signatures[name, kind] = self._sign(records)
        return (self._signatures[name, kind],)


def answer(query: bytes, zones: Sequence[Zone], longest: int = LONGEST_ANSWER) -> bytes:
    """The answer to a question, of at most `longest` bytes; empty when nothing is to be said, as to
    an answer (RFC 5625 6: two servers would go on for ever). By TCP, `longest` is LONGEST_BY_TCP,
    and the two bytes of length are not part of either. Never raises, whatever the bytes."""
    if len(query) < HEADER.size or query[2] & 0x80:
        return b""
    try:
        question = read(query)
        reply, records, authority = _look_up(question, zones)
    except Bad as reason:
        return _complaint(query, reason.rcode)
    full = _write(question, reply, records, authority)
    if longest != LONGEST_BY_TCP:
        longest = min(longest, LONGEST_PLAIN if question.edns is None else question.edns.size)
        longest = max(longest, LONGEST_PLAIN)
    if len(full) <= longest:
        return full
    reply.tc = 1
    return _write(question, reply, [], [])


def zone_of(name: Labels, zones: Sequence[Zone]) -> Zone | None:
    """The zone that holds a name; the nearest, if several do."""
    holding = [zone for zone in zones if zone.holds(name)]
    return max(holding, key=lambda zone: len(zone.origin), default=None)


def lowered(labels: Iterable[bytes]) -> Labels:
    return tuple(bytes(each).lower() for each in labels)


def labels_of(name: str) -> Labels:
    """`www.Example.net.`, in labels."""
    return lowered(DNSLabel(name).label)


# --- reading -------------------------------------------------------------------------------------


def read(query: bytes) -> Question:
    """Raises Bad for what is no plain question."""
    if len(query) < HEADER.size:
        raise Bad(RCODE.FORMERR)
    identifier, flags, questions, answers, authorities, additional = HEADER.unpack_from(query)
    if flags & OPERATION:
        raise Bad(RCODE.NOTIMP)
    if flags & IS_ANSWER or questions != 1 or answers or authorities:
        raise Bad(RCODE.FORMERR)
    labels, at = _name(query, HEADER.size)
    if at + 4 > len(query):
        raise Bad(RCODE.FORMERR)
    kind, klass = struct.unpack_from("!HH", query, at)
    edns = _edns(query, at + 4) if additional else None
    return Question(identifier, bool(flags & RECURSION_DESIRED), labels, kind, klass, edns)


def _name(query: bytes, at: int) -> tuple[Labels, int]:
    """A name that is written out, and where it ends."""
    labels: list[bytes] = []
    begin = at
    while at < len(query) and at - begin < LONGEST_NAME:
        length = query[at]
        if not length:
            return tuple(labels), at + 1
        if length > 63:
            break
        labels.append(query[at + 1 : at + 1 + length])
        at += 1 + length
    raise Bad(RCODE.FORMERR)


def _edns(query: bytes, at: int) -> Edns | None:
    """Of the record that follows the question, if it is EDNS's: a question has no other."""
    if at + OPT.size > len(query):
        raise Bad(RCODE.FORMERR)
    root, kind, size, _, version, flags, length = OPT.unpack_from(query, at)
    if root or kind != QTYPE.OPT:
        return None
    if at + OPT.size + length > len(query):
        raise Bad(RCODE.FORMERR)
    return Edns(size, version, bool(flags & DNSSEC_OK))


# --- looking up ----------------------------------------------------------------------------------


def _look_up(question: Question, zones: Sequence[Zone]) -> tuple[DNSHeader, list[RR], list[RR]]:
    """The header of the answer, its records, and those that go with a denial."""
    header = DNSHeader(id=question.id, qr=1, aa=1, rd=int(question.recursion_desired), ra=0)
    if question.edns is not None and question.edns.version:
        header.aa, header.rcode = 0, 0  # BADVERS: its upper bits stand in EDNS
        return header, [], []
    zone = zone_of(question.name, zones)
    if zone is None or question.klass not in (INTERNET, ANY):
        header.aa, header.rcode = 0, RCODE.REFUSED
        return header, [], []
    signed = question.edns is not None and question.edns.wants_signatures
    found, name = [], question.name
    for _ in range(MOST_ALIASES):
        records = zone.find(name, question.type, signed)
        alias = None if records else zone.alias(name)
        if alias is None:
            found += records
            break
        found += zone.find(name, QTYPE.CNAME, signed)
        name = lowered(alias.rdata.label.label)
        if not zone.holds(name):
            return header, found, []
    if records:
        return header, found, []
    header.rcode = RCODE.NOERROR if zone.exists(name) else RCODE.NXDOMAIN
    return header, found, zone.denial(signed)


# --- writing -------------------------------------------------------------------------------------


def _write(
    question: Question, header: DNSHeader, records: Sequence[RR], authority: Sequence[RR]
) -> bytes:
    asked = DNSQuestion(DNSLabel(list(question.labels)), question.type, question.klass)
    reply = DNSRecord(header, questions=[asked], rr=list(records), auth=list(authority))
    if question.edns is not None:
        wants = "do" if question.edns.wants_signatures else ""
        extended = 1 if question.edns.version else 0  # 16, BADVERS
        reply.add_ar(EDNS0(flags=wants, ext_rcode=extended, udp_len=LONGEST_ANSWER))
    return bytes(reply.pack())


def _complaint(query: bytes, rcode: int) -> bytes:
    """The header alone, because the rest could not be read."""
    identifier, flags, *_ = HEADER.unpack_from(query)
    flags = IS_ANSWER | flags & (OPERATION | RECURSION_DESIRED) | rcode
    return HEADER.pack(identifier, flags, 0, 0, 0, 0)


def _records(text: str) -> list[RR]:
    try:
        return list(RR.fromZone(text))
    except Exception as reason:  # dnslib raises what it comes upon
        raise ValueError(f"not the text of a zone: {reason}") from None
