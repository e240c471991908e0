"""Events folded into what the screen shows."""

from __future__ import annotations

from typing import Any

from appliance.journal.events import AlgError, Change, HintGiven, SettingChanged
from tests.appliance.journal.test_noise import dropped as noisy
from tests.tui.stories import (
    SETTINGS,
    ended,
    event_in_version_6,
    flow,
    invite,
    media,
    message,
    one_way_audio,
    started,
    state,
)
from tests.tui.test_ticks import expired
from tui.model import MESSAGES_KEPT, Frame, Mark, Model


def told(*events: object) -> Model:
    model = Model()
    for event in events:
        model.fold(event)  # type: ignore[arg-type]
    return model


def test_messages_are_numbered_in_the_order_in_which_they_passed() -> None:
    model = told(*one_way_audio())
    assert [(m.number, m.event.summary) for m in model.messages] == [
        (1, "INVITE"),
        (2, "100 Trying (INVITE)"),
        (3, "180 Ringing (INVITE)"),
        (4, "200 OK (INVITE)"),
        (5, "ACK"),
    ]


def test_names_replace_addresses_where_the_story_has_them() -> None:
    model = told(started())
    assert model.name("192.168.20.100:5060") == "alice"
    assert model.name("192.0.2.7:5060") == "192.0.2.7"


def test_names_replace_ipv6_addresses_too() -> None:
    model = told(event_in_version_6(started()))
    assert model.name("[2001:db8:20:aaaa:bbbb:cccc:dddd:100]:5060") == "alice"
    assert model.name("[2001:db8::7]:5060") == "2001:db8::7"


def test_the_message_worth_showing_is_the_offer_with_work_in_it() -> None:
    model = told(message("OPTIONS", "OPTIONS", "out"), invite(), message("ACK", "ACK", "out"))
    best = model.worth_showing()
    assert best is not None
    assert best.event.summary == "INVITE"


def test_a_message_with_a_fault_is_worth_more_than_one_that_is_right() -> None:
    wrong = Change("call-id", (0, 1), "x", "y", "x", "wrong", "call-id", "", "")
    right = Change("via", (0, 1), "x", "y", "y", "ok", "via", "", "")
    model = told(
        message("x", "REGISTER", "out", changes=[wrong]),
        message("x", "200 OK (REGISTER)", "in", changes=[right]),
    )
    best = model.worth_showing()
    assert best is not None
    assert best.event.summary == "REGISTER"


def test_a_fault_elsewhere_is_worth_more_than_an_offer_that_is_right() -> None:
    """When registering fails although the call was fine, the offer explains nothing."""
    wrong = Change("call-id", (0, 1), "x", "y", "x", "wrong", "call-id", "", "")
    register = message("x", "REGISTER", "out", changes=[wrong])
    offer = invite("sip")
    register.module = offer.module
    best = told(register, offer).worth_showing()
    assert best is not None
    assert best.event.summary == "REGISTER"


def test_another_module_begins_another_era() -> None:
    wrong = Change("call-id", (0, 1), "x", "y", "x", "wrong", "call-id", "", "")
    before, after = (message("x", "REGISTER", "out", changes=[wrong]),
                     message("x", "OPTIONS", "out"))  # fmt: skip
    before.module, after.module = "sip-poor:callid-oneway", "sip"
    best = told(before, after).worth_showing()
    assert best is not None
    assert best.event.summary == "OPTIONS"


def test_a_message_of_another_application_begins_none() -> None:
    """Each has a module of its own, all the time."""
    wrong = Change("call-id", (0, 1), "x", "y", "x", "wrong", "call-id", "", "")
    first = message("x", "REGISTER", "out", changes=[wrong])
    other = message("x", "PASV", "out")
    other.alg, other.module = "ftp", "ftp"
    model = told(first, other)
    best = model.worth_showing()
    assert best is not None
    assert best.event.summary == "REGISTER"
    assert model.application == "sip"


def test_the_application_in_question_is_that_of_the_message_or_the_first() -> None:
    model = told()
    assert (model.application, model.modules) == ("", {})
    model.settings = SETTINGS | {"alg.ftp.module": "ftp", "alg.ftp.ports": [21]}
    assert (model.application, model.modules) == ("sip", {"sip": "off", "ftp": "ftp"})
    command = message("x", "PASV", "out")
    command.alg = "ftp"
    model.fold(command)
    assert model.application == "ftp"


