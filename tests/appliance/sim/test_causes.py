"""The chain from the origin of a failure to what people notice."""

from __future__ import annotations

import pytest

from appliance.journal.events import Cause
from appliance.sim import knobs
from appliance.sim.causes import causes_of
from appliance.sim.outcome import Failure
from appliance.sim.stories import load_scenario
from appliance.sim.witness import Evidence
from tests.appliance.sim.test_simulation import simulation, staged


def chain(name: str, alg: str) -> list[Cause]:
    """As soon as it has failed; audio does within seconds."""
    run = simulation(name, alg)
    run.run_until(8.0 if (name, alg) in AUDIO else 43.0)
    return run.causes()


AUDIO = {("one-way-audio", "off"), ("one-way-audio", "sip-poor:no-sdp")}


def test_one_way_audio_leads_from_the_c_line_to_the_lost_packets() -> None:
    assert [cause.sentence for cause in chain("one-way-audio", "off")] == [
        "The ALG is off: 192.168.20.100 stays in the c= line of the INVITE, where a correct ALG "
        "writes 203.0.113.1.",
        "bob sends audio to 192.168.20.100:4000, because the session description of the INVITE "
        "says so (RFC 8866 5.7).",
        "bob's audio is lost on the outside: no route to 192.168.20.100.",
    ]


def test_a_call_that_reaches_nobody_leads_back_to_the_registered_contact() -> None:
    assert [(cause.party, cause.field) for cause in chain("incoming-call", "off")] == [
        ("NAT", "contact.host"),
        ("pbx", "contact"),
        ("", ""),
    ]


def test_a_discarded_answer_leads_back_to_the_request_whose_field_was_changed() -> None:
    origin, discarded = chain("one-way-audio", "sip-poor:callid-oneway")
    assert origin.sentence == (
        "The module sip-poor:callid-oneway wrote 203.0.113.1 into the Call-ID of the REGISTER, "
        "where 192.168.20.100 must stay."
    )
    assert discarded.sentence.startswith("alice discards the 200 OK (REGISTER), 11 times: ")


def test_what_was_put_in_or_left_out_is_told_as_such() -> None:
    sentences = [
        chain("stray-character", f"sip-poor:{fault}")[0].sentence
        for fault in ("stray-char", "semicolon-lost")
    ]
    assert sentences == [
        "The module sip-poor:stray-char slipped ; into the Via of the REGISTER.",
        "The module sip-poor:semicolon-lost lost ; from the Via of the REGISTER.",
    ]


def test_a_fault_in_the_nat_itself_is_inferred_and_said_to_be() -> None:
    """No message shows it: that the module has it is all that is known, beside what it does."""
    inferred, misdirected, lost = chain("one-way-audio", "sip-poor:reply-port-lost")
    assert inferred.sentence.startswith("The NAT has the fault reply-port-lost: ")
    assert inferred.inferred
    assert misdirected.sentence == (
        "203.0.113.1:40625 stands for 192.168.20.100:5060, and the NAT hands what comes for it to "
        "192.168.20.100:17973: on the way out it became that first, and on the way back only the "
        "second step is undone."
    )
    assert lost.sentence == (
        "The 200 OK (REGISTER) is lost at alice: nobody listens at 192.168.20.100:17973."
    )


def test_a_fault_is_not_blamed_for_what_a_correct_module_comes_to_as_well() -> None:
    """It is switched on, and the second NAT is what is in the way."""
    run = simulation("double-nat", "sip-poor:inbound-no-refresh")
    run.run_until(6.0)
    assert [cause.party for cause in run.causes()] == ["bob", ""]


def test_who_was_told_of_no_endpoint_leads_back_to_what_spoilt_the_description() -> None:
    """In an answer; a request with such a description is refused."""
    run = staged(load_scenario("incoming-call"), "sip-poor:port-over-65535")
    run.run_until(9.0)
    assert [cause.sentence for cause in run.causes()] == [
        "The module sip-poor:port-over-65535 wrote 69536 into the m= line of the 200 OK (INVITE), "
        "where 4000 must stay.",
        "Nothing told bob where to send audio to alice.",
    ]


