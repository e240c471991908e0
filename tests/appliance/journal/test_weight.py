"""How many bytes an event takes: what is referred to twice is there once."""

from __future__ import annotations

import sys

from appliance.journal.events import Change, MessagePassed, SettingChanged
from appliance.journal.weight import weight_of


def message(changes: int, reason: str = "r" * 100) -> MessagePassed:
    return MessagePassed(
        alg="sip", module="sip", flow=1, direction="out", transport="udp", source="a",
        destination="b", new_source="c", new_destination="d", verdict="rewritten",
        before="x" * 10_000, after="y" * 20_000,
        changes=[
            Change(field="f", span=(1000 + each, 1007 + each), before=f"before {each}",
                   after=f"after {each}", expected=None, verdict="ok", rule="rule",
                   reason=reason, rfc="RFC 3261 20.10")
            for each in range(changes)
        ],
    )  # fmt: skip


def test_texts_are_most_of_it() -> None:
    assert 30_000 < weight_of(message(0)) < 32_000


def test_each_change_takes_its_own_texts_and_all_take_their_reason_together() -> None:
    """2,800 changes with one reason hold it once."""
    one, many = weight_of(message(1)), weight_of(message(101))
    own = sys.getsizeof("before 10") + sys.getsizeof("after 10")
    assert 100 * own < many - one < 100 * (own + 350)
    assert weight_of(message(101, "r" * 10_100)) - many == 10_000


def test_the_value_of_a_setting_may_be_a_tree() -> None:
    event = SettingChanged(key="k", old=None, new=[{"internal": "x" * 5_000}], who="w")
    assert 5_000 < weight_of(event) < 6_000
