"""Whole sentences about what matters now, the cause first, and one about what to try."""

from __future__ import annotations

import pytest

from appliance.journal.events import (
    NAT,
    AlgError,
    CallOutcome,
    Cause,
    Change,
    Event,
    MessageAccepted,
    MessagePassed,
    SettingChanged,
)
from appliance.sim.knobs import Remedy
from tests.tui.draw.test_translations import dropped
from tests.tui.stories import SETTINGS, ended, invite, message, one_way_audio
from tests.tui.test_model import told, unread
from tui.draw.lines import plain
from tui.draw.why import (
    GOES_BY_THE_SOURCE,
    Reason,
    advice,
    because,
    deciding,
    folded,
    is_harmless,
    place_that_matters,
)
from tui.model import Model

DEED = (
    "The ALG is off: 192.168.20.100 stays in the c= line of the INVITE, "
    "where a correct ALG writes 203.0.113.1."
)
LEFT = (
    "The ALG is off: 192.168.20.100 stays in the c= line of the INVITE; "
    "whether anybody minds will show."
)
"""The same while nothing has failed."""
WELL = CallOutcome(outcome="both-ways", sentence="both ways", evidence={})
BLAMED = CallOutcome(
    outcome="one-way-audio",
    sentence="one way",
    evidence={},
    causes=[Cause(DEED, NAT, 5, "sdp.c", "sdp.c")],
)
SYMPTOM = "alice hears nothing of bob: no route to 192.168.20.100."


def why(model: Model) -> list[str]:
    return [reason.text for reason in because(model, model.worth_showing())]


def test_lost_audio_is_followed_back_to_the_field_and_the_link_is_marked_as_inferred() -> None:
    assert why(told(*one_way_audio())) == [f"{DEED} (inferred)", SYMPTOM]


def test_the_causes_that_the_outcome_tells_are_told_in_their_order() -> None:
    end = ended()
    end.causes = [Cause("the first.", "NAT"), Cause("bob does it.", "bob", inferred=True)]
    assert why(told(*one_way_audio(), end)) == ["The first.", "bob does it. (inferred)"]


def test_no_sentence_has_names_of_fields_or_arrows() -> None:
    for sentence in why(told(*one_way_audio())):
        assert "<" not in sentence
        assert "sdp." not in sentence


def test_a_chain_that_cannot_be_closed_invents_nothing() -> None:
    """Promise 7."""
    events = [event for event in one_way_audio() if event.__class__.__name__ == "MediaStats"]
    assert why(told(*events)) == [SYMPTOM]


def test_without_audio_the_worst_field_of_the_message_speaks() -> None:
    assert why(told(invite())) == [
        LEFT,
        "The peer will send audio to an address that it cannot reach.",
    ]


def left(field: str) -> MessagePassed:
    """A REGISTER in which it was left as it was."""
    row = Change(field, (0, 1), "a", "a", "b", "missed", field, "It leads nowhere.", "")
    return message("a", "REGISTER", "out", changes=[row])


def test_where_calls_will_go_is_not_foretold() -> None:
    """Promise 7: many servers call where a REGISTER came from, whatever Contact says."""
    assert why(told(left("contact.host"))) == [
        "The ALG is off: a stays in the Contact of the REGISTER; whether anybody minds will show."
    ]


def test_a_server_that_goes_by_the_source_does_not_mind_a_via() -> None:
    """Promise 7, RFC 3581 4."""
    said = "The ALG is off: a stays in the Via of the REGISTER; whether anybody minds will show."
    assert why(told(left("via.host"))) == [said, "It leads nowhere."]
    answer = message("x", "200 OK (REGISTER)", "in", number=7)
    answer.note = f"the ALG was off; {GOES_BY_THE_SOURCE}, so its answers need no ALG"
    story = told(left("via.host"), answer)
    assert [each.text for each in because(story, story.messages[0])] == [
        said,
        "This server answers where requests come from.",
    ]


def test_what_was_done_right_is_said_too() -> None:
    """Promise 7."""
    assert why(told(invite("sip"))) == [
        "In message 1 INVITE 5 fields were rewritten, each as it must be."
    ]
    single = invite("sip")
    single.changes = single.changes[:1]
    assert why(told(single)) == ["In message 1 INVITE one field was rewritten, as it must be."]
    ack = message("x", "ACK", "out")
    assert why(told(ack)) == ["Message 1 ACK passed unchanged."]
    accepted = MessageAccepted(party="bob", summary="ACK", does="talking", cause=ack.id)
    assert why(told(ack, accepted)) == ["Message 1 ACK passed unchanged. bob accepts it: talking."]
    assert why(told()) == ["No message has passed an ALG yet."]


