"""Which of all that went wrong a failure is about."""

from __future__ import annotations

import pytest

from appliance.sim.outcome import Failure
from appliance.sim.relevant import asked, method_of
from appliance.sim.scenario import Turns
from appliance.sim.staging import simulation
from appliance.sim.stories import load_scenario


@pytest.mark.parametrize(
    ("summary", "method"),
    [
        ("REGISTER", "REGISTER"),
        ("200 OK (INVITE)", "INVITE"),
        ("486 Busy Here (INVITE)", "INVITE"),
        ("message", ""),
        ("STUN answer", ""),
        ("", ""),
    ],
)
def test_a_summary_says_what_was_asked(summary: str, method: str) -> None:
    assert method_of(summary) == method


@pytest.mark.parametrize(
    ("outcome", "detail", "methods"),
    [
        ("registration-failed", "alice got no valid answer in 32 s", ("REGISTER",)),
        ("registration-lost", "alice got 503 Service Unavailable", ("REGISTER",)),
        ("not-reached", "bob called alice: alice is not registered", ("REGISTER",)),
        ("not-reached", "bob called alice: no answer to INVITE from 192.0.2.1:5060", ("INVITE",)),
        ("not-reached", "no answer to REFER in 32 s", ("REFER",)),
        ("rejected", "alice wants to connect bob with dave: 481", ("REFER",)),
        ("rejected", "alice called bob: 488 Not Acceptable Here", ("INVITE",)),
        (
            "call-dropped",
            "bob called alice: nobody acknowledged the answer",
            ("INVITE", "ACK", "CANCEL"),
        ),
        ("call-dropped", "alice called bob: no RTCP came to alice for 4 s", ()),
    ],
)
def test_a_failure_is_about_a_request(outcome: str, detail: str, methods: tuple[str, ...]) -> None:
    assert asked(Failure(0.0, outcome, detail, "alice")) == methods


@pytest.mark.parametrize(
    ("name", "alg", "until", "last"),
    [
        (  # the neighbour's packets, which found no port, are more
            "port-exhaustion",
            "sip-poor:callid-oneway",
            12.0,
            "alice discards the 200 OK (REGISTER), 5 times: the Call-ID is not the one that was "
            "sent (RFC 3261 8.2.6.2).",
        ),
        (  # two hundred forged segments were refused
            "stranger-cuts",
            "sip-poor:callid-oneway",
            34.0,
            "alice discards the 200 OK (REGISTER): the Call-ID is not the one that was sent "
            "(RFC 3261 8.2.6.2).",
        ),
        (  # that her INVITE is answered to nobody is another matter
            "stun-phone",
            "sip-poor:semicolon-lost",
            34.0,
            "The 200 OK (REGISTER) came to 203.0.113.1:5060, and the NAT dropped it: nothing "
            "inside is mapped to this external endpoint (no-mapping).",
        ),
        (  # the CANCEL comes when the harm is done
            "keepalive-saves-it",
            "sip-poor:content-length-stale",
            240.0,
            "pbx discards the message, 11 times: Content-Length says 163, the body has 157 bytes "
            "(RFC 3261 18.3).",
        ),
    ],
)
def test_what_others_lose_and_what_follows_explains_nothing(
    name: str, alg: str, until: float, last: str
) -> None:
    run = simulation(load_scenario(name), Turns(alg=alg))
    run.run_until(until)
    origin, *_, end = [cause.sentence for cause in run.causes()]
    assert origin.startswith(f"The module {alg} ")
    assert end == last
