"""NAT slipstreaming: a web page makes its visitor's browser send something that an ALG might take
for SIP, so that a port of the visitor opens to the attacker (invariants I-A7 and I-E2).

It must not work against the correct ALG, and must work against the fault `tcp-slip`: that is its
lesson.
"""

from __future__ import annotations

from typing import Any

import pytest

from appliance.control import documents
from nat.drop import Drop
from nat.endpoint import Endpoint, Side
from tests.support import packets
from tests.support.ends import Line
from tests.support.packets import ACK, SYN
from tests.support.world import A, B, World

BROWSER = A._replace(port=50000)
ATTACKER = Endpoint.parse("198.51.100.7:5060")
ACCOMPLICE = Endpoint.parse("203.0.113.77:4444")
TARGET = A._replace(port=3389)
SEGMENT = 1460

HTTP = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CORRECT, POOR = "sip", "sip-poor:tcp-slip"


def register(contact: Endpoint, cseq: int = 1) -> bytes:
    host = b"192.168.20.10"
    return (
        b"REGISTER sip:198.51.100.7 SIP/2.0\r\n"
        b"Via: SIP/2.0/TCP %b:5060;branch=z9hG4bK1\r\n"
        b"From: <sip:a@198.51.100.7>;tag=1\r\n"
        b"To: <sip:a@198.51.100.7>\r\n"
        b"Call-ID: 1\r\n"
        b"CSeq: %d REGISTER\r\n"
        b"Contact: <sip:a@%b>\r\n"
        b"Expires: 70\r\n"
        b"Content-Length: 0\r\n\r\n"
    ) % (host, cseq, str(contact).encode())


def ok(heard: bytes, cseq: int = 1) -> bytes:
    """The attacker's 200: with what the NAT has made of the Contact."""
    lines = [line for line in heard.split(b"\r\n") if line.startswith((b"Via", b"Contact"))]
    return (
        b"SIP/2.0 200 OK\r\n"
        + b"\r\n".join(lines)
        + b"\r\nFrom: <sip:a@198.51.100.7>;tag=1\r\nTo: <sip:a@198.51.100.7>;tag=2\r\n"
        b"Call-ID: 1\r\nCSeq: %d REGISTER\r\nExpires: 70\r\nContent-Length: 0\r\n\r\n" % cseq
    )


def form(size: int = SEGMENT) -> bytes:
    """The beginning of a web form that fills a segment."""
    head = b"POST / HTTP/1.1\r\nHost: 198.51.100.7:5060\r\nContent-Length: 5000\r\n\r\n"
    return head + b"a" * (size - len(head))


def visit(module: str, largest: int = SEGMENT) -> Line:
    return Line(World({"alg.sip.module": module}), BROWSER, ATTACKER, largest)


def attack(line: Line, slipped: bytes, answer_cseq: int | None = 1, filler: bytes = b"") -> None:
    """The form, and what is slipped in behind it; then the server's answers."""
    filler = filler or form()
    line.say(line.inner, filler + slipped, len(filler))
    line.say(line.outer, HTTP)
    if answer_cseq is not None:
        line.nat.wait(0.1)
        line.say(line.outer, ok(line.outer.heard, answer_cseq))


def expectations(line: Line) -> list[dict[str, Any]]:
    found: Any = documents.show(line.nat.engine, "expectations", line.nat.now)
    return list(found)


def external_ports(line: Line) -> set[int]:
    """All external ports that lead anywhere."""
    found: Any = documents.show(line.nat.engine, "mappings", line.nat.now)
    return {int(mapping["external"].rpartition(":")[2]) for mapping in found} | {3389, 22, 5060}


def reaches(line: Line, stranger: Endpoint) -> list[Endpoint]:
    """What a SYN of `stranger` to each external port reaches inside."""
    reached = []
    for port in sorted(external_ports(line) - {BROWSER.port}):
        external = Endpoint.parse(f"203.0.113.1:{port}")
        line.nat.put(Side.OUTSIDE, packets.tcp(stranger, external, SYN))
        reached += [seen.destination for seen in line.nat.take_all(Side.INSIDE)]
    return reached


def nothing_happened(line: Line) -> bool:
    """What was said is heard byte for byte, and nothing is open to anybody."""
    is_whole = line.outer.heard == line.inner.said and line.inner.heard == line.outer.said
    strangers = (ATTACKER._replace(port=4444), ACCOMPLICE)
    return (
        is_whole and not expectations(line) and not any(reaches(line, each) for each in strangers)
    )


def test_the_attack_of_2020_fails() -> None:
    """A segment that begins with REGISTER is still the inside of a web form."""
    line = visit(CORRECT)
    attack(line, register(TARGET))
    assert nothing_happened(line)


def test_and_works_against_the_fault() -> None:
    line = visit(POOR)
    attack(line, register(TARGET))
    assert b"Contact: <sip:a@203.0.113.1:" in line.outer.heard
    assert [expectation["internal"] for expectation in expectations(line)] == [str(TARGET)]
    assert reaches(line, ATTACKER._replace(port=4444)) == [TARGET]


def test_what_the_fault_opened_ends_with_the_registration() -> None:
    line = visit(POOR)
    attack(line, register(TARGET))
    line.nat.wait(71)
    assert not expectations(line)
    assert reaches(line, ATTACKER._replace(port=4444)) == []