def test_where_no_message_passed_a_flow_that_nobody_reads_is_the_reason() -> None:
    hint = unread(setting="alg.sip.ports", value="5060,5070")
    assert why(told(hint)) == [
        "192.168.20.100:5061 to 203.0.113.9:5061: nobody reads it; set alg.sip.ports 5060,5070."
    ]


def test_a_module_that_failed_comes_first() -> None:
    failed = AlgError(alg="sip", module="my.py:X", error="KeyError: 'via'")
    assert why(told(invite(), failed))[0].startswith("The module my.py:X failed: KeyError: 'via'")


def test_a_bad_outcome_without_causes_is_told_with_what_may_have_led_to_it() -> None:
    failed = CallOutcome(outcome="not-reached", sentence="not reached: no answer", evidence={})
    assert why(told(invite(), failed)) == [f"{DEED} (inferred)", "Not reached: no answer."]
    assert why(told(message("x", "ACK", "out"), failed)) == ["Not reached: no answer."]


def test_where_everybody_is_heard_a_missed_field_is_harmless() -> None:
    """Promise 7."""
    well = CallOutcome(outcome="both-ways", sentence="both ways", evidence={})
    assert why(told(invite(), well)) == ["The ALG is off, and none is needed: everybody is heard."]
    poor = invite("off")
    poor.module = "sip-poor:no-sdp"
    (said,) = why(told(poor, well))
    assert said.endswith("it is harmless here: everybody is heard.")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([invite()], "The ALG was off: 192.168.20.100 stayed in the c= line of the INVITE; "),
        (one_way_audio(), "The ALG was off: 192.168.20.100 stayed in the c= line of the INVITE, "),
        ([invite(), BLAMED], "The ALG was off: 192.168.20.100 stayed in the c= line of the INVITE"),
        ([invite(), WELL], "The ALG was off, and none was needed: everybody was heard."),
        ([message("x", "ACK", "out")], "Message 1 ACK passed unchanged."),
    ],
)
def test_of_messages_of_before_another_alg_is_not_spoken_as_of_now(
    events: list[Event], said: str
) -> None:
    """Promise 7: beside the name of the ALG that is there now."""
    model = told(*events)
    model.settings = SETTINGS | {"alg.sip.module": "sip"}
    assert why(model)[0].startswith(said)


def test_a_dropped_packet_is_news_for_a_moment() -> None:
    story = told(invite(), dropped("FILTERED", 5.0))
    story.now = 6.0
    assert why(story)[0].startswith("Dropped a packet on the outside, 198.51.100.7:9 to 203.0.")
    story.now = 9.0
    assert why(story)[0] == LEFT


def test_a_packet_that_is_not_ipv4_is_no_news() -> None:
    """Kernels look for IPv6 routers on every wire; that must not hide why nobody hears anybody."""
    story = told(invite(), dropped("not-ipv4", 5.0))
    story.now = 5.0
    assert why(story)[0] == LEFT


def test_a_packet_that_could_not_be_read_has_no_addresses() -> None:
    drop = dropped("malformed", 5.0)
    drop.source = drop.destination = "0.0.0.0"
    story = told(invite(), drop)
    story.now = 5.0
    assert why(story)[0].startswith("Dropped a packet on the outside:")


def test_a_dropped_ipv6_packet_is_told_with_both_ends() -> None:
    drop = dropped("FILTERED", 5.0)
    drop.source, drop.destination = "[2001:db8::7]:9", "[2001:db8:113::1]:5060"
    story = told(invite(), drop)
    story.now = 5.0
    assert why(story)[0].startswith(
        "Dropped a packet on the outside, [2001:db8::7]:9 to [2001:db8:113::1]:5060:"
    )
    drop.source = drop.destination = "[::]:0"
    assert why(story)[0].startswith("Dropped a packet on the outside:")


def test_the_address_that_calls_are_sent_to_does_more_harm_than_the_way_back() -> None:
    faults = [
        Change(field, (0, 1), "a", "a", "b", "missed", field, "Why.", "")
        for field in ("via.host", "contact.host")
    ]
    story = told(message("abc", "REGISTER", "out", changes=faults))
    assert len(why(story)) == 1
    assert "stays in the Contact of the REGISTER" in why(story)[0]


