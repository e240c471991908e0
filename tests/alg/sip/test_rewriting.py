"""The one principle: a token is changed only if it is exactly an endpoint of this host."""

from __future__ import annotations

import pytest

from alg.sip import parts
from alg.sip.fields import MISSING, HostPort
from alg.sip.message import parse
from alg.sip.rewriting import Rewriting, Token
from nat.endpoint import Direction, Endpoint
from tests.support.conversation import PHONE, small_nat

PRESETS = {
    Endpoint.parse("192.168.20.100:4000"): Endpoint.parse("203.0.113.1:19032"),
    Endpoint.parse("192.168.20.101:5060"): Endpoint.parse("203.0.113.1:5062"),
}


def desk(direction: Direction, text: bytes = b"x") -> Rewriting:
    message = parse(b"INFO sip:" + text + b" SIP/2.0\r\ni: 1\r\nCSeq: 1 INFO\r\n\r\n")
    context = small_nat(direction, presets=PRESETS)
    return Rewriting(message, parts.read(message), context)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("192.168.20.100:5060", "203.0.113.1:1024"),
        ("192.168.20.100:4000", "203.0.113.1:19032"),
    ],
)
def test_own_endpoints_have_a_counterpart_both_ways(inside: str, outside: str) -> None:
    """Rule own-endpoint."""
    internal, external = Endpoint.parse(inside), Endpoint.parse(outside)
    assert desk(Direction.OUT).counterpart(internal, "udp") == external
    assert desk(Direction.IN).counterpart(external, "udp") == internal


@pytest.mark.parametrize(
    ("direction", "endpoint"),
    [
        (Direction.OUT, "192.168.20.100:5061"),
        (Direction.OUT, "192.168.20.101:5060"),
        (Direction.OUT, "203.0.113.1:1024"),
        (Direction.OUT, "203.0.113.9:5060"),
        (Direction.IN, "203.0.113.1:1025"),
        (Direction.IN, "203.0.113.1:5062"),
        (Direction.IN, "192.168.20.100:5060"),
        (Direction.IN, "203.0.113.9:5060"),
    ],
)
def test_all_other_endpoints_have_none(direction: Direction, endpoint: str) -> None:
    """Rules own-endpoint and neighbours-stay: another inside host's endpoints are others, too."""
    assert desk(direction).counterpart(Endpoint.parse(endpoint), "udp") is None


def test_the_transport_is_part_of_an_endpoint() -> None:
    assert desk(Direction.OUT).counterpart(PHONE, "tcp") is None


@pytest.mark.parametrize(
    ("direction", "text", "after"),
    [
        (Direction.OUT, b"192.168.20.100:5060", b"203.0.113.1:1024"),
        (Direction.OUT, b"192.168.20.100 : 5060", b"203.0.113.1 : 1024"),
        (Direction.OUT, b"192.168.20.100", b"203.0.113.1:1024"),
        (Direction.OUT, b"192.168.20.100:4000", b"203.0.113.1:19032"),
        (Direction.IN, b"203.0.113.1:1024", b"192.168.20.100:5060"),
        (Direction.IN, b"203.0.113.1:19032", b"192.168.20.100:4000"),
        (Direction.IN, b"203.0.113.1", None),
        (Direction.OUT, b"192.168.20.10:5060", None),
        (Direction.OUT, b"192.168.20.100:99999", None),
    ],
)
def test_a_token_is_replaced_as_a_whole(
    direction: Direction, text: bytes, after: bytes | None
) -> None:
    """Rules whole-token and port-as-written, white space between host and port kept."""
    host, colon, port = text.partition(b":")
    work = desk(direction)
    work.data = text
    where = HostPort(
        (0, len(host.rstrip())), (len(text) - len(port.strip()), len(text)) if colon else MISSING
    )
    work.map_token(Token(where, "udp"), "field", "rule")
    assert [edit.replacement for edit in work.edits] == ([] if after is None else [after])


def test_nothing_is_opened_to_system_ports_or_for_other_hosts() -> None:
    """Invariant I-E2, rule own-contacts-only."""
    work = desk(Direction.OUT)
    assert work.may_open(PHONE._replace(port=1024))
    assert not work.may_open(PHONE._replace(port=1023))
    assert not work.may_open(PHONE._replace(address=PHONE.address + 1))
