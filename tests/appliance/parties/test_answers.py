"""What a host makes of an answer."""

from __future__ import annotations

from functools import partial

import pytest
from dnslib import DNSRecord

from appliance.parties.answers import FORGED, UNSIGNED, question, read
from appliance.parties.signatures import sign
from appliance.parties.zone import Zone, answer
from nat.endpoint import parse_address

RECORDS = """
pbx.example.net. 300 IN A 203.0.113.10
www.example.net. 300 IN CNAME pbx.example.net.
round.example.net. 300 IN CNAME round.example.net.
text.example.net. 300 IN TXT x
"""
PLAIN = Zone("example.net", RECORDS)
SIGNED = Zone("example.net", RECORDS, partial(sign, "example.net"))


@pytest.mark.parametrize("checks", [False, True])
@pytest.mark.parametrize(
    ("name", "address", "why", "field"),
    [
        ("pbx.example.net", "203.0.113.10", "", "answer[0].address"),
        ("www.example.net", "203.0.113.10", "", "answer[1].address"),
        ("none.example.net", None, "NXDOMAIN for none.example.net.", ""),
        ("text.example.net", None, "no address for text.example.net.", ""),
        ("round.example.net", None, "no address for round.example.net.", ""),
    ],
)
def test_a_name_has_an_address_or_a_reason_to_have_none(
    name: str, address: str | None, why: str, field: str, checks: bool
) -> None:
    asked = question(name, 4711, checks)
    found = read(answer(asked, [SIGNED]), asked, checks)
    assert found is not None
    assert found.address == (None if address is None else parse_address(address))
    assert found.why == why
    place = field.replace("[1]", "[2]") if checks else field  # a signature stands between
    assert found.field == place


def test_who_checks_believes_no_changed_and_no_unsigned_record() -> None:
    """RFC 4035 5.3 and 5.5; who does not check believes both."""
    asked = question("pbx.example.net", 1, checks=True)
    good = answer(asked, [SIGNED])
    doctored = good.replace(bytes((203, 0, 113, 10)), bytes((192, 168, 20, 10)), 1)
    unsigned = answer(asked, [PLAIN])
    for message, why in ((doctored, FORGED), (unsigned, UNSIGNED)):
        found = read(message, asked, checks=True)
        assert found is not None
        assert (found.address, found.why, found.field) == (None, why, "answer[0].address")
        believed = read(message, asked, checks=False)
        assert believed is not None
        assert believed.address is not None


def test_what_is_no_answer_to_the_question_is_none() -> None:
    """RFC 5452: its number and its name must be those of the question."""
    asked = question("pbx.example.net", 1, checks=False)
    others = [question("pbx.example.net", 2, False), question("www.example.net", 1, False)]
    said = [answer(each, [PLAIN]) for each in others]
    for message in (*said, asked, b"", b"\xc0" * 40, answer(asked, [PLAIN])[:-1]):
        assert read(message, asked, checks=False) is None
    assert DNSRecord.parse(asked).ar == []
