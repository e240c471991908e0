"""No DNS message keeps others waiting for longer than the dearest SIP message does, whether the
module is on or only watches. Work is counted in calls of functions, through the whole engine."""

from __future__ import annotations

import struct

import pytest

from alg.dns.message import LONGEST, MOST_PIECES, read
from alg.dns.names import written
from appliance.engine import Engine
from appliance.settings import files as config
from nat.endpoint import Side
from nat.packet import Packet
from tests.alg.dns.situations import PTR_INSIDE, PTR_OUTSIDE, answering, asking
from tests.host.misbehaviour import request
from tests.support.counted import work
from tests.support.packets import udp
from tests.support.world import INSIDE, NETWORKS, OUTSIDE, make_engine

STATIC = [{"internal": "192.168.20.10", "external": "203.0.113.10"}]
ASKER, SERVER = "198.51.100.7:50000", "203.0.113.10:53"
AS_DEAR_AS = 2
"""Times the calls that a REGISTER of 100 Contacts takes; those of DNS are the shorter ones."""
USUAL = 1000
"""Calls for an answer of five records."""

TO_THE_QUESTION = b"\xc0\x0c"
LONG_NAME = written([b"a"] * 127)
A, PTR, TWO_NAMES, SIGNED = 1, 12, 14, 46


def record(name: bytes, kind: int, data: bytes) -> bytes:
    return name + struct.pack("!HHIH", kind, 1, 300, len(data)) + data


def full_of(piece: bytes, name: bytes, kind: int = A) -> bytes:
    """An answer of as many of these records as are read."""
    question = name + struct.pack("!HH", kind, 1)
    count = (LONGEST - 12 - len(question)) // len(piece)
    return struct.pack("!6H", 4711, 0x8180, 1, count, 0, 0) + question + piece * count


def reverse(piece: bytes, count: int) -> bytes:
    """The answer to the question for the name of an address, with many more of it."""
    header = struct.pack("!6H", 4711, 0x8180, 1, count, 0, 0)
    return header + asking(PTR_INSIDE, "PTR")[12:] + piece * count


PBX = written([b"pbx", b"example", b"net"])
OWN, PRIVATE, OTHER = bytes((192, 168, 20, 10)), bytes((192, 168, 20, 77)), bytes((8, 8, 8, 8))
SIGNATURE = record(TO_THE_QUESTION, SIGNED, b"\0\1" + bytes(17))
HALF = b"\2" + b"10" + b"\xc0\x0f"  # ten, and what stands behind the ten of the question
DEAREST = {
    "addresses": full_of(record(TO_THE_QUESTION, A, OTHER), PBX),
    "addresses of an inside host": full_of(record(TO_THE_QUESTION, A, OWN), PBX),
    "private addresses": full_of(record(TO_THE_QUESTION, A, PRIVATE), PBX),
    "signed addresses": full_of(record(TO_THE_QUESTION, A, OWN) + SIGNATURE, PBX),
    "long names": full_of(record(TO_THE_QUESTION, A, OTHER), LONG_NAME),
    "three long names each": full_of(
        record(TO_THE_QUESTION, TWO_NAMES, TO_THE_QUESTION * 2), LONG_NAME
    ),
    "roots": full_of(record(b"\0", A, b""), b"\0"),
    "names of addresses": reverse(record(TO_THE_QUESTION, PTR, TO_THE_QUESTION), 94),
    "halves of such names": reverse(record(HALF, PTR, HALF), 92),
}


TOO_MANY_NAMES = {"long names", "three long names each"}


@pytest.mark.parametrize("name", DEAREST)
def test_a_message_is_read_to_its_end_unless_pointers_make_long_names_of_few_bytes(
    name: str,
) -> None:
    said = read(DEAREST[name], 0)
    assert said.end <= LONGEST
    assert said.problem == ("more names than are read" if name in TOO_MANY_NAMES else "")
    assert said.pieces < MOST_PIECES + 2 * len(LONG_NAME)


def an_engine(module: str) -> Engine:
    """Where nobody reads the events."""
    table = {**NETWORKS, "nat.static": STATIC, "alg.dns.module": module}
    return make_engine(config.for_scenario("test", table))


def cost(engine: Engine, side: Side, data: bytes) -> int:
    packet = Packet.of(data)
    return work(lambda: engine.handle(packet, side, 0.0))


def cost_of_an_answer(engine: Engine, message: bytes) -> int:
    """Of an inside server's, to who has asked it something."""
    engine.handle(Packet.of(udp(ASKER, SERVER, asking(PTR_OUTSIDE, "PTR"))), OUTSIDE, 0.0)
    return cost(engine, INSIDE, udp("192.168.20.10:53", ASKER, message))


@pytest.mark.parametrize("module", ["off", "dns"])
@pytest.mark.parametrize("name", DEAREST)
def test_no_message_is_more_work_than_the_dearest_of_sip(name: str, module: str) -> None:
    engine = an_engine(module)
    contacts = "m:" + ",".join(["<sip:192.168.20.100>"] * 100) + "\r\n"
    register = request("REGISTER", "192.168.20.100", 1, contacts)
    dearest = cost(engine, INSIDE, udp("192.168.20.100:5060", "198.51.100.7:5060", register))
    assert cost_of_an_answer(engine, DEAREST[name]) < AS_DEAR_AS * dearest


def test_a_usual_answer_that_is_only_watched_is_little_work() -> None:
    message = answering(asking("pbx.example.net"), *["pbx.example.net. 60 IN A 8.8.8.8"] * 5)
    assert cost_of_an_answer(an_engine("off"), message) < USUAL
