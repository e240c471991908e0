"""What a module made of a field, in a sentence."""

from __future__ import annotations

import pytest

from appliance.journal.events import Change, MessagePassed
from appliance.sim.deeds import deed, whose

INSIDE, OUTSIDE = "192.168.20.100", "203.0.113.1"


def told(module: str, before: str, after: str, expected: str) -> str:
    row = Change(
        field="sdp.c.address",
        span=(0, 1),
        before=before,
        after=after,
        expected=expected,
        verdict="wrong",
        rule="",
        reason="",
        rfc="",
    )
    message = MessagePassed(
        alg="sip",
        module=module,
        flow=None,
        direction="out",
        verdict="rewritten",
        before="",
        after="",
        changes=[row],
        summary="INVITE",
        transport="udp",
        source="",
        destination="",
        new_source="",
        new_destination="",
    )
    return deed(message, row)


@pytest.mark.parametrize(
    ("module", "texts", "sentence"),
    [
        ("off", (INSIDE, INSIDE, OUTSIDE), "The ALG is off: 192.168.20.100 stays in the c= line"),
        ("x", (INSIDE, INSIDE, OUTSIDE), "The module x left 192.168.20.100 in the c= line"),
        ("x", (INSIDE, OUTSIDE, INSIDE), "The module x wrote 203.0.113.1 into the c= line"),
        ("x", ("", ";", ""), "The module x slipped ; into the c= line"),
        ("x", (";", "", ";"), "The module x lost ; from the c= line"),
    ],
)
def test_a_deed_names_the_module_the_field_and_what_was_done(
    module: str, texts: tuple[str, str, str], sentence: str
) -> None:
    assert told(module, *texts).startswith(f"{sentence} of the INVITE")


def test_a_message_without_a_summary_is_a_message() -> None:
    assert (whose(""), whose("BYE")) == ("a message", "the BYE")
