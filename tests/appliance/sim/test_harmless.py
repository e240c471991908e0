"""What was missed or wrong where everybody is heard."""

from __future__ import annotations

import pytest

from appliance.journal.events import Change, MessagePassed
from appliance.sim.deeds import NO_ALG
from appliance.sim.harmless import MOST_TOLD, harmless
from appliance.sim.witness import Evidence


def passed(number: int, module: str, *rows: tuple[str, str]) -> MessagePassed:
    """`rows`: the fields and their verdicts."""
    changes = [
        Change(field, (0, 1), "a", "b", "a", verdict, "rule", "Why.", "") for field, verdict in rows
    ]
    return MessagePassed(
        alg="sip",
        module=module,
        flow=1,
        direction="out",
        transport="udp",
        source="",
        destination="",
        new_source="",
        new_destination="",
        verdict="rewritten",
        before="a",
        after="b",
        changes=changes,
        summary=f"MESSAGE {number}",
        call_id="",
        note="",
    )


def told(*messages: MessagePassed) -> list[str]:
    return harmless(Evidence(messages=dict(enumerate(messages))), [])


def test_each_field_is_told_once_with_its_first_message() -> None:
    wrong = ("call-id", "wrong")
    assert told(passed(1, "my.py:X", wrong), passed(2, "my.py:X", wrong)) == [
        "The module my.py:X wrote b into the Call-ID of the MESSAGE 1, where a must stay; it is "
        "harmless here: everybody is heard."
    ]


def test_where_somebody_is_heard_on_hold_nothing_is_called_harmless() -> None:
    """Bob believes that nobody hears what he says."""
    evidence = Evidence(messages={1: passed(1, "my.py:X", ("sdp.c.address", "wrong"))})
    (said,) = harmless(evidence, ["on hold, alice still hears bob"])
    assert said.endswith("everybody is heard, but also this: on hold, alice still hears bob.")


def test_what_no_alg_has_left_is_told_together() -> None:
    assert told(passed(1, "off", ("contact.host", "missed"), ("sdp.c", "missed"))) == [NO_ALG]


def test_that_one_protocol_needs_no_alg_says_nothing_of_another() -> None:
    other = passed(2, "dns", ("answer[0].address", "ok"))
    other.alg = "dns"
    assert told(passed(1, "off", ("contact.host", "missed")), other) == [
        "No ALG reads SIP, and none is needed: everybody is heard."
    ]


@pytest.mark.parametrize("verdict", ["ok", "info"])
def test_what_is_not_amiss_is_not_told(verdict: str) -> None:
    assert told(passed(1, "off", ("sdp.o.address", verdict))) == []


def test_nobody_reads_more_than_a_few() -> None:
    rows = [(f"field {number}", "wrong") for number in range(20)]
    assert len(told(passed(1, "my.py:X", *rows))) == MOST_TOLD
