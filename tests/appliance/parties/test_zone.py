"""What a name server answers: bytes in, bytes out (RFC 1034, 1035, 2308, 6891)."""

from __future__ import annotations

from random import Random

import pytest
from dnslib import EDNS0, QTYPE, RCODE, RR, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from appliance.parties.zone import LONGEST_BY_TCP, Zone, answer, labels_of, zone_of

LONG = " ".join(f'"{"y" * 200}"' for _ in range(5))
ZONE = Zone(
    "example.net",
    f"""
pbx.example.net. 300 IN A 203.0.113.10
www.example.net. 300 IN CNAME pbx.example.net.
away.example.net. 300 IN CNAME www.example.org.
round.example.net. 300 IN CNAME round.example.net.
deep.er.example.net. 60 IN A 203.0.113.11
long.example.net. 60 IN TXT {LONG}
longer.example.net. 60 IN TXT {LONG}
longer.example.net. 60 IN TXT "z" {LONG}
""",
)
REVERSE = Zone("113.0.203.in-addr.arpa", "10.113.0.203.in-addr.arpa. 60 IN PTR pbx.example.net.")
ZONES = (ZONE, REVERSE)


def question(name: str, kind: str = "A", size: int = 0, flags: str = "") -> bytes:
    """With EDNS if a size is given."""
    asked = DNSRecord.question(name, kind)
    asked.header.id = 4711
    if size:
        asked.add_ar(EDNS0(udp_len=size, flags=flags))
    return bytes(asked.pack())


def asked(query: bytes, longest: int = 1232) -> DNSRecord:
    said = answer(query, ZONES, longest)
    assert len(said) <= longest
    return DNSRecord.parse(said)


def shown(records: list[RR]) -> list[str]:
    return [f"{each.rname} {each.ttl} {QTYPE[each.rtype]} {each.rdata}" for each in records]


SOA = "example.net. 60 SOA ns.example.net. hostmaster.example.net. 1 3600 600 86400 60"


@pytest.mark.parametrize(
    ("name", "kind", "code", "answers", "authority"),
    [
        ("pbx.example.net", "A", "NOERROR", ["pbx.example.net. 300 A 203.0.113.10"], []),
        (
            "www.example.net",
            "A",
            "NOERROR",
            ["www.example.net. 300 CNAME pbx.example.net.", "pbx.example.net. 300 A 203.0.113.10"],
            [],
        ),
        (
            "away.example.net",
            "A",
            "NOERROR",
            ["away.example.net. 300 CNAME www.example.org."],
            [],
        ),
        (
            "10.113.0.203.in-addr.arpa",
            "PTR",
            "NOERROR",
            ["10.113.0.203.in-addr.arpa. 60 PTR pbx.example.net."],
            [],
        ),
        ("pbx.example.net", "AAAA", "NOERROR", [], [SOA]),
        ("er.example.net", "A", "NOERROR", [], [SOA]),
        ("none.example.net", "A", "NXDOMAIN", [], [SOA]),
        ("www.example.org", "A", "REFUSED", [], []),
    ],
    ids=[
        "address",
        "alias",
        "alias-away",
        "name",
        "nothing-of-that-type",
        "name-below",
        "none",
        "not-mine",
    ],
)
def test_a_name_has_records_or_none_of_that_type_or_is_not_there(
    name: str, kind: str, code: str, answers: list[str], authority: list[str]
) -> None:
    """RFC 1034 4.3.2; RFC 2308 2 and 3: a denial has the SOA with it; RFC 8020: a name that has
    others below it is there."""
    said = asked(question(name, kind))
    assert RCODE[said.header.rcode] == code
    assert (shown(said.rr), shown(said.auth)) == (answers, authority)
    assert (said.header.id, said.header.qr, said.header.ra) == (4711, 1, 0)
    assert said.header.aa == (code != "REFUSED")


def test_the_question_comes_back_as_it_was_written() -> None:
    """With its upper case, which some resolvers mix in to be harder to deceive."""
    assert str(asked(question("PbX.eXample.NET")).q.qname) == "PbX.eXample.NET."


def test_an_alias_of_itself_comes_to_an_end() -> None:
    assert asked(question("round.example.net")).rr


