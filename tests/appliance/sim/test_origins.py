"""What led a party to do what it did."""

from __future__ import annotations

import pytest

from appliance.journal.events import PartyLearnt
from appliance.parties.audio import EXPECTS_AUDIO
from appliance.sim.origins import newest_about, why_sent
from appliance.sim.outcome import CALL_DROPPED, NOT_REACHED, Failure
from appliance.sim.witness import Evidence
from tests.appliance.sim.test_simulation import simulation


def test_where_a_new_call_goes_the_registration_says_and_no_call_before() -> None:
    """RFC 3261 12.2.1.1: the Contact in a call is for the requests of that call."""
    run = simulation("alg-timeout-short", "sip-poor:sip-timer-short")
    run.run_until(440.0)
    _, target, *_ = run.causes()
    assert target.sentence == (
        "pbx sends requests for alice to 203.0.113.1:5060, because the Contact of the REGISTER "
        "says so (RFC 3261 10.1)."
    )


def test_what_sends_elsewhere_is_told_by_its_own_rule() -> None:
    """RFC 3261 8.1.3.4: an answer that names another target."""
    run = simulation("forwarded-to-voicemail", "sip-poor:foreign-mangled")
    run.run_until(3.0)
    _, target, _ = run.causes()
    assert target.sentence.endswith(
        "of the 302 Moved Temporarily (INVITE) says so (RFC 3261 8.1.3.4)."
    )


def test_what_goes_by_where_packets_come_from_follows_no_rule_of_sip() -> None:
    run = simulation("no-incoming-calls", "off")
    run.run_until(140.0)
    assert run.causes()[0].sentence.endswith("because the REGISTER came from there.")


HERE = "203.0.113.1:5060"


def learnt(party: str, does: str, summary: str, at: float) -> PartyLearnt:
    event = PartyLearnt(
        party=party, does=does, target=HERE, field="contact", summary=summary, rfc=""
    )
    event.t = at
    return event


REGISTERED = learnt("pbx", "sends requests for alice to", "REGISTER", 1.0)
ELSEWHERE = learnt("other", "sends requests for alice to", "REGISTER", 2.0)
CAROL = learnt("pbx", "sends requests for carol to", "REGISTER", 3.0)
ANSWERS = learnt("pbx", "sends the answers to that REGISTER to", "REGISTER", 4.0)
IN_CALL = learnt("bob", "sends requests for alice to", "200 OK (INVITE)", 5.0)
AUDIO = learnt("bob", EXPECTS_AUDIO, "INVITE", 6.0)


@pytest.mark.parametrize(
    ("summary", "outcome", "why"),
    [
        ("INVITE", NOT_REACHED, REGISTERED),
        ("INVITE", CALL_DROPPED, IN_CALL),
        ("BYE", CALL_DROPPED, IN_CALL),
        ("200 OK (REGISTER)", NOT_REACHED, ANSWERS),
        ("200 OK (OPTIONS)", NOT_REACHED, None),
    ],
)
def test_each_message_goes_where_such_a_message_was_said_to_go(
    summary: str, outcome: str, why: PartyLearnt | None
) -> None:
    evidence = Evidence(parties={"bob": "pbx", "carol": "other"})
    evidence.learnt.extend([REGISTERED, ELSEWHERE, CAROL, ANSWERS, IN_CALL])
    failure = Failure(9.0, outcome, "bob called alice: no answer", "bob")
    assert why_sent(summary, HERE, failure, evidence, 9.0) is why


def test_who_only_listens_there_sends_nothing_there() -> None:
    evidence = Evidence()
    evidence.learnt.extend([IN_CALL, AUDIO])
    assert newest_about(HERE, evidence) is IN_CALL
    assert newest_about(HERE, evidence, before=4.0) is None
