"""DNS by TCP through the whole appliance: messages are cut out of the stream, and what becomes
longer or shorter shifts all that follows."""

from __future__ import annotations

import pytest
from dnslib import DNSRecord

from nat.endpoint import Endpoint
from tests.alg.dns.situations import (
    INSIDE,
    OUTSIDE,
    PTR_INSIDE,
    PTR_OUTSIDE,
    answering,
    asking,
    by_tcp,
    words,
)
from tests.support.ends import Line
from tests.support.world import World

CLIENT = Endpoint.parse("192.168.20.100:40000")
SERVER = Endpoint.parse("203.0.113.53:53")
STATIC = [{"internal": "192.168.20.10", "external": "203.0.113.10"}]


def a_line() -> Line:
    world = World({"alg.dns.module": "dns", "nat.static": STATIC})
    return Line(world, CLIENT, SERVER)


def messages(stream: bytes) -> list[bytes]:
    """Those of a connection, with their lengths."""
    found = []
    while stream:
        end = 2 + int.from_bytes(stream[:2])
        assert len(stream) >= end
        found.append(stream[:end])
        stream = stream[end:]
    return found


@pytest.mark.parametrize("cuts", [(), (1,), (2, 20)], ids=["whole", "in the length", "in three"])
def test_questions_and_answers_of_a_connection_are_translated(cuts: tuple[int, ...]) -> None:
    line = a_line()
    questions = [by_tcp(asking(PTR_INSIDE, "PTR")), by_tcp(asking("pbx.example.net"))]
    for each in questions:
        line.say(line.inner, each, *cuts)
        line.acknowledge(line.outer)
    heard = messages(line.outer.heard)
    assert [words(each) for each in heard] == [
        [f";{PTR_OUTSIDE}. IN PTR"],
        [";pbx.example.net. IN A"],
    ]
    answers = [
        answering(heard[0][2:], f"{PTR_OUTSIDE}. 60 IN PTR pbx.example.net."),
        answering(heard[1][2:], OUTSIDE),
    ]
    line.say(line.outer, b"".join(map(by_tcp, answers)), *cuts)
    line.acknowledge(line.inner)
    said = messages(line.inner.heard)
    assert words(said[0])[1:] == [f"{PTR_INSIDE}. 60 IN PTR pbx.example.net."]
    assert words(said[1])[1:] == [INSIDE]
    assert [DNSRecord.parse(each[2:]).header.id for each in said] == [4711, 4711]


def test_a_connection_that_is_not_dns_passes_as_it_is() -> None:
    line = a_line()
    line.say(line.inner, b"GET / HTTP/1.1\r\nHost: pbx.example.net\r\n\r\n")
    assert line.outer.heard == b"GET / HTTP/1.1\r\nHost: pbx.example.net\r\n\r\n"
    assert line.nat.engine.slots["dns"].counters["let_go"] == 1
