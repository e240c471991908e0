"""What led a party to do what it did."""

from __future__ import annotations

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
