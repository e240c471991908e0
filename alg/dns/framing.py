"""Where a DNS message ends in a stream: two bytes before it say how long it is (RFC 1035 4.2.2).

Any two bytes are a length. So that nothing else is waited for, the header that follows must be one:
an operation that there is, the bit that must be zero, and no more questions and records than the
length has room for. Text has none of that, nor has TLS.
"""

from __future__ import annotations

from alg.dns.message import FIXED, HEADER, LENGTH, OPERATIONS, NotDns

NEED_MORE = 0
"""Nothing speaks against DNS yet, but the message is not whole."""
ALWAYS_ZERO = 0x40
SHORTEST_QUESTION = 5
SHORTEST_RECORD = 1 + FIXED.size


def frame(data: bytes) -> int:
    """How many bytes the first message of `data` takes with its length, or NEED_MORE. Raises
    NotDns."""
    if len(data) < LENGTH:
        return NEED_MORE
    length = int.from_bytes(data[:LENGTH])
    if length < HEADER:
        raise NotDns("it is too short for a DNS header")
    header = data[LENGTH : LENGTH + HEADER]
    if len(header) > 2 and header[2] >> 3 & 0x0F not in OPERATIONS:
        raise NotDns("it asks for an operation that there is not")
    if len(header) > 3 and header[3] & ALWAYS_ZERO:
        raise NotDns("a bit of its header is set that never is")
    if len(header) == HEADER and _least(header) > length:
        raise NotDns("it has no room for so many records")
    return LENGTH + length if len(data) >= LENGTH + length else NEED_MORE


def _least(header: bytes) -> int:
    """Bytes that a message has at least, by the counts in its header."""
    questions, *records = (int.from_bytes(header[at : at + 2]) for at in range(4, HEADER, 2))
    return HEADER + SHORTEST_QUESTION * questions + SHORTEST_RECORD * sum(records)
