"""One sentence about what matters now, and one about what to try."""

from __future__ import annotations

from appliance.journal.events import AlgError, CallOutcome, Change, SettingChanged
from tests.tui.draw.test_translations import dropped
from tests.tui.stories import SETTINGS, invite, message, one_way_audio
from tests.tui.test_model import told
from tui.draw.lines import plain
from tui.draw.why import advice, because, sentence
from tui.model import Model


def why(model: Model) -> str:
    return because(model, model.worth_showing())


def test_lost_audio_is_followed_back_to_the_field_and_the_alg() -> None:
    assert why(told(*one_way_audio())) == (
        "alice hears nothing of bob: no route to 192.168.20.100 "
        "< sdp.c of message 1 INVITE < ALG off"
    )


def test_a_chain_that_cannot_be_closed_invents_nothing() -> None:
    """Promise 7."""
    events = [event for event in one_way_audio() if event.__class__.__name__ == "MediaStats"]
    said = why(told(*events))
    assert said == "alice hears nothing of bob: no route to 192.168.20.100"


def test_without_audio_the_worst_field_of_the_message_speaks() -> None:
    assert why(told(invite())).startswith("message 1 INVITE: sdp.c missed. The peer will send")


def test_what_was_done_right_is_said_too() -> None:
    """Promise 7."""
    assert why(told(invite("sip"))).startswith("message 1 INVITE: 5 fields rewritten, each")
    assert why(told(message("x", "ACK", "out"))) == "message 1 ACK passed unchanged."
    assert why(told()) == "No message has passed an ALG yet."


def test_a_module_that_failed_comes_first() -> None:
    failed = AlgError(alg="sip", module="my.py:X", error="KeyError: 'via'")
    assert why(told(invite(), failed)).startswith("The module my.py:X failed: KeyError: 'via'")


def test_a_bad_outcome_without_audio_is_followed_back_too() -> None:
    failed = CallOutcome(outcome="not-reached", sentence="not reached: no answer", evidence={})
    said = why(told(invite(), failed))
    assert said.startswith("not reached < sdp.c of message 1 INVITE < ALG off: The peer will send")
    assert why(told(message("x", "ACK", "out"), failed)) == "not reached: no answer"


def test_where_everybody_is_heard_a_missed_field_is_harmless() -> None:
    """Promise 7."""
    well = CallOutcome(outcome="both-ways", sentence="both ways", evidence={})
    said = why(told(invite(), well))
    assert said == "Everybody is heard: sdp.c of message 1 INVITE is missed, and harmless here."


def test_a_dropped_packet_is_news_for_a_moment() -> None:
    story = told(invite(), dropped("FILTERED", 5.0))
    story.now = 6.0
    assert why(story).startswith("Dropped a packet on the outside, 198.51.100.7:9 to 203.0.113.1")
    story.now = 9.0
    assert why(story).startswith("message 1 INVITE")


def test_a_packet_that_is_not_ipv4_is_no_news() -> None:
    """Kernels look for IPv6 routers on every wire; that must not hide why nobody hears anybody."""
    story = told(invite(), dropped("not-ipv4", 5.0))
    story.now = 5.0
    assert why(story).startswith("message 1 INVITE")


def test_a_packet_that_could_not_be_read_has_no_addresses() -> None:
    drop = dropped("malformed", 5.0)
    drop.source = drop.destination = "0.0.0.0"
    story = told(invite(), drop)
    story.now = 5.0
    assert why(story).startswith("Dropped a packet on the outside:")


def test_a_dropped_ipv6_packet_is_told_with_both_ends() -> None:
    drop = dropped("FILTERED", 5.0)
    drop.source, drop.destination = "[2001:db8::7]:9", "[2001:db8:113::1]:5060"
    story = told(invite(), drop)
    story.now = 5.0
    assert why(story).startswith(
        "Dropped a packet on the outside, [2001:db8::7]:9 to [2001:db8:113::1]:5060:"
    )
    drop.source = drop.destination = "[::]:0"
    assert why(story).startswith("Dropped a packet on the outside:")


def test_the_address_that_calls_are_sent_to_does_more_harm_than_the_way_back() -> None:
    faults = [
        Change(field, (0, 1), "a", "a", "b", "missed", field, "Why.", "")
        for field in ("via.host", "contact.host")
    ]
    story = told(message("abc", "REGISTER", "out", changes=faults))
    assert why(story) == "message 1 REGISTER: contact.host missed. Why."


def test_advice_leads_from_trouble_to_the_correct_alg_and_a_new_run() -> None:
    story = told(*one_way_audio())
    story.settings = SETTINGS
    assert (
        advice(story, live=False).plain == "▌TRY a c puts the correct ALG in, then r runs it again."
    )
    assert advice(story, live=True).plain == "▌TRY a c puts the correct ALG in."
    story.fold(SettingChanged(key="alg.sip.module", old="off", new="sip", who="screen"))
    assert advice(story, live=False).plain == "▌TRY r runs this again from T+0 with ALG sip."


def test_the_sentence_takes_the_rows_that_it_is_given() -> None:
    assert plain(sentence("one two three", 13, 2)) == ["▌WHY one two", "▌    three"]
    assert plain(sentence("one two three", 13, 1)) == ["▌WHY one two…"]
    assert plain(sentence("one", 13, 2)) == ["▌WHY one", "▌"]