def test_each_cause_rests_on_an_event_or_says_that_it_does_not() -> None:
    for alg in ("off", "sip-poor:no-sdp", "sip-poor:callid-oneway", "sip-poor:reply-port-lost"):
        for cause in chain("one-way-audio", alg):
            assert (cause.event is None) == cause.inferred, cause


@pytest.mark.parametrize(
    ("trait", "value", "sentence"),
    [
        (
            "pbx.password",
            "secret",
            "203.0.113.9:5060 has answered the REGISTER by 401 Unauthorized; no packet is missing.",
        ),
        (
            "pbx.answer_after",
            "none",
            "The INVITE has arrived at 203.0.113.9:5060: it rings there, and nobody picks up.",
        ),
        (
            "alice.stun",
            "203.0.113.9:3478",
            "The STUN request is lost at pbx: nobody listens at 203.0.113.9:3478.",
        ),
        (
            "alice.transport",
            "tcp",
            "203.0.113.1:55334 is refused its connection at pbx: nobody listens at "
            "203.0.113.9:5060 over TCP (RFC 9293 3.10.7.1).",
        ),
        (
            "pbx.loses_invites",
            "20",
            "pbx discards the INVITE, 7 times: it is under load and takes a later copy "
            "(RFC 3261 17.1.1.2).",
        ),
        ("pbx.talks_for", "0s", "bob has sent no audio to alice."),
    ],
)
def test_what_is_no_matter_of_a_nat_is_told_all_the_same(
    trait: str, value: str, sentence: str
) -> None:
    """Whoever turns traits may turn one that ends a call by itself."""
    story = knobs.turned(load_scenario("one-way-audio"), {f"parties.{trait}": value})
    run = staged(story, "sip")
    run.run()
    assert [cause.sentence for cause in run.causes()] == [sentence]


def test_a_chain_that_does_not_close_says_so() -> None:
    failure = Failure(5.0, "not-reached", "alice called bob: no answer", "alice", 40.0)
    (cause,) = causes_of(failure, Evidence(), lambda _: [])
    assert (cause.sentence, cause.inferred) == ("Nothing that was seen explains it.", True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one-way-audio", "incoming-call"])
def test_where_everybody_is_heard_nothing_is_blamed(name: str) -> None:
    assert chain(name, "sip") == []


def test_a_call_that_the_nat_lets_in_no_more_leads_back_to_when_it_forgot() -> None:
    """Of the mappings that ended, the last before the call; later ones are another story."""
    run = simulation("no-incoming-calls", "off")
    run.run_until(440.0)
    _, forgot, dropped = [cause.sentence for cause in run.causes()]
    assert forgot == (
        "The NAT forgot at 92.2 s that 203.0.113.1:5060 is 192.168.20.100:5060: "
        "for too long nothing had kept the mapping alive."
    )
    assert "(no-mapping)" in dropped


def test_a_registration_that_ended_leads_back_to_the_lifetime_that_was_changed() -> None:
    run = simulation("no-incoming-calls", "sip-poor:expires-grow")
    run.run_until(440.0)
    changed, lapsed = [cause.sentence for cause in run.causes()]
    assert changed.startswith("The module sip-poor:expires-grow wrote 3000 into the Expires")
    assert lapsed.startswith("pbx knows no more where alice is, whose registration has ended")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            "c-only",
            "alice makes nothing of it: what comes to 192.168.20.100:4000 is its own audio, "
            "sent back (RFC 3550 8.2).",
        ),
        ("wrong-port-forward", "carol's audio is lost at alice: nobody listens at"),
    ],
)
def test_audio_between_two_desks_is_followed_to_where_it_went(fault: str, sentence: str) -> None:
    """Also where the NAT has turned it round and it has the NAT's addresses."""
    run = simulation("hairpin-desks", f"sip-poor:{fault}")
    run.run_until(6.0)
    assert any(cause.sentence.startswith(sentence) for cause in run.causes())


def test_of_a_call_that_became_a_fax_the_part_is_told_that_failed_first() -> None:
    run = simulation("fax-fails", "off")
    run.run_until(8.0)
    _, sends, lost = [cause.sentence for cause in run.causes()]
    assert sends.startswith("bob sends audio to 192.168.20.100:4000, ")
    assert lost == "bob's audio is lost on the outside: no route to 192.168.20.100."


