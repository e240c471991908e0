"""What a router made of a message, as changes, with the correct module's opinion of each."""

from __future__ import annotations

import pytest

from alg import edits
from alg.base import Edit
from appliance.forensics.observed import OBSERVED, Observed, _edits, messages
from appliance.forensics.replaying import networks_of
from appliance.forensics.retracing import retrace, sampled, settings_of
from appliance.forensics.sides import joined
from nat.endpoint import Network
from tests.appliance.forensics.situations import SIP, captured

CAME = b"Via: 192.168.20.10:5060;branch=1\r\nContact: <sip:a@192.168.20.10:5060>\r\n\r\nbody"
OWN = [Edit(5, 23, b"203.0.113.1:1024", "via.host", "via")]


@pytest.mark.parametrize(
    "left",
    [
        CAME,
        CAME.replace(b"192.168.20.10", b"203.0.113.1"),
        CAME.replace(b"10:5060;", b"10:1024;"),
        CAME.replace(b";branch", b";;branch"),
        b"Via: own\r\n" + CAME,
        CAME[:40],
        b"",
        CAME + CAME,
    ],
)
def test_the_edits_make_of_the_one_message_the_other(left: bytes) -> None:
    """Of a router that says nothing too: every changed byte is covered."""
    assert edits.apply(CAME, _edits(CAME, left, OWN)) == left


def test_a_place_is_called_what_the_correct_module_calls_it() -> None:
    left = CAME.replace(b"192.168.20.10", b"203.0.113.1")
    found = [(edit.field, edit.rule, edit.start, edit.end) for edit in _edits(CAME, left, OWN)]
    assert found[0] == ("via.host", "via", 5, 23)
    assert found[1][:2] == ("contact", OBSERVED)


def observed(spec: str) -> list[Observed]:
    tapes, _ = captured("registers", spec)
    sides = joined(*tapes, [Network.parse(text) for text in networks_of(tapes[0])])
    correct = retrace(sampled(sides, [5060]), settings_of(sides, ("alg.sip.module=sip",)))
    return [*messages(sides, correct, SIP)]


def verdicts(found: list[Observed]) -> set[str]:
    return {change.verdict for each in found for change in each.changes}


def test_of_a_router_that_does_all_right_every_field_is_ok() -> None:
    found = observed("sip")
    assert verdicts(found) == {"ok"}
    assert all(each.left is not None for each in found)


@pytest.mark.parametrize(
    ("spec", "verdict", "field"),
    [
        ("off", "missed", "via.host"),
        ("sip-poor:callid-oneway", "wrong", "call-id"),
        ("sip-poor:via-not-restored", "missed", "via.host"),
    ],
)
def test_what_it_did_wrong_has_the_correct_modules_reason(
    spec: str, verdict: str, field: str
) -> None:
    rows = [change for each in observed(spec) for change in each.changes]
    fitting = [row for row in rows if (row.verdict, row.field) == (verdict, field)]
    assert fitting
    assert all(row.reason for row in fitting)


def test_what_was_not_let_out_has_no_changes() -> None:
    lost = [each for each in observed("sip-poor:fqdn-drop") if each.left is None]
    assert lost
    assert all(each.changes == () for each in lost)
