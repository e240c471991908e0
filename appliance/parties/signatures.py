"""Signing records, and checking what was signed (DNSSEC: RFC 4034, RFC 5702).

The signatures are real: RSA with SHA-256 over the records in their canonical form. The key is made
of two primes that everybody knows, so it protects nothing; it shows what a signature holds and when
it does not fit. Signatures are valid for ever: a party has no calendar.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from dnslib import QTYPE, RR, RRSIG, DNSBuffer, DNSLabel

P, Q, EXPONENT = 2**521 - 1, 2**607 - 1, 65537  # both are Mersenne's
MODULUS = P * Q
_SECRET = pow(EXPONENT, -1, (P - 1) * (Q - 1))
_SIZE = (MODULUS.bit_length() + 7) // 8
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 9.2
ALGORITHM = 8  # RFC 5702 3.1
KEY = struct.pack("!HBBB", 256, 3, ALGORITHM, 3) + EXPONENT.to_bytes(3) + MODULUS.to_bytes(_SIZE)
"""The data of a DNSKEY record (RFC 3110 2)."""
BEGINS, ENDS = 0, 2**32 - 1
_FIXED = struct.Struct("!HBBIIIH")


def key_tag(key: bytes) -> int:
    """RFC 4034 B."""
    total = sum(byte << (0 if at & 1 else 8) for at, byte in enumerate(key))
    return (total + (total >> 16)) & 0xFFFF


class _Plain(DNSBuffer):  # type: ignore[misc]
    """Writes names in full and in lower case (RFC 4034 6.2)."""

    def encode_name(self, name: DNSLabel) -> None:
        lower = DNSLabel([bytes(label).lower() for label in DNSLabel(name).label])
        self.encode_name_nocompress(lower)


def sign(origin: str, records: Sequence[RR]) -> RR:
    """The RRSIG of records that have name and type in common, by the key of the zone `origin`."""
    first = records[0]
    labels = len(first.rname.label)
    made = RRSIG(first.rtype, ALGORITHM, labels, first.ttl, ENDS, BEGINS, key_tag(KEY), origin, b"")
    made.sig = pow(_padded(made, records), _SECRET, MODULUS).to_bytes(_SIZE)
    return RR(first.rname, QTYPE.RRSIG, first.rclass, first.ttl, made)


def fits(signature: RR, records: Sequence[RR]) -> bool:
    """Was it made of these records, as they are here?"""
    said = signature.rdata
    if (said.covered, said.algorithm) != (records[0].rtype, ALGORITHM) or len(said.sig) != _SIZE:
        return False
    return pow(int.from_bytes(said.sig), EXPONENT, MODULUS) == _padded(said, records)


def _padded(signature: RRSIG, records: Sequence[RR]) -> int:
    """What the signature is of (RFC 4034 3.1.8.1), as a number (RFC 8017 9.2)."""
    digest = hashlib.sha256(_head(signature) + b"".join(_canonical(signature, records))).digest()
    encoded = _SHA256 + digest
    filling = b"\xff" * (_SIZE - 3 - len(encoded))
    return int.from_bytes(b"\0\1" + filling + b"\0" + encoded)


def _head(signature: RRSIG) -> bytes:
    """Its own data, but for the signature itself."""
    buffer = _Plain()
    said = signature
    buffer.append(
        _FIXED.pack(
            said.covered, said.algorithm, said.labels, said.orig_ttl, said.sig_exp, said.sig_inc,
            said.key_tag,
        )
    )  # fmt: skip
    buffer.encode_name(said.name)
    return bytes(buffer.data)


def _canonical(signature: RRSIG, records: Sequence[RR]) -> list[bytes]:
    """The records in the order of their data (RFC 4034 6.3), with the TTL that they had when they
    were signed."""
    found = []
    for each in records:
        data = _Plain()
        each.rdata.pack(data)
        head = _Plain()
        head.encode_name(each.rname)
        head.pack("!HHIH", each.rtype, each.rclass, signature.orig_ttl, len(data.data))
        found.append((bytes(data.data), bytes(head.data)))
    return [head + data for data, head in sorted(found)]