def test_an_endpoint_that_was_true_for_somebody_else_leads_to_the_mapping() -> None:
    """RFC 4787 4.1: what a STUN server saw is not what others see."""
    run = simulation("symmetric-nat-stun", "sip-poor:symmetric-random")
    run.run_until(34.0)
    _, learns, told, other, _ = [cause.sentence for cause in run.causes()]
    assert learns.startswith("alice learns by STUN what its port 5060 is outside: 203.0.113.1:")
    assert told.startswith("pbx sends the answers to that REGISTER to 203.0.113.1:")
    assert other.startswith("192.168.20.100:5060 is 203.0.113.1:")
    assert "the mapping depends on whom it talks to" in other


def test_a_mapping_that_was_given_up_was_not_silent_for_too_long() -> None:
    run = simulation("stun-phone", "sip-poor:remap-on-new-flow")
    run.run_until(34.0)
    assert any("it was given up at once" in cause.sentence for cause in run.causes())


def test_of_all_that_was_dropped_what_was_sent_to_who_did_not_answer_counts() -> None:
    """Two hundred forged segments are dropped as well, and the few that matter are fewer."""
    forgot, dropped = chain("stranger-cuts", "sip-poor:rst-cuts")[-2:]
    assert forgot.sentence == (
        "The NAT forgot at 5.0 s that 203.0.113.1:55334 is 192.168.20.100:55334: a RST or an ICMP "
        "error ended it."
    )
    assert "203.0.113.1:55334" in dropped.sentence


def test_a_module_that_keeps_nothing_open_is_named_though_its_messages_are_right() -> None:
    """All that shows it is what it asked of the NAT."""
    run = simulation("two-trunks", "sip-poor:one-reg")
    run.run()
    fault, told, dropped = run.causes()
    assert fault.sentence.startswith("The NAT has the fault one-reg: ")
    assert fault.inferred
    assert "because the Contact of the REGISTER says so" in told.sentence
    assert "(filtered)" in dropped.sentence


def test_a_fault_that_nothing_was_seen_of_is_not_blamed() -> None:
    """She has signed off, and the server knows it: the pinhole that is left is not the reason."""
    story = knobs.turned(load_scenario("signed-off"), {"parties.pbx.remembers": 0.0})
    run = staged(story, "sip-poor:unreg-leaves-hole")
    run.run()
    assert [cause.sentence for cause in run.causes()] == [
        "pbx knows no more where alice is, who has signed off, and who was at 203.0.113.1:5060 "
        "(RFC 3261 10.2.2)."
    ]


@pytest.mark.parametrize(
    ("name", "alg", "turned", "first"),
    [
        (
            "ice-half-heard",
            "sip-poor:ice-default-only",
            {"parties.alice.ice": "insists"},
            "The module sip-poor:ice-default-only wrote 203.0.113.1 into the c= line of the "
            "INVITE, where 192.168.20.100 must stay.",
        ),
        (
            "hairpin-desks",
            "sip-poor:replace-all",
            {},
            "The module sip-poor:replace-all wrote 192.168.20.100 into the c= line of the 200 OK "
            "(INVITE), where 203.0.113.1 must stay.",
        ),
        (
            "listens-elsewhere",
            "off",
            {"parties.pbx.nat": "yes"},
            "The 200 OK (REGISTER) goes to 203.0.113.1:49154, because the REGISTER came from "
            "there; the NAT hands it to 192.168.20.100:49154, which sent that and listens "
            "elsewhere (RFC 3581 4).",
        ),
    ],
)
def test_a_chain_goes_back_to_its_beginning(
    name: str, alg: str, turned: dict[str, object], first: str
) -> None:
    run = staged(knobs.turned(load_scenario(name), turned), alg)
    run.run()
    assert run.causes()[0].sentence == first


def test_where_no_port_is_free_it_is_said_who_has_them() -> None:
    """RFC 6888 REQ-4: a share for everybody is what helps."""
    run = simulation("port-exhaustion", "off")
    run.run_until(6.0)
    _, taken, dropped, *_ = [cause.sentence for cause in run.causes()]
    assert taken == "laptop (192.168.20.50) has 19 of the 20 external ports in use."
    assert "no external port is free" in dropped
