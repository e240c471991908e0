"""RFC 792, RFC 1812 4.3.2, RFC 5508: what a packet inside a packet says, and what we say ourselves.

What becomes of good and bad errors on their way through is in `test_bad_input.py`.
"""

from __future__ import annotations

import pytest

from nat import icmp
from nat.drop import Drop
from nat.endpoint import ICMP_QUERY, parse_address
from nat.packet import Packet
from tests.support.packets import (
    EXTERNAL,
    GATEWAY,
    SYN,
    A,
    R,
    S,
    Seen,
    assert_sound,
    fragment,
    ping,
    pong,
    tcp,
    udp,
    unreachable,
)
from tests.support.packets import icmp as raw

SENT = udp(f"{EXTERNAL}:4000", f"{R}:5000", b"x" * 20)
ENDS = (parse_address(EXTERNAL), parse_address(R))


def quote_of(quoted: bytes) -> icmp.Quote | Drop:
    return icmp.Quote.of(Packet.of(unreachable(S, EXTERNAL, quoted)))


QUOTES = [
    ("UDP", SENT, (17, *ENDS, 4000, 5000)),
    ("TCP, cut after the ports", tcp(f"{EXTERNAL}:4000", f"{R}:80", SYN)[:28],
     (6, *ENDS, 4000, 80)),
    ("a ping", ping(f"{EXTERNAL}:77", R), (ICMP_QUERY, *ENDS, 77, 0)),
    ("an answer to a ping", pong(EXTERNAL, f"{R}:77"), (ICMP_QUERY, *ENDS, 0, 77)),
    ("behind options", udp(f"{EXTERNAL}:4000", f"{R}:5000", options=b"\1\1\1\0"),
     (17, *ENDS, 4000, 5000)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("quoted", "ends"), [row[1:] for row in QUOTES], ids=[row[0] for row in QUOTES]
)
def test_a_quote_names_the_flow_of_its_answers(quoted: bytes, ends: tuple[int, ...]) -> None:
    quote = quote_of(quoted)
    assert isinstance(quote, icmp.Quote)
    assert quote.tuple == ends
    protocol, source, destination, source_port, destination_port = ends
    assert quote.turned_round() == (
        protocol, destination, source, destination_port, source_port,
    )  # fmt: skip


def test_a_quote_is_given_back_what_it_was_before_translation() -> None:
    error = Packet.of(unreachable(S, EXTERNAL, SENT))
    quote = icmp.Quote.of(error)
    assert isinstance(quote, icmp.Quote)
    quote.restore((17, parse_address(A), parse_address(R), 4001, 5000))
    assert error.to_bytes()[28:] == udp(f"{A}:4001", f"{R}:5000", b"x" * 20)


def test_a_quote_that_ends_before_its_checksum_is_written_no_further_than_it_goes() -> None:
    """Nothing stands behind the packet in its buffer here: writing there would raise."""
    sent, was = tcp(f"{EXTERNAL}:4000", f"{R}:80", SYN), tcp(f"{A}:4001", f"{R}:80", SYN)
    for length in range(28, 41):
        error = Packet.of(unreachable(S, EXTERNAL, sent[:length]))
        quote = icmp.Quote.of(error)
        assert isinstance(quote, icmp.Quote)
        quote.restore((6, parse_address(A), parse_address(R), 4001, 80))
        cut = 36 if length < 38 else length  # half a checksum is left alone
        assert error.to_bytes()[28:][:cut] == was[:length][:cut], length


def test_less_than_a_header_and_eight_bytes_is_no_quote() -> None:
    for length in range(28):
        assert quote_of(SENT[:length]) is Drop.ICMP_BAD_QUOTE, length


MAY_BE_ANSWERED = [
    ("a datagram", SENT, True),
    ("a ping", ping(A, R), True),
    ("an answer to a ping", pong(A, R), True),
    ("a first fragment", fragment(SENT, 0, b"x" * 8, more=True), True),
    ("a later fragment", fragment(SENT, 8, b"x" * 8, more=True), False),
    ("an error", unreachable(A, R, SENT), False),
    ("a redirect", raw(A, R, 5), False),
    ("a multicast", udp(f"{A}:1", "224.0.0.1:1"), False),
    ("a broadcast", udp(f"{A}:1", "255.255.255.255:1"), False),
]


@pytest.mark.parametrize(
    ("data", "answered"), [r[1:] for r in MAY_BE_ANSWERED], ids=[r[0] for r in MAY_BE_ANSWERED]
)
def test_what_may_be_answered_by_an_error(data: bytes, answered: bool) -> None:
    """RFC 1122 3.2.2."""
    assert icmp.may_be_answered_by_an_error(Packet.of(data)) is answered


@pytest.mark.parametrize("size", [0, 1, 500, 547, 548, 549, 1400])
def test_an_error_of_our_own_quotes_as_much_as_fits_576_bytes(size: int) -> None:
    """RFC 1812 4.3.2.3."""
    about = udp(f"{A}:4000", f"{R}:5000", b"x" * size)
    made = icmp.error(Packet.of(about), parse_address(GATEWAY), 3, 13)
    seen = assert_sound(made)
    assert seen.addresses == (GATEWAY, A)
    assert len(made) <= 576
    assert seen.body[8:] == about[: 576 - 28]


def test_the_next_mtu_stands_in_the_second_word() -> None:
    made = icmp.error(Packet.of(SENT), parse_address(EXTERNAL), 3, 4, rest=1400)
    assert made[24:28] == b"\0\0" + (1400).to_bytes(2, "big")


def test_an_echo_is_the_request_turned_round() -> None:
    request = ping(A, GATEWAY, b"odd", sequence=3)
    seen = Seen(icmp.echo_reply(Packet.of(request)))
    assert_sound(seen.data)
    assert seen.data == pong(GATEWAY, A, b"odd", sequence=3, identification=0)
