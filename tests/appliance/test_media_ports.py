"""What is announced for media is where it leaves from and where it is let in, whatever the phone's
ports were used for before: one internal port has one external one (invariant I-M3)."""

from __future__ import annotations

import pytest

from appliance.journal.events import FlowExpired, MessagePassed
from tests.support.audit import audit
from tests.support.calls import AUDIO, PHONE, THEIRS, Line, announced, audio
from tests.support.packets import B

RTP, RTCP = AUDIO.port, AUDIO.port + 1


def talks_for(line: Line, seconds: int, external: int) -> int:
    """Both sides send every ten seconds; how many packets of the other side were heard."""
    heard = 0
    for _ in range(0, seconds, 10):
        assert line.speaks() == external
        heard += line.hears(external)
        line.wait(10.0)
    return heard


def neighbour_is_taken(line: Line) -> None:
    """The audio has left from its own port, and the port above belongs to somebody else."""
    assert line.speaks() == RTP
    line.takes(B, RTCP)


def earlier_call(line: Line) -> None:
    """A call is over, its audio's flow is not, and its RTCP port went to somebody else."""
    external = line.calls_in("first")
    assert line.speaks() == external
    line.hears(external)
    line.hangs_up("first")
    line.wait(130.0)  # its port has rested
    line.takes(B, external + 1)
    assert line.external_ports(RTP) == [external]


def off_and_on(line: Line) -> None:
    """The audio of a call that was made without an ALG is still under way."""
    line.set("alg.sip.module", "off")
    line.calls_in("first")
    neighbour_is_taken(line)
    line.set("alg.sip.module", "sip")


def rtcp_first(line: Line) -> None:
    """The phone sends RTCP before its answer, and the port below belongs to somebody else."""
    line.takes(B, RTP)
    line.speaks(RTCP, THEIRS._replace(port=THEIRS.port + 1))


BEFORE = [neighbour_is_taken, earlier_call, off_and_on, rtcp_first]


@pytest.mark.parametrize("ports", ["preserve", "sequential"])
@pytest.mark.parametrize("mapping", ["endpoint-independent", "address-and-port-dependent"])
@pytest.mark.parametrize("before", [None, *BEFORE])
def test_the_phone_is_heard_and_hears_at_the_announced_ports_after_180_s_too(
    before: object, mapping: str, ports: str
) -> None:
    line = Line({"nat.mapping": mapping, "nat.ports": ports if before is None else "preserve"})
    if callable(before):
        before(line)
    external = line.calls_in("call")
    theirs = THEIRS._replace(port=THEIRS.port + 1)
    assert line.speaks(RTCP, theirs) == external + 1
    assert line.hears(external + 1, theirs)
    assert talks_for(line, 200, external) == 20
    assert line.speaks(RTCP, theirs) == external + 1
    assert line.external_ports(RTP) == [external]
    assert line.external_ports(RTCP) == [external + 1]
    assert line.drops() == {}
    audit(line)


@pytest.mark.parametrize("before", BEFORE)
def test_what_comes_first_from_outside_finds_the_announced_port(before: object) -> None:
    """The other side sends before the phone has sent again; the phone's flow moves with it."""
    line = Line()
    assert callable(before)
    before(line)
    external = line.calls_in("call")
    assert line.hears(external)
    assert line.speaks() == external
    audit(line)


def test_rtcp_is_announced_on_the_port_that_it_uses() -> None:
    """RFC 3605 2.1: with the port below taken, and RTCP's port written out, nothing needs to move
    that has been announced."""
    line = Line()
    used = line.speaks(RTCP, THEIRS._replace(port=THEIRS.port + 1))
    external = line.calls_in("call")
    assert external + 1 == used == line.speaks(RTCP, THEIRS._replace(port=THEIRS.port + 1))


def test_two_pairs_that_overlap_are_neighbours_outside_too() -> None:
    """`map_pair(14255)` and then `map_pair(14254)`: three ports, and none of them twice."""
    line = Line()
    assert line.calls_in("odd", port=14255) == 14255
    assert line.calls_in("even", port=14254) == 14254
    assert [line.external_ports(port) for port in (14254, 14255, 14256)] == [
        [14254],
        [14255],
        [14256],
    ]


def test_a_port_that_was_announced_never_moves() -> None:
    """The first call is running; the second one's pair would need its port with another neighbour,
    and that one is taken."""
    line = Line()
    line.takes(B, 14254)
    first = line.calls_in("odd", port=14255)
    line.calls_in("even", port=14254)
    assert line.external_ports(14255) == [first]
    assert line.hears(first)
    audit(line)


@pytest.mark.parametrize("before", [neighbour_is_taken, earlier_call, rtcp_first])
def test_a_prediction_is_what_happens(before: object) -> None:
    """The correct module beside `off` announces what it would announce in its place, and the same
    when the message is repeated."""
    ports = []
    for module in ("sip", "off"):
        line = Line()
        assert callable(before)
        before(line)
        line.set("alg.sip.module", module)
        offer = {"media": audio(RTP)}
        for _ in range(2):
            text = line.send_message("out", "INVITE", "call", 1, **offer)
            ports.append(announced(text) if module == "sip" else expected_port(line))
    assert len(set(ports)) == 1, ports


def expected_port(line: Line) -> int:
    """What the correct module would have written into the m= line of the last message."""
    *_, passed = line.told(MessagePassed)
    (change,) = (each for each in passed.changes if each.field == "sdp.m.port")
    assert change.verdict == "missed"
    return int(change.expected)


def test_a_flow_that_moves_is_told_so() -> None:
    """It ends at the old port, and begins anew at the announced one with the next packet."""
    line = Line()
    neighbour_is_taken(line)
    line.calls_in("call")
    assert [(flow["internal"], flow["state"]) for flow in line.show("flows")] == [
        (str(PHONE), "answered"),
        (f"{B}:{RTCP}", "unanswered"),
    ]
    (expired,) = line.told(FlowExpired)
    assert (expired.internal, expired.why) == (str(AUDIO), "replaced")


def test_a_stream_over_udp_that_is_no_rtp_has_its_port_too() -> None:
    """RFC 8856 (UDP/BFCP), beside audio and at the same c= line. It has no RTCP."""
    line = Line()
    line.takes(B, 7010)
    floor = "m=application 7010 UDP/BFCP *\r\n"
    text = line.send_message("out", "INVITE", "call", 1, media=audio(RTP) + floor)
    theirs = THEIRS._replace(port=9050)
    assert "m=application 7012 UDP/BFCP" in text
    assert line.hears(7012, theirs)
    assert line.speaks(7010, theirs) == 7012
    assert line.open_ports() == [RTP, RTCP, 7010]
