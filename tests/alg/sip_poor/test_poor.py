"""The poor module is the correct one, but for the faults that are switched on."""

from __future__ import annotations

from typing import Any

import pytest

from alg.base import Edit, Edits, Reading, Refuse
from alg.fault import Fault, UnknownFault
from alg.sip.correct import Sip
from alg.sip_poor.aim import AimError
from alg.sip_poor.case import Case
from alg.sip_poor.faults import FAULTS
from alg.sip_poor.poor import SipPoor
from tests.support.sweep import sampled

ON_MESSAGES = [name for name, fault in FAULTS.items() if fault.acts_on_messages]
"""The others act in the NAT or on streams: for a single message they are the correct module."""

INVITE = """
INVITE sip:bob@203.0.113.9 SIP/2.0
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1
From: <sip:a@192.168.20.100>;tag=1
To: <sip:b@203.0.113.9>
Call-ID: 1@192.168.20.100
CSeq: {cseq} INVITE
Contact: <sip:a@192.168.20.100:5060>
Content-Type: application/sdp
Content-Length: ?

v=0
o=- 1 1 IN IP4 192.168.20.100
s=-
c=IN IP4 192.168.20.100
t=0 0
m=audio 4000 RTP/AVP 0
"""


def test_without_faults_it_is_the_correct_one(conversation: Any) -> None:
    right, poor = (conversation(module, "203.0.113.1:1024") for module in (Sip(), SipPoor()))
    assert poor.out(INVITE) == right.out(INVITE)
    assert poor.open == right.open


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        ("callid-oneway@method=INVITE", [True, True, True]),
        ("callid-oneway@method=invite@direction=out", [True, True, True]),
        ("callid-oneway@method=BYE", [False, False, False]),
        ("callid-oneway@direction=in", [False, False, False]),
        ("callid-oneway@code=200", [False, False, False]),
        ("callid-oneway@nth=2", [False, True, False]),
    ],
)
def test_a_fault_happens_where_it_is_aimed(conversation: Any, fault: str, hit: list[bool]) -> None:
    talk = conversation(SipPoor([fault]), "203.0.113.1:1024")
    sent = [talk.out(INVITE.format(cseq=cseq)) for cseq in (1, 2, 3)]
    assert [b"Call-ID: 1@203.0.113.1" in message for message in sent] == hit


def test_a_message_that_was_refused_has_been_counted(conversation: Any) -> None:
    """So that the repetition of the second one is the third."""
    talk = conversation(SipPoor(["lowport-drop@nth=2"]), "203.0.113.1:1024")
    text = INVITE.format(cseq=1).replace("audio 4000", "audio 22")
    assert [bool(talk.out(text)) for _ in range(4)] == [True, False, True, True]


def test_it_explains_the_correct_edits_as_the_correct_one_does() -> None:
    assert SipPoor().explain("via") == Sip().explain("via")
    with pytest.raises(KeyError):
        SipPoor().explain("nobody")


def test_edits_that_cannot_be_made_are_not_sent(
    conversation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 4: a module that lies never stops the NAT, not even this one."""

    def overlap(case: Case) -> None:
        case.edits += [Edit(0, 9, b"x", "f", "r"), Edit(5, 12, b"y", "f", "r")]

    clumsy = Fault("clumsy", "Does.", "nowhere", "Breaks.", "Here.", "RFC 0", spoil=overlap)
    monkeypatch.setitem(FAULTS, "clumsy", clumsy)
    talk = conversation(SipPoor(["clumsy"]), "203.0.113.1:1024")
    talk.out(INVITE.format(cseq=1))
    assert talk.edited == {}


def test_what_is_in_no_message_cannot_be_aimed() -> None:
    for name in ("no-hairpin", "tcp-slip"):
        with pytest.raises(AimError, match="in no message"):
            SipPoor([f"{name}@method=INVITE"])


def test_decisions_and_manners_of_several_faults_come_together() -> None:
    module = SipPoor(["split-wan", "remap-on-new-flow", "tcp-slip", "tcp-no-seqadj", "no-sdp"])
    assert set(module.decisions) == {"external_address", "serves", "port"}
    assert module.manners == (True, False, True)


def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(UnknownFault, match="no-such"):
        SipPoor(["no-such"])


@pytest.mark.parametrize("fault", sampled(ON_MESSAGES, 6))
def test_no_fault_ever_raises_or_edits_what_it_cannot_read(
    conversation: Any, on_the_wire: Any, fault: str
) -> None:
    """Even the poor module keeps promise 4, wherever a message was cut off."""
    for cut in (0, 9, 60, 200, 330, -2):
        talk = conversation(SipPoor([fault]), "203.0.113.1:1024")
        message = on_the_wire(INVITE.format(cseq=1))[:cut]
        sent = talk.out(message)
        if isinstance(talk.answer, Refuse):
            assert talk.answer.rule == fault, cut
        else:
            assert sent == message, cut
            assert talk.reading is not Reading.MESSAGE, cut


@pytest.mark.parametrize("second", sampled(ON_MESSAGES, 6))
def test_faults_can_be_combined(conversation: Any, second: str) -> None:
    for first in ("replace-all", "no-sdp", "own-via", "foreign-mangled"):
        talk = conversation(SipPoor([first, second]), "203.0.113.1:1024")
        sent = talk.out(INVITE.format(cseq=1))
        assert isinstance(talk.answer, Edits), first
        assert talk.answer.edits or second == "tls-blind", first
        head, _, body = sent.partition(b"\r\n\r\n")
        is_right = b"Content-Length: %d" % len(body) in head
        assert is_right or second == "content-length-stale", first
