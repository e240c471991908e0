"""What a strict server refuses, and an easy-going one reads over."""

from __future__ import annotations

import pytest

from appliance.parties.sipua import SipMessage
from appliance.parties.strictness import NO_PARAMETER, NO_SENT_BY, problem_in
from tests.appliance.parties.test_transactions import a_request


def test_what_phones_write_is_as_the_grammar_has_it() -> None:
    for via in (
        "SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK-1",
        "SIP/2.0/TCP 192.168.20.100;branch=z9hG4bK-1;alias",
        "SIP/2.0/UDP phone.example.org:5060 ;rport ;branch=z9hG4bK.~*",
    ):
        assert problem_in(a_request("REGISTER", via)) is None


@pytest.mark.parametrize(
    ("via", "problem"),
    [
        ("SIP/2.0/UDP 203.0.113.1:5060;;branch=z9hG4bK-1", NO_PARAMETER),
        ("SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK-1;", NO_PARAMETER),
        ("SIP/2.0/UDP 203.0.113.1:5060branch=z9hG4bK-1", NO_SENT_BY),
        ("SIP/2.0/UDP 203.0.113.1:5060 branch=z9hG4bK-1", NO_SENT_BY),
        ("UDP 203.0.113.1:5060;branch=z9hG4bK-1", NO_SENT_BY),
    ],
)
def test_what_helpers_make_of_it_is_not(via: str, problem: object) -> None:
    """RFC 3261 20.42, 25.1."""
    request: SipMessage = a_request("REGISTER", via)
    assert problem_in(request) is problem