# --- the field that decides -----------------------------------------------------------------------


def test_the_deciding_field_is_the_one_that_the_outcome_names() -> None:
    end = ended()
    end.causes = [Cause("x", "NAT", 5, "contact.host"), Cause("y", "bob", 5, "sdp.c")]
    story = told(*one_way_audio(), end)
    first, second, *_ = story.messages
    assert (deciding(story, first), deciding(story, second)) == ("contact.host", "")
    assert place_that_matters(story, first) == "contact.host"
    assert is_harmless(story, second)
    assert story.worth_showing() == first


def test_before_the_outcome_lost_audio_points_at_the_worst_field() -> None:
    story = told(*one_way_audio())
    assert deciding(story, story.messages[0]) == "sdp.c"
    quiet = told(invite("off"))
    assert deciding(quiet, quiet.messages[0]) == ""
    assert place_that_matters(quiet, quiet.messages[0]) == "sdp.c"


def test_where_everybody_is_heard_nothing_decides_and_nothing_did_harm() -> None:
    """Promise 7."""
    end = CallOutcome(outcome="both-ways", sentence="both ways", evidence={})
    story = told(invite("off"), end)
    assert deciding(story, story.messages[0]) == ""
    assert is_harmless(story, story.messages[0])


def test_where_somebody_is_heard_on_hold_no_field_is_called_harmless() -> None:
    sentence = "both ways: alice hears bob; on hold, alice still hears bob (76)"
    end = CallOutcome(outcome="both-ways", sentence=sentence, evidence={})
    story = told(invite("sip-poor:no-sdp"), end)
    (reason,) = because(story, story.messages[0])
    assert "harmless" not in reason.text
    assert reason.text.endswith("everybody is heard, also who is on hold.")


# --- what to try ----------------------------------------------------------------------------------


def test_advice_leads_from_trouble_to_the_correct_alg_and_a_new_run() -> None:
    story = told(*one_way_audio())
    story.settings = SETTINGS
    assert (
        advice(story, live=False).plain == "▌TRY a c puts the correct ALG in, then r runs it again."
    )
    assert advice(story, live=True).plain == "▌TRY a c puts the correct ALG in."
    story.fold(SettingChanged(key="alg.sip.module", old="off", new="sip", who="screen"))
    assert advice(story, live=False).plain == "▌TRY r runs this again from T+0 with ALG sip."


def test_what_was_tried_and_helps_is_named_in_the_place_of_the_alg() -> None:
    story = told(*one_way_audio(), ended())
    story.settings = SETTINGS
    tried = [Remedy("Mend the server.", {"parties.pbx.comedia": True}, "both-ways")]
    said = advice(story, live=False, remedies=tried).plain
    assert said == "▌TRY Mend the server. x does that and runs again."
    half = [tried[0]._replace(outcome="one-way-audio")]
    said = advice(story, live=False, remedies=half).plain
    assert said == "▌TRY Mend the server. x does that and runs again: ONE-WAY AUDIO"
    assert "a c" in advice(story, live=False, remedies=[]).plain


# --- folding --------------------------------------------------------------------------------------


def test_each_sentence_begins_in_a_row_of_its_own() -> None:
    reasons = [Reason("one two three."), Reason("four.")]
    assert plain(folded(reasons, 13, 9)) == ["▌WHY one two", "▌    three.", "▌    four."]


def test_what_has_no_room_is_left_out_as_a_whole_and_counted() -> None:
    reasons = [Reason("one two three."), Reason("four five six."), Reason("seven.")]
    assert plain(folded(reasons, 30, 2)) == ["▌WHY one two three.", "▌    … and 2 more: w"]
    assert len(folded(reasons, 30, 3)) == 3


def test_the_first_sentence_is_whole_whatever_room_there_is() -> None:
    """Half a reason is none; only what may be a flood from the wire has an end."""
    said = [Reason("one two three four"), Reason("five")]
    rows = ["▌WHY one two", "▌    three", "▌    four", "▌    … and 1…"]
    assert plain(folded(said, 13, 2)) == rows
    flood = plain(folded([Reason("one two " * 99)], 13, 2))
    assert (len(flood), flood[-1]) == (8, "▌    one two…")
