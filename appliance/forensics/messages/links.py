"""The IPv4 packet in a frame, for the link layers that engineers capture on.

    Ethernet (1)             12 bytes of addresses │ tags of 4 bytes each │ 08 00 │ packet
    Linux cooked (113, 276)  `tcpdump -i any`: protocol at 14 of 16 bytes, or at 0 of 20
    raw IP (101, 228, …)     a TUN device: the packet alone
    loopback (0, 108)        BSD and macOS: 4 bytes of address family

Numbers are the LINKTYPE_ values of tcpdump's registry.
"""

from __future__ import annotations

ETHERNET = 1
COOKED = {113: (14, 16), 276: (0, 20)}
"""Where the protocol stands, and how long the header is."""
RAW = frozenset((12, 14, 101, 228))
LOOPBACK = frozenset((0, 108))

_IPV4 = b"\x08\x00"
_TAGS = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
"""Of VLANs: IEEE 802.1Q and 802.1ad, and what was used before it."""


def ipv4(link: int, frame: bytes) -> bytes | None:
    """The packet, perhaps with padding behind it; None for all that is not IPv4, and for link
    layers that are not known."""
    start = _start(link, frame)
    if start is None or frame[start : start + 1] not in _FIRST_BYTES:
        return None
    return frame[start:]


_FIRST_BYTES = {bytes((0x40 | words,)) for words in range(5, 16)}
"""Version 4, and how many words the header has (RFC 791 3.1)."""


def _start(link: int, frame: bytes) -> int | None:
    if link in RAW:
        return 0
    if link in LOOPBACK:
        return 4
    at, size = COOKED.get(link, (12, 14))
    if link != ETHERNET and link not in COOKED:
        return None
    while frame[at : at + 2] in _TAGS and link == ETHERNET:
        at, size = at + 4, size + 4
    return size if frame[at : at + 2] == _IPV4 else None