@pytest.mark.parametrize("module", [CORRECT, POOR])
def test_a_register_within_a_segment_is_nothing(module: str) -> None:
    line = visit(module)
    attack(line, b"aaa" + register(TARGET), filler=form(700))
    assert nothing_happened(line)


@pytest.mark.parametrize("module", [CORRECT, POOR])
def test_nothing_opens_for_another_host(module: str) -> None:
    line = visit(module)
    attack(line, register(B._replace(port=3389)))
    assert expectations(line) == []
    assert reaches(line, ATTACKER._replace(port=4444)) == []


@pytest.mark.parametrize("answer_cseq", [None, 2])
@pytest.mark.parametrize("module", [CORRECT, POOR])
def test_an_expectation_needs_the_right_answer(module: str, answer_cseq: int | None) -> None:
    """None at all, or one with another CSeq."""
    line = visit(module)
    attack(line, register(TARGET), answer_cseq)
    assert expectations(line) == []
    assert reaches(line, ATTACKER._replace(port=4444)) == []


@pytest.mark.parametrize("module", [CORRECT, POOR])
def test_no_system_port_opens(module: str) -> None:
    line = visit(module)
    attack(line, register(A._replace(port=22)))
    assert expectations(line) == []
    assert reaches(line, ATTACKER._replace(port=4444)) == []


@pytest.mark.parametrize("module", [CORRECT, POOR])
def test_a_second_address_outside_is_refused(module: str) -> None:
    line = visit(module)
    attack(line, register(TARGET))
    assert reaches(line, ACCOMPLICE) == []


@pytest.mark.parametrize("module", [CORRECT, POOR])
def test_a_later_fragment_is_never_read(module: str) -> None:
    """A TURN name so long that it is cut, and its second fragment looks like a UDP datagram with
    a REGISTER in it."""
    nat = World({"alg.sip.module": module})
    fake = register(TARGET).replace(b"/TCP", b"/UDP")
    header = b"\x13\xc4\x13\xc4" + (8 + len(fake)).to_bytes(2, "big") + b"\0\0"
    datagram = packets.udp(A, ATTACKER._replace(port=3478), b"\0" * 1472 + header + fake)
    for piece in packets.fragments(datagram, 1480):
        nat.put(Side.INSIDE, piece)
    left = nat.take_all(Side.OUTSIDE)
    assert fake in left[1].body
    assert documents.show(nat.engine, "expectations", nat.now) == []
    for port in (3389, 5060):
        made = packets.tcp(ATTACKER, Endpoint.parse(f"203.0.113.1:{port}"), SYN)
        assert nat.refuses(Side.OUTSIDE, made) is Drop.NO_MAPPING


@pytest.mark.parametrize("module", [CORRECT, POOR])
def test_there_is_no_alg_for_h323(module: str) -> None:
    nat = World({"alg.sip.module": module})
    line = Line(nat, BROWSER, ATTACKER._replace(port=1720))
    line.say(line.inner, b"\x03\x00\x00\x30\x08\x02\x00\x01\x62" + register(B))
    assert line.outer.heard == line.inner.said
    assert expectations(line) == []


@pytest.mark.parametrize("module", [CORRECT, POOR])
def test_a_true_sip_client_works(module: str) -> None:
    """It speaks SIP from the first byte on, and may be called."""
    line = visit(module)
    line.say(line.inner, register(TARGET))
    line.say(line.outer, ok(line.outer.heard))
    assert [expectation["internal"] for expectation in expectations(line)] == [str(TARGET)]
    assert reaches(line, ATTACKER._replace(port=4444)) == [TARGET]
    assert reaches(line, ACCOMPLICE) == []


@pytest.mark.parametrize("largest", [100, 536])
def test_small_segments_do_not_help(largest: int) -> None:
    """The server names a size at which the REGISTER begins a segment."""
    line = visit(CORRECT, largest)
    filler, slipped = form(3 * largest), register(TARGET)
    said = filler + slipped
    line.say(line.inner, said, *range(largest, len(said), largest))
    line.say(line.outer, HTTP)
    line.say(line.outer, ok(line.outer.heard))
    assert nothing_happened(line)


def test_nor_does_sending_again_with_other_boundaries() -> None:
    """The first time the REGISTER lies within a segment, and the second time it begins one."""
    line = visit(CORRECT)
    filler, slipped = form(700), register(TARGET)
    line.say(line.inner, filler + slipped)
    line.repeat(line.inner, len(filler), len(filler + slipped))
    line.put(line.outer, line.outer.segment(ACK, 0))
    line.say(line.outer, HTTP)
    line.say(line.outer, ok(line.outer.heard))
    assert nothing_happened(line)


def test_nor_a_lost_segment() -> None:
    """The form is lost, the REGISTER comes first, and the form again."""
    line = visit(CORRECT)
    filler, slipped = form(), register(TARGET)
    line.inner.said = filler + slipped
    line.repeat(line.inner, len(filler), len(line.inner.said))
    line.repeat(line.inner, 0, len(filler))
    line.repeat(line.inner, len(filler), len(line.inner.said))
    line.say(line.outer, HTTP)
    line.say(line.outer, ok(line.outer.heard))
    assert nothing_happened(line)


def test_a_message_that_fails_ends_the_reading_of_the_stream() -> None:
    """I-A7: SIP first, then something else, then SIP again: the last is not read."""
    line = visit(CORRECT)
    line.say(line.inner, b"\r\n\r\n" + form())
    line.say(line.inner, register(TARGET))
    line.say(line.outer, ok(line.outer.heard))
    assert nothing_happened(line)
