"""The fast road and the slow road lead to the same place."""

from __future__ import annotations

from nat.drop import Drop
from tests.nat.box import Box, left
from tests.nat.packets import EXTERNAL, A, R, ping, ping_with_checksum


def test_an_echo_reply_whose_checksum_is_somebodys_identifier_is_not_taken_for_theirs() -> None:
    """RFC 5508 3.1: the identifier decides. The words behind an IPv4 header are ports only for
    UDP and TCP; for ICMP they are type, code and checksum."""
    box = Box()
    for identifier in (2000, 3000):
        left(box.out(ping(A, R, identifier)))
    reply = ping_with_checksum(R, EXTERNAL, 2000, wanted=3000, reply=True)
    assert left(box.into(reply)).identifier == 2000


def test_an_echo_request_whose_checksum_is_zero_is_not_taken_for_anothers() -> None:
    box = Box()
    left(box.out(ping(A, R, identifier=0x0800)))
    assert left(box.out(ping_with_checksum(A, R, 5000, wanted=0))).identifier == 5000


def test_a_forged_icmp_checksum_finds_no_flow() -> None:
    box = Box()
    left(box.out(ping(A, R, 3000)))
    assert box.into(ping_with_checksum(R, EXTERNAL, 4000, 3000, reply=True)) is Drop.NO_MAPPING
