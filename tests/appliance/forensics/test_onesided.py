"""One capture alone: what it tells, and that it is one."""

from __future__ import annotations

from appliance.forensics.onesided import are_the_same, sentences
from nat.endpoint import Side
from tests.appliance.forensics.situations import captured, offer, request
from tests.appliance.forensics.test_sides import R, Row, X, conversation, tape
from tests.support.packets import A, udp

SIP = [5060]


def test_two_captures_of_one_side_are_known_by_their_packets() -> None:
    inside, outside = conversation()
    assert are_the_same(tape(*inside), tape(*inside[3:]))
    assert not are_the_same(tape(*inside), tape(*outside))


def test_a_router_that_lets_packets_pass_as_they_are_is_between_two_captures() -> None:
    """RFC 1812 5.3.1: it lowers the TTL of what it forwards."""
    tapes, _ = captured("born", "sip-poor:born-unnatted")
    assert not are_the_same(*tapes)


def test_outside_alone_tells_which_lines_have_private_addresses() -> None:
    """Not the Call-ID, which means no address (RFC 3261 8.1.1.4)."""
    asked = request("INVITE", offer()).replace(A.encode(), b"192.168.20.10")
    rows: list[Row] = [(0.0, udp(f"{X}:5060", f"{R}:5060", asked)), (1.0, conversation(1)[1][0][1])]
    said = [*sentences(tape(*rows), Side.OUTSIDE, SIP)]
    assert said[0] == "outside: 2 packets between 2 pairs of endpoints, 1 message"
    assert said[1].startswith("1 message outside with private addresses, in ")
    assert "c 192.168.20.10" in said[1]
    assert "Call-ID" not in said[1]
    assert said[-1].startswith("There is nothing of the inside")
    clean = [*sentences(tape(rows[1]), Side.OUTSIDE, SIP)]
    assert clean[1] == "No message outside has a private address."


def test_inside_alone_tells_what_answers_call_the_router() -> None:
    """RFC 3581 4: the server says by `received` from where a request came."""
    answer = (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.168.20.10;received=203.0.113.1;rport=5060\r\n\r\n"
    )
    said = [*sentences(tape((0.0, udp(f"{R}:5060", f"{A}:5060", answer))), Side.INSIDE, SIP)]
    assert said[1] == "Answers call the router 203.0.113.1 outside."
    assert said[-1].startswith("There is nothing of the outside")