def test_a_newer_offer_takes_the_place_of_an_older_one() -> None:
    model = told(invite("off"), invite("sip"))
    best = model.worth_showing()
    assert best is not None
    assert best.number == 2


def test_the_latest_count_of_a_stream_replaces_the_one_before() -> None:
    model = told(media("bob", "alice", 0, sent=50), media("bob", "alice", 0, sent=100))
    (stream,) = model.streams.values()
    assert stream.sent == 100
    assert len(model.ladder) == 1


def test_a_call_is_more_interesting_than_a_registration() -> None:
    registration = state("registered", 2.0, 9)
    registration.call, registration.kind = "other", "registration"
    model = told(state("trying", 1.0, 4), registration)
    current = model.current_call()
    assert current is not None
    assert current.kind == "call"


def test_a_turned_knob_is_remembered_and_marked_on_the_ladder() -> None:
    model = told(SettingChanged(t=5.0, key="alg.sip.module", old="off", new="sip", who="screen"))
    assert model.turned == {"alg.sip.module": "sip"}
    assert list(model.ladder) == [Mark(5.0, "ALG: off > sip")]
    story = told(SettingChanged(key="outside.external", old=[], new=["203.0.113.2"], who="script"))
    assert (story.turned, len(story.ladder)) == ({}, 1), "the next run does so anyway"


def unread(about: str = "tls", **changes: Any) -> HintGiven:
    return HintGiven(
        **{
            "t": 6.0, "about": about, "flow": 1, "protocol": "tcp",
            "internal": "192.168.20.100:5061", "external": "203.0.113.1:5061",
            "remote": "203.0.113.9:5061", "sentence": "nobody reads it", **changes,
        }
    )  # fmt: skip


def test_flows_that_nobody_reads_are_one_line_on_the_ladder() -> None:
    model = told(started(), unread(), unread(flow=2))
    assert [str(entry.text) for entry in model.ladder if isinstance(entry, Mark)] == [
        "not read, alice to bob: nobody reads it"
    ]


def test_messages_that_were_read_all_the_same_tell_of_themselves() -> None:
    """Under `off` the correct module says what it would have done."""
    model = told(started(), invite(), unread("sip"))
    assert not [entry for entry in model.ladder if isinstance(entry, Mark)]


def test_a_frame_brings_settings_and_tables() -> None:
    model = Model()
    model.take(Frame(12.0, one_way_audio(), [flow()], [], SETTINGS))
    assert model.now == 12.0
    assert model.settings["alg.sip.module"] == "off"
    assert len(model.translations.rows()) == 1


def test_a_frame_without_tables_leaves_those_of_before() -> None:
    model = Model()
    model.take(Frame(12.0, (), [flow()], [], SETTINGS))
    model.take(Frame(12.5))
    assert len(model.translations.rows()) == 1
    assert model.settings == SETTINGS


def test_the_outcome_and_a_failed_module_are_kept() -> None:
    model = told(ended(), AlgError(alg="sip", module="my.py:X", error="boom"))
    assert model.outcome is not None
    assert model.last_error is not None


def test_memory_is_bounded() -> None:
    model = told(*(message("x", "OPTIONS", "out") for _ in range(MESSAGES_KEPT + 10)))
    assert len(model.messages) == MESSAGES_KEPT
    assert model.messages[-1].number == MESSAGES_KEPT + 10


def test_audio_is_kept_after_the_call() -> None:
    model = told(media("alice", "bob", 10, t=5.0), media("alice", "bob", 90, t=12.0))
    model.now = 30.0
    assert model.audio() == (5.0, 30.0)
    model.fold(state("ended", 13.0, 40))
    assert model.audio() == (5.0, 12.0)
    assert told().audio() is None


def test_a_flush_is_one_line_on_the_ladder_and_one_mark_on_the_timeline() -> None:
    model = told(started(), *(expired(9.0, "flushed") for _ in range(3)), expired(9.0, "flushed"))
    assert [each.text for each in model.ladder if isinstance(each, Mark)] == [
        "flush: 4 flows forgotten"
    ]
    assert [tick.mark for tick in model.ticks] == ["F"]


def test_noise_is_counted_and_neither_on_the_timeline_nor_the_last_drop() -> None:
    model = told(noisy("not-ipv4", "0.0.0.0", 3), noisy("bad-destination", "224.0.0.1", 2))
    assert model.noise == {"IPv6": 3, "multicast": 2}
    assert (list(model.ticks), model.last_drop) == ([], None)
    assert len(model.log) == 2
