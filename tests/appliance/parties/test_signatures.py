"""Signatures of records: what they hold, and what they do not."""

from __future__ import annotations

from dnslib import QTYPE, RR, DNSRecord

from appliance.parties.signatures import KEY, fits, key_tag, sign

ADDRESSES = list(
    RR.fromZone("pbx.example.net. 300 IN A 203.0.113.10\npbx.example.net. 300 IN A 203.0.113.9")
)


def changed(text: str) -> list[RR]:
    return list(RR.fromZone(text))


def test_a_signature_fits_what_was_signed_and_nothing_else() -> None:
    """RFC 4034 3.1.8.1. It covers name, type, class, original TTL and data, not the order of the
    records nor the TTL that a cache has counted down."""
    signature = sign("example.net", ADDRESSES)
    assert fits(signature, ADDRESSES)
    assert fits(signature, ADDRESSES[::-1])
    assert fits(signature, changed("\n".join(map(str, ADDRESSES)).replace("300", "17")))
    assert fits(signature, changed("\n".join(map(str, ADDRESSES)).replace("pbx", "PBX")))
    assert not fits(signature, ADDRESSES[:1])
    for before, after in (("203.0.113.10", "192.168.20.10"), ("pbx", "www")):
        other = changed("\n".join(map(str, ADDRESSES)).replace(before, after))
        assert not fits(signature, other)


def test_a_signature_survives_the_wire() -> None:
    signature = sign("example.net", ADDRESSES)
    message = DNSRecord(rr=[*ADDRESSES, signature]).pack()
    *records, found = DNSRecord.parse(bytes(message)).rr
    assert found.rtype == QTYPE.RRSIG
    assert fits(found, records)


def test_names_in_data_are_signed_in_full_and_in_lower_case() -> None:
    """RFC 4034 6.2."""
    alias = changed("www.example.net. 60 IN CNAME PBX.example.net.")
    assert fits(
        sign("example.net", alias), changed("www.example.net. 60 IN CNAME pbx.example.net.")
    )


def test_a_signature_of_another_make_does_not_fit() -> None:
    signature = sign("example.net", ADDRESSES)
    signature.rdata.sig = b"short"
    assert not fits(signature, ADDRESSES)
    of_type = sign("example.net", changed("pbx.example.net. 300 IN TXT x"))
    assert not fits(of_type, ADDRESSES)


def test_the_key_has_its_tag() -> None:
    """RFC 4034 B: the sum of its halves."""
    assert sign("example.net", ADDRESSES).rdata.key_tag == key_tag(KEY)
    assert key_tag(b"\x01\x02\x03\x04") == 0x0406
