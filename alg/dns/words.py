"""A DNS message in words: one record a line, as in a zone file (RFC 1035 5.1).

    ; answer, id 4711, NOERROR; aa rd
    ;pbx.example.net. IN A
    ; answer
    pbx.example.net. 300 IN A 203.0.113.10

Each piece of a line knows the bytes that it was read from, so that a change of bytes can be shown
as a change of words. What has no words of its own is written as RFC 3597 5 has it: `\\# 2 00ff`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address

from alg.base import Piece
from alg.dns.message import (
    AXFR,
    DNSSEC_OK,
    IN,
    IXFR,
    LENGTH,
    NAMES_IN,
    OPERATIONS,
    OPT,
    PTR,
    QUERY,
    RCODE,
    RRSIG,
    SIG,
    TSIG,
    A,
    Message,
    NotDns,
    Question,
    Record,
    read_any,
)
from alg.dns.names import Name
from nat.endpoint import address_text

AAAA, CNAME, SOA, MX, TXT, SRV = 28, 5, 6, 15, 16, 33
TYPES = {
    A: "A",
    2: "NS",
    CNAME: "CNAME",
    SOA: "SOA",
    PTR: "PTR",
    MX: "MX",
    TXT: "TXT",
    AAAA: "AAAA",
    SRV: "SRV",
    35: "NAPTR",
    39: "DNAME",
    OPT: "OPT",
    43: "DS",
    RRSIG: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    50: "NSEC3",
    64: "SVCB",
    65: "HTTPS",
    SIG: "SIG",
    TSIG: "TSIG",
    IXFR: "IXFR",
    AXFR: "AXFR",
    255: "ANY",
    257: "CAA",
}
CODES = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    9: "NOTAUTH",
    10: "NOTZONE",
}
FLAGS = {0x0400: "aa", 0x0200: "tc", 0x0100: "rd", 0x0080: "ra", 0x0020: "ad", 0x0010: "cd"}
MOST_HEX = 64
"""Bytes of data without words that are shown."""

Pieces = list[Piece]


def type_text(kind: int) -> str:
    return TYPES.get(kind, f"TYPE{kind}")


def summary(message: bytes) -> tuple[str, str]:
    """What it asks, or answers; DNS has no conversations."""
    try:
        said = read_any(message)
    except NotDns:
        return "", ""
    word = "answer" if said.is_answer else "question"
    if said.operation != QUERY:
        word = f"{OPERATIONS[said.operation]} {word}"
    for asked in said.questions[:1]:
        word += f" {asked.name.text} {type_text(asked.type)}"
    code = said.flags & RCODE
    return (f"{word} {_code(code)}" if code and said.is_answer else word), ""


def lines(message: bytes) -> Sequence[Sequence[Piece]]:
    """As far as it can be read; none if it is no DNS message."""
    try:
        said = read_any(message)
    except NotDns:
        return ()
    found = [*_header(said), *(_question(each) for each in said.questions)]
    section = ""
    for record in said.records:
        if record.section != section:
            section = record.section
            found.append([Piece(f"; {section}")])
        found.append(_record(said, record))
    if said.problem:
        rest = (said.end, len(message))
        text = f"; {said.problem}: bytes {said.end} to {len(message)} are not read"
        found.append([Piece(text, (rest,))])
    return found


def _header(said: Message) -> Iterator[Pieces]:
    at = said.begin
    if said.begin:
        length = int.from_bytes(said.data[:LENGTH])
        yield [Piece(f"; {length} bytes by TCP", ((0, LENGTH),))]
    word = "answer" if said.is_answer else "question"
    if said.operation != QUERY:
        word = f"{OPERATIONS[said.operation]}, {word}"
    if said.is_answer:
        word += f", {_code(said.flags & RCODE)}"
    flags = " ".join(name for bit, name in FLAGS.items() if said.flags & bit)
    yield [
        Piece(f"; {word}, id "),
        Piece(str(said.id), ((at, at + 2),)),
        Piece("; "),
        Piece(flags or "no flags", ((at + 2, at + 4),)),
    ]


def _code(code: int) -> str:
    return CODES.get(code, f"RCODE{code}")


def _class(klass: int) -> str:
    return {IN: "IN", 3: "CH", 254: "NONE", 255: "ANY"}.get(klass, f"CLASS{klass}")


def _name(name: Name) -> Piece:
    return Piece(name.text, name.spans)


def _question(asked: Question) -> Pieces:
    at = asked.end - 4
    text = f" {_class(asked.klass)} {type_text(asked.type)}"
    return [Piece(";"), _name(asked.name), Piece(text, ((at, asked.end),))]


def _record(said: Message, record: Record) -> Pieces:
    if record.type == OPT:
        wants = "do, " if record.ttl & DNSSEC_OK else ""
        text = f"; EDNS version {record.ttl >> 16 & 0xFF}: {wants}{record.klass} bytes"
        return [Piece(text, ((record.name.start, record.end),))]
    at = record.at
    return [
        _name(record.name),
        Piece(" "),
        Piece(str(record.ttl), (record.ttl_span,)),
        Piece(f" {_class(record.klass)} {type_text(record.type)}", ((at, at + 4),)),
        Piece(" "),
        *_data(said, record),
    ]


def _data(said: Message, record: Record) -> Pieces:
    """What is known of the type's data; a length of data that cannot be right makes it unknown."""
    start, end = record.start, record.end
    data = said.data[start:end]
    if record.type == A and len(data) == 4:
        return [Piece(address_text(int.from_bytes(data)), ((start, end),))]
    if record.type == AAAA and len(data) == 16:
        return [Piece(str(IPv6Address(data)), ((start, end),))]
    if record.type == TXT:
        return [Piece(_strings(data), ((start, end),))]
    if record.type == RRSIG and len(data) > 18:
        return [Piece(_signature(data), ((start, end),))]
    if record.names:
        return _data_with_names(said, record)
    shown = data[:MOST_HEX].hex() + "…" * (len(data) > MOST_HEX)
    return [Piece(f"\\# {len(data)} {shown}".rstrip(), ((start, end),))]


def _data_with_names(said: Message, record: Record) -> Pieces:
    """Numbers of two bytes before the names; SOA has some of four behind them."""
    before, _ = NAMES_IN[record.type]
    numbers = range(record.start, record.start + before, 2)
    found = [_number(said, at, 2) for at in numbers]
    found += [_name(name) for name in record.names]
    if record.type == SOA:
        found += [_number(said, at, 4) for at in range(record.names[-1].end, record.end - 3, 4)]
    spaced: Pieces = []
    for piece in found:
        spaced += (Piece(" "), piece) if spaced else (piece,)
    return spaced


def _number(said: Message, at: int, size: int) -> Piece:
    return Piece(str(int.from_bytes(said.data[at : at + size])), ((at, at + size),))


def _strings(data: bytes) -> str:
    """Each with its length before it (RFC 1035 3.3)."""
    found, at = [], 0
    while at < len(data):
        text = data[at + 1 : at + 1 + data[at]]
        found.append('"' + "".join(map(_printed, text)) + '"')
        at += 1 + data[at]
    return " ".join(found)


def _printed(code: int) -> str:
    if code in b'"\\':
        return f"\\{code:c}"
    return chr(code) if 0x20 <= code <= 0x7E else f"\\{code:03}"


def _signature(data: bytes) -> str:
    """RFC 4034 3.2, as far as a reader wants to know."""
    kind = int.from_bytes(data[:2])
    tag = int.from_bytes(data[16:18])
    return f"{type_text(kind)} algorithm {data[2]} key {tag} …"
