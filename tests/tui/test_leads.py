"""From a field to its mapping, to what a party made of it, and to its fault."""

from __future__ import annotations

import pytest

from appliance.journal.events import Change, MessageDiscarded, MessagePassed, PartyLearnt
from tests.tui.stories import (
    AUDIO,
    EXTERNAL,
    PHONE,
    SETTINGS,
    changes,
    flow,
    invite,
    message,
    one_way_audio,
)
from tests.tui.test_model import told
from tui import leads
from tui.model import Frame

SIGNALLING, VOICE, VIDEO = flow(), AUDIO, flow(3, internal="192.168.20.101:4002")
TWO_MEDIA = (
    "INVITE sip:bob@203.0.113.9 SIP/2.0\r\n\r\n"
    "v=0\r\no=- 1 1 IN IP4 192.168.20.100\r\ns=-\r\nc=IN IP4 192.168.20.100\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 96\r\nc=IN IP4 192.168.20.101\r\n"
)


def field(text: str, name: str, after: str, value: str) -> Change:
    """A field that stands behind `after`."""
    start = text.rindex(after) + len(after)
    return Change(name, (start, start + len(value)), value, value, None, "missed", "", "", "")


@pytest.mark.parametrize("module", ["off", "sip"])
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("via.sent-by", "flow 1"),
        ("contact.host", "flow 1"),
        ("sdp.o", "flow 1"),
        ("sdp.c", "flow 2"),
        ("sdp.m", "flow 2"),
    ],
)
def test_an_address_for_media_is_about_the_mapping_of_the_media(
    module: str, name: str, key: str
) -> None:
    """RFC 8866 5.7: the c= line says where the media of the m= lines is to be sent."""
    model = told(invite(module))
    model.take(Frame(12.0, (), [SIGNALLING, VOICE], (), SETTINGS))
    (change,) = (each for each in changes(module) if each.field == name)
    assert leads.mapping(model, invite(module), change) == key


def test_a_c_line_of_its_own_counts_for_one_medium_alone() -> None:
    """RFC 8866 5.7: it overrides that of the session."""
    event = message(TWO_MEDIA, "INVITE", "out")
    model = told(event)
    model.take(Frame(12.0, (), [SIGNALLING, VIDEO, VOICE], (), SETTINGS))
    found = [
        leads.mapping(model, event, field(TWO_MEDIA, name, after, value))
        for name, after, value in (
            ("sdp.c", "s=-\r\nc=IN IP4 ", "192.168.20.100"),
            ("sdp.c", "c=IN IP4 ", "192.168.20.101"),
            ("sdp.m", "m=video ", "4002"),
        )
    ]
    assert found == ["flow 2", "flow 3", "flow 3"]


def test_before_there_is_a_mapping_of_the_media_none_is_named() -> None:
    model = told(invite())
    model.take(Frame(12.0, (), [SIGNALLING], (), SETTINGS))
    assert leads.mapping(model, invite(), changes("off")[3]) == ""


def learnt(name: str, cause: int) -> PartyLearnt:
    return PartyLearnt(
        id=40, cause=cause, party="bob", does="sends audio to", target=PHONE, field=name
    )


def discarded(name: str, summary: str, cause: int) -> MessageDiscarded:
    return MessageDiscarded(
        id=41, cause=cause, party="alice", summary=summary, reason="not hers", field=name
    )


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("contact.host", 1),
        ("sdp.c.address", 2),
        ("call-id", 3),  # nobody stumbles over the request, and its sender over the answer
        ("sdp.o.address", None),  # RFC 8866 5.2: it names the session
        ("via.host", None),
    ],
)
def test_a_party_acted_on_the_field_that_it_names(name: str, number: int | None) -> None:
    model = told(
        invite(),
        learnt("contact", 5),
        learnt("sdp", 5),
        discarded("call-id", "200 OK (INVITE)", 9),
    )
    assert leads.act(model, invite(), name) == number


def test_the_answer_to_a_message_is_of_its_own_call_and_comes_back() -> None:
    model = told(*one_way_audio())
    answer = leads.answer(model, invite())
    assert answer is not None
    assert answer.event.summary == "100 Trying (INVITE)"
    assert leads.answer(model, answer.event) is None


@pytest.mark.parametrize(
    ("rule", "verdict", "bitten", "fault"),
    [
        ("via-reversed", "wrong", ["no-sdp", "via-reversed"], "via-reversed"),
        ("sdp-connection", "missed", ["no-sdp"], "no-sdp"),
        ("sdp-connection", "missed", [], ""),
        ("via", "ok", ["no-sdp"], ""),
    ],
)
def test_the_fault_of_a_field_is_one_that_has_bitten_the_message(
    rule: str, verdict: str, bitten: list[str], fault: str
) -> None:
    """Promise 7."""
    event: MessagePassed = invite()
    event.bitten = bitten
    change = Change("f", (0, 1), PHONE, PHONE, EXTERNAL, verdict, rule, "", "")
    assert leads.fault(event, change) == fault