def test_what_does_not_fit_is_said_to_be_cut_and_comes_whole_by_tcp() -> None:
    """RFC 2181 9, RFC 6891 6.2.5: 512 bytes unless the asker can take more."""
    plain = asked(question("long.example.net", "TXT"), 512)
    assert (plain.header.tc, plain.rr) == (1, [])
    assert len(asked(question("long.example.net", "TXT", 4096)).rr) == 1
    assert asked(question("longer.example.net", "TXT", 4096)).header.tc
    assert len(asked(question("longer.example.net", "TXT"), LONGEST_BY_TCP).rr) == 2


def test_edns_is_answered_with_edns_and_of_version_0_only() -> None:
    """RFC 6891 6.1.1 and 6.1.3."""
    assert asked(question("pbx.example.net")).ar == []
    (edns,) = asked(question("pbx.example.net", size=1400, flags="do")).ar
    assert (edns.edns_len, edns.edns_do) == (1232, 1)
    newer = bytearray(question("pbx.example.net", size=1400))
    newer[-5] = 7
    (edns,) = asked(bytes(newer)).ar
    assert edns.edns_rcode == 1  # the upper bits of 16, BADVERS


def test_nothing_is_said_to_an_answer() -> None:
    """Or two servers would talk for ever."""
    said = answer(question("pbx.example.net"), ZONES)
    assert answer(said, ZONES) == b""


HEAD = bytes.fromhex("1267 0100 0001 0000 0000 0000")
BAD = {
    "a compression loop": HEAD + bytes.fromhex("c00c 0001 0001"),
    "a chain of pointers": HEAD + bytes.fromhex("c00e c010 c012 c00c 0001 0001"),
    "255 labels": HEAD + b"\1a" * 255 + bytes.fromhex("00 0001 0001"),
    "a label of 64 bytes": HEAD + b"\x40" + b"a" * 64 + bytes.fromhex("00 0001 0001"),
    "huge counts": bytes.fromhex("1267 0100 ffff ffff ffff ffff 00 0001 0001"),
    "more than there is": HEAD + b"\3pb",
    "no type": HEAD + b"\3pbx\0\0",
    "EDNS cut short": HEAD[:10] + bytes.fromhex("0001 00 0001 0001 00 0029"),
}


@pytest.mark.parametrize("query", BAD.values(), ids=BAD)
def test_a_bad_question_is_said_to_be_bad(query: bytes) -> None:
    """RFC 1035 4.1.1: format error, in a header alone."""
    assert answer(query, ZONES) == bytes.fromhex("1267 8101 0000 0000 0000 0000")


def test_other_operations_are_not_there() -> None:
    notify = bytearray(question("example.net", "SOA"))
    notify[2] = 4 << 3
    assert DNSRecord.parse(answer(bytes(notify), ZONES)).header.rcode == RCODE.NOTIMP


@given(st.binary(max_size=80), st.integers(0, 2**32))
def test_no_bytes_make_it_fail_or_say_more_than_it_should(noise: bytes, seed: int) -> None:
    rng = Random(seed)
    good = bytearray(question("pbx.example.net", size=4096, flags="do"))
    for _ in range(rng.randrange(4)):
        good[rng.randrange(len(good))] = rng.randrange(256)
    for query in (noise, bytes(good), bytes(good) + noise, bytes(good[: len(noise)])):
        said = answer(query, ZONES)
        assert len(said) <= 1232
        assert said[:2] == query[: len(said[:2])]


def test_a_record_belongs_into_its_zone() -> None:
    with pytest.raises(ValueError, match=r"www\.example\.org\. is not under example\.net\."):
        Zone("example.net", "www.example.org. 60 IN A 203.0.113.10")
    with pytest.raises(ValueError, match="not the text of a zone"):
        Zone("example.net", "www.example.net. 60 IN A never.mind")


def test_the_nearest_zone_knows() -> None:
    inner = Zone("lab.example.net", "")
    assert zone_of(labels_of("Alice.LAB.example.net."), (ZONE, inner)) is inner
    assert zone_of(labels_of("alice.example.org"), (ZONE, inner)) is None
