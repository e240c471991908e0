"""Connecting two others, and what stands in the way of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from appliance.parties.party import Send, What

if TYPE_CHECKING:
    from conftest import Pair

    MakePair = Callable[..., Pair]


def with_two_calls(a_pair: MakePair) -> Pair:
    """Alice has talked to bob, and talks to dave; it is 7 s."""
    pair = a_pair({"hold_by": "inactive"}, {"answer_after": 1.0, "users": ["bob", "dave"]})
    pair.room.run_until(1.0)
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(3.0)
    pair.room.tell(pair.phone, "hold")
    pair.room.tell(pair.phone, "call", "dave")
    pair.room.run_until(7.0)
    return pair


def starts_after(pair: Pair, at: float) -> list[str]:
    return [line.split("@")[0] for when, line in pair.room.starts() if when >= at]


def test_the_one_who_connects_is_out_of_it(a_pair: MakePair) -> None:
    """RFC 5589 7.1: REFER is taken, NOTIFY reports (RFC 3515), both calls end."""
    pair = with_two_calls(a_pair)
    pair.room.tell(pair.phone, "transfer", "dave")
    pair.room.run_until(8.0)
    methods = starts_after(pair, 7.0)
    assert methods[:2] == ["REFER sip:bob", "SIP/2.0 202 Accepted"]
    assert [line for line in methods if line[:3] in ("BYE", "NOT")].count("NOTIFY sip:alice") == 1
    assert {line for line in methods if line.startswith("BYE")} == {"BYE sip:alice", "BYE sip:bob"}
    assert pair.room.said(What.TRANSFERRED) == [("alice", "bob", "")]


@pytest.mark.parametrize(
    ("before", "after"), [(b"%40192.168.20.100", b"%40203.0.113.1"), (b"to-tag%3D", b"to-tag%3Dx")]
)
def test_a_call_that_is_not_known_by_that_name_is_not_replaced(
    a_pair: MakePair, before: bytes, after: bytes
) -> None:
    """RFC 3891 3: Call-ID and both tags must be those of the call."""

    def rename(send: Send) -> Send:
        return replace(send, payload=send.payload.replace(before, after))

    pair = with_two_calls(a_pair)
    pair.room.on_the_way = rename
    pair.room.tell(pair.phone, "transfer", "dave")
    said = "alice wants to connect bob with dave: 481 Call/Transaction Does Not Exist"
    assert pair.room.said(What.TRANSFER_REFUSED) == [("alice", "bob", said)]
    assert not any(line.startswith("BYE") for line in starts_after(pair, 7.0))


def test_a_refer_that_nobody_answers_is_given_up(a_pair: MakePair) -> None:
    pair = with_two_calls(a_pair)
    pair.room.on_the_way = lambda send: None if b"REFER" in send.payload else send
    pair.room.tell(pair.phone, "transfer", "dave")
    pair.room.run_until(40.0)
    said = "alice wants to connect bob with dave: no answer to REFER in 32 s"
    assert pair.room.said(What.TRANSFER_UNANSWERED) == [("alice", "bob", said)]


def test_without_a_call_there_is_nobody_to_connect(pair: Pair) -> None:
    pair.room.tell(pair.phone, "transfer", "bob")
    assert not any("REFER" in line for _, line in pair.room.starts())
