"""Messages in words: the changes of their bytes become changes of text."""

from __future__ import annotations

from alg.compare import changes
from alg.dns.application import DNS
from alg.dns.correct import Dns
from alg.dns_poor.poor import DnsPoor
from alg.edits import apply
from alg.off import Off
from appliance.journal.rows import applied
from appliance.journal.wording import MOST_CHANGES, Worded, in_words, word
from nat.endpoint import Direction
from tests.alg.dns.situations import (
    INSIDE,
    OUTSIDE,
    PTR_INSIDE,
    PTR_OUTSIDE,
    answer,
    answering,
    asking,
    met,
)
from tests.tui.stories import binary_answer, dns_answer, invite

NAME = asking("pbx.example.net")
CORRECT = Dns()


def worded(message: bytes, active: Off | Dns | DnsPoor = CORRECT) -> Worded:
    """An answer that comes in, through a module."""
    made = answer(met("client", "in"), message, active).edits
    right = answer(met("client", "in"), message).edits
    rows = changes(message, active, made, Dns(), right, DNS)
    texts = (each.decode("latin-1") for each in (message, apply(message, made)))
    found = word("dns", *texts, rows)
    assert found is not None
    assert applied(found.before, found.changes) == found.after
    return found


def test_the_change_of_four_bytes_is_that_of_an_address() -> None:
    found = worded(answering(NAME, OUTSIDE))
    (change,) = found.changes
    assert found.before[slice(*change.span)] == change.before == "203.0.113.10"
    assert change.after == change.expected == "192.168.20.10"
    assert found.before.splitlines()[-1] == OUTSIDE
    assert found.after.splitlines()[-1] == INSIDE


def test_what_was_missed_stands_beside_what_belongs_there() -> None:
    (change,) = worded(answering(NAME, OUTSIDE), Off()).changes
    assert (change.before, change.after, change.expected, change.verdict) == (
        "203.0.113.10",
        "203.0.113.10",
        "192.168.20.10",
        "missed",
    )


def test_a_name_that_is_written_once_changes_wherever_it_is_read() -> None:
    """The owner of the answer is a pointer to the question."""
    context = met("client", "out")
    question = asking(PTR_INSIDE, "PTR")
    sent = apply(question, answer(context, question).edits)
    known = answering(sent, f"{PTR_OUTSIDE}. 60 IN PTR pbx.example.net.")
    made = answer(context.facing(Direction.IN), known).edits
    rows = changes(known, Dns(), made, Dns(), made, DNS)
    found = word("dns", *(each.decode("latin-1") for each in (known, apply(known, made))), rows)
    assert found is not None
    assert [(each.field, each.after) for each in found.changes] == [
        ("question[0].name", f"{PTR_INSIDE}."),
        ("question[0].name", f"{PTR_INSIDE}."),
    ]
    assert applied(found.before, found.changes) == found.after


def test_a_fault_is_told_with_its_words() -> None:
    found = worded(answering(NAME, OUTSIDE), DnsPoor(["ttl-zero"]))
    assert [(each.verdict, each.before, each.after) for each in found.changes] == [
        ("wrong", "300", "0"),
        ("ok", "203.0.113.10", "192.168.20.10"),
    ]


def test_what_has_no_words_stays_as_it_is() -> None:
    """Text; a protocol without any; a message that falls into other lines afterwards."""
    assert in_words(invite()) == invite()
    assert in_words(binary_answer()) == binary_answer()
    before, after = answering(NAME, OUTSIDE), answering(NAME)
    assert word("dns", before.decode("latin-1"), after.decode("latin-1"), []) is None


def test_a_message_that_went_no_further_has_no_words_afterwards() -> None:
    event = dns_answer("off")
    event.after, event.verdict = "", "dropped"
    said = in_words(event)
    assert "198.51.100.7" in said.before
    assert said.after == ""


def test_what_is_very_long_or_changes_very_often_is_left_in_bytes() -> None:
    """Whoever looks at a message must not wait for it."""
    zero = DnsPoor(["ttl-zero"])  # two changes for each record
    most = MOST_CHANGES // 2
    few, many = (answering(NAME, *[OUTSIDE] * count) for count in (most, most + 1))
    assert len(worded(few, zero).changes) == MOST_CHANGES
    for message in (many, answering(NAME, *["x.example.net. 1 IN TXT x"] * 1500)):
        made = answer(met("client", "in"), message, zero).edits
        rows = changes(message, zero, made, zero, made, DNS)
        texts = (each.decode("latin-1") for each in (message, apply(message, made)))
        assert word("dns", *texts, rows) is None
