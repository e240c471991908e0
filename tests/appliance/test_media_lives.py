"""How long a call's media stay open (rule as-long-as-the-call): what a living dialog has agreed on
stays open whichever side sends, and ends with the dialog, with its timer, or when both ends are
silent that should not be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alg.sip.pinholes import FIRST_PACKET, SILENCE
from alg.sip.rewriting import LONGEST_LIFE
from tests.support.audit import audit
from tests.support.calls import AUDIO, IN, OUT, THEIRS, Line, announced, audio
from tests.support.sweep import sampled

HOURS = 3 * 3600
PORTS = [AUDIO.port, AUDIO.port + 1]
Sends = Callable[[Line, int], object]


def phone(line: Line, external: int) -> None:
    assert line.speaks() == external


def peer(line: Line, external: int) -> None:
    assert line.hears(external)


def both(line: Line, external: int) -> None:
    phone(line, external)
    peer(line, external)


def rtcp_of_the_peer(line: Line, external: int) -> None:
    """A stream on which nobody sends has its reports still (RFC 3264 5.1)."""
    assert line.hears(external + 1, THEIRS._replace(port=THEIRS.port + 1))


def nobody(line: Line, external: int) -> None:
    pass


def passes(line: Line, external: int, seconds: int, sends: Sends) -> None:
    """The phone keeps its signalling alive as well, as by its registration."""
    for second in range(0, seconds, 20):
        if second % 1800 == 0:
            line.send_message(OUT, "OPTIONS", "alive", second)
        sends(line, external)
        line.wait(20.0)


AGREED = [
    # the phone says in its answer, and then sends
    ("a=sendrecv", both),
    ("a=sendrecv", phone),
    ("a=sendrecv", peer),
    ("a=sendrecv", rtcp_of_the_peer),
    ("a=sendonly", phone),
    ("a=recvonly", peer),
    ("a=inactive", nobody),
    ("a=inactive", rtcp_of_the_peer),
    ("c=IN IP4 0.0.0.0", nobody),
    ("a=x-unknown", both),
]


@pytest.mark.parametrize("first", sampled([nobody, phone, peer], 3))
@pytest.mark.parametrize(("direction", "sends"), AGREED)
def test_what_is_agreed_on_stays_open_as_long_as_the_dialog(
    direction: str, sends: Sends, first: Sends
) -> None:
    """Whoever sends, and whoever has opened the flow: on the announced ports both sides can speak
    after hours, until somebody hangs up. (RFC 3264 5.1, RFC 8866 6.7)"""
    line = Line()
    external = line.calls_in("call")
    first(line, external)
    line.send_message(OUT, "INVITE", "call", 2, media=audio(AUDIO.port, direction))
    line.send_message(IN, "INVITE", "call", 2, 200, media=audio(THEIRS.port))
    line.send_message(OUT, "ACK", "call", 2)
    passes(line, external, HOURS, sends)
    assert line.open_ports() == PORTS
    assert line.hears(external)
    assert line.speaks() == external
    assert line.drops() == {}
    line.hangs_up("call", IN)
    assert line.open_ports() == []
    audit(line)


@pytest.mark.parametrize("direction", ["a=sendonly", "a=recvonly", "a=inactive"])
@pytest.mark.parametrize("way", [OUT, IN])
def test_both_sides_may_ask_for_it(direction: str, way: str) -> None:
    """A hold by the other side, and one that is over again."""
    line = Line()
    external = line.calls_out("call")
    other = IN if way == OUT else OUT
    for cseq, attribute in ((2, direction), (3, "a=sendrecv")):
        ports = (AUDIO.port, THEIRS.port) if way == OUT else (THEIRS.port, AUDIO.port)
        line.send_message(way, "INVITE", "call", cseq, media=audio(ports[0], attribute))
        line.send_message(other, "INVITE", "call", cseq, 200, media=audio(ports[1]))
        line.send_message(way, "ACK", "call", cseq)
        quiet = attribute == "a=inactive"
        passes(line, external, 3600, nobody if quiet else peer)
        assert line.hears(external)
    passes(line, external, 2 * int(SILENCE) + 20, nobody)
    assert line.open_ports() == []


def test_when_both_ends_are_gone_the_call_is_closed_after_minutes() -> None:
    """Nobody hangs up a call whose phones have died (RFC 3261 knows no other end)."""
    line = Line()
    external = line.calls_in("call")
    passes(line, external, 1000, both)
    line.wait(SILENCE - 40)
    assert line.open_ports() == PORTS
    line.wait(SILENCE + 40)
    assert line.open_ports() == []
    line.wait(300.0)
    assert not line.hears(external)
    assert line.external_ports(AUDIO.port) == []
    audit(line)


def test_a_call_on_hold_without_a_timer_is_believed_for_a_day() -> None:
    line = Line()
    line.calls_in("call", "a=inactive")
    line.wait(LONGEST_LIFE - 10)
    assert line.open_ports() == PORTS
    line.wait(20.0)
    assert line.open_ports() == []


@pytest.mark.parametrize("direction", ["a=sendrecv", "a=inactive"])
def test_a_session_timer_ends_it_unless_it_is_refreshed(direction: str) -> None:
    """RFC 4028 10: who hears no refresh in time hangs up. The answer's word counts; a refresh may
    be an UPDATE without a description (RFC 4028 7.2)."""
    line = Line()
    expires = "Session-Expires: 1800;refresher=uac\r\n"
    external = line.calls_in("call", direction, more=expires)
    passes(line, external, 900, both)
    line.send_message(IN, "UPDATE", "call", 2)
    line.send_message(OUT, "UPDATE", "call", 2, 200, headers="x: 1800\r\n")
    passes(line, external, 1780, both)
    assert line.open_ports() == PORTS
    line.wait(20.0)
    assert line.open_ports() == []
    audit(line)


def test_an_answer_without_a_timer_ends_the_timer() -> None:
    """RFC 4028 9: with no Session-Expires in the 2xx, the session does not expire."""
    line = Line()
    external = line.calls_in("call", "a=inactive", more="Session-Expires: 90\r\n")
    line.send_message(IN, "UPDATE", "call", 2)
    line.send_message(OUT, "UPDATE", "call", 2, 200)
    line.wait(2000.0)
    assert line.hears(external)


@pytest.mark.parametrize("text", ["5", "0"])
def test_a_timer_is_never_shorter_than_90_s(text: str) -> None:
    """RFC 4028 4: nobody may ask for less."""
    line = Line()
    line.calls_in("call", more=f"Session-Expires: {text}\r\n")
    line.wait(89.0)
    assert line.open_ports() == PORTS


def test_a_second_stream_and_the_reports_live_with_the_first() -> None:
    """Muted video, and RTCP that nobody sends: what is silent is the call, or it is not."""
    line = Line()
    line.send_message(IN, "INVITE", "call", 1, media=audio(THEIRS.port))
    text = line.send_message(
        OUT, "INVITE", "call", 1, 200, media=audio(AUDIO.port) + "m=video 7010 RTP/AVP 31\r\n"
    )
    passes(line, announced(text), HOURS, peer)
    assert line.open_ports() == [*PORTS, 7010, 7011]


def test_a_call_that_rings_long_finds_its_ports_when_it_is_answered() -> None:
    """RFC 3261 13.3.1.1: 180 is repeated each minute."""
    line = Line()
    external = announced(line.send_message(OUT, "INVITE", "call", 1, media=audio(AUDIO.port)))
    for _ in range(8):
        line.send_message(IN, "INVITE", "call", 1, 180)
        line.wait(60.0)
    line.send_message(IN, "INVITE", "call", 1, 200, media=audio(THEIRS.port))
    assert line.hears(external)
    line.wait(SILENCE - 1)
    assert line.open_ports() == PORTS


def test_an_offer_that_nobody_answers_waits_three_minutes() -> None:
    line = Line()
    line.send_message(OUT, "INVITE", "call", 1, media=audio(AUDIO.port))
    line.wait(FIRST_PACKET - 1)
    assert line.open_ports() == PORTS
    line.wait(2.0)
    assert line.open_ports() == []


def test_a_hold_that_is_refused_changes_nothing() -> None:
    """488: the running streams go on, and so does the watch on their silence (RFC 3261 14.1)."""
    line = Line()
    line.calls_in("call")
    line.send_message(OUT, "INVITE", "call", 2, media=audio(AUDIO.port, "a=inactive"))
    line.send_message(IN, "INVITE", "call", 2, 488)
    line.wait(2 * SILENCE + 1)
    assert line.open_ports() == []


# --- another module in the slot ------------------------------------------------------------------


@pytest.mark.parametrize("observe", [True, False])
@pytest.mark.parametrize("module", ["off", "sip-poor", "sip-poor:pinhole-leak"])
@pytest.mark.parametrize("way", [OUT, IN])
def test_who_sees_the_bye_closes_what_an_earlier_module_has_opened(
    module: str, way: str, observe: bool
) -> None:
    """Rule closed-with-the-call."""
    line = Line({"alg.sip.observe": observe})
    external = line.calls_in("call")
    line.set("alg.sip.module", module)
    peer(line, external)
    assert line.open_ports() == PORTS
    line.hangs_up("call", way)
    assert line.open_ports() == []
    assert not line.hears(external)
    audit(line)


def test_the_active_module_closes_its_own_or_forgets_to() -> None:
    """The fault `pinhole-leak` leaves open what it has opened itself: whoever watches beside it
    must not mend it."""
    line = Line({"alg.sip.module": "sip-poor:pinhole-leak"})
    line.calls_in("call")
    line.hangs_up("call")
    assert line.open_ports() == PORTS


@pytest.mark.parametrize("observe", [True, False])
def test_a_refused_re_invite_does_not_end_a_call_that_an_earlier_module_knew(observe: bool) -> None:
    """RFC 3261 14.1, 22.2: a 401 to a re-INVITE asks for a password, and the call goes on."""
    line = Line({"alg.sip.observe": observe})
    external = line.calls_out("call")
    line.set("alg.sip.module", "off")
    line.send_message(OUT, "INVITE", "call", 2, media=audio(AUDIO.port))
    line.send_message(IN, "INVITE", "call", 2, 401)
    assert line.open_ports() == PORTS
    assert line.hears(external)


def test_a_phone_that_signs_off_under_another_module_is_signed_off() -> None:
    """RFC 3261 10.2.2: a REGISTER with Expires 0."""
    line = Line()
    for cseq, seconds in ((1, 600), (2, 0)):
        expires = f"Expires: {seconds}\r\n"
        line.send_message(OUT, "REGISTER", "registration", cseq, headers=expires)
        contact = str(line.external) if seconds else ""
        line.send_message(IN, "REGISTER", "registration", cseq, 200, "", expires, contact)
        assert len(line.show("expectations")) == (cseq == 1)
        line.set("alg.sip.module", "off")
