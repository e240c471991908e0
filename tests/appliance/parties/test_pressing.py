"""Keys that are pressed in a call, and a menu that waits for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from appliance.parties.party import Send, What
from appliance.parties.rtp import HEADER
from tests.support.parties import pbx_traits, phone_traits

if TYPE_CHECKING:
    from conftest import Pair

    MakePair = Callable[..., Pair]


def pressed(
    a_pair: MakePair, phone: str, on_the_way: Any = None, digit: str = "1", **pbx: Any
) -> Pair:
    """Alice has called a menu that knows 1 and 2, and pressed a key half a second later."""
    menu = {"answer_after": 0.5, "digits_by": "events", "menu": "12", "menu_patience": 2.0, **pbx}
    pair = a_pair({"digits_by": phone}, menu)
    pair.room.run_until(1.0)
    pair.room.tell(pair.phone, "call", "bob")
    pair.room.run_until(2.0)
    pair.room.on_the_way = on_the_way or pair.room.on_the_way
    pair.room.tell(pair.phone, "press", digit)
    pair.room.run_until(5.0)
    return pair


@pytest.mark.parametrize("by", ["events", "info"])
def test_a_menu_hears_a_key_in_the_audio_and_in_the_signalling(a_pair: MakePair, by: str) -> None:
    """RFC 4733 2.3; RFC 6086 4.2."""
    pair = pressed(a_pair, by)
    assert pair.room.said(What.CHOICE_MADE) == [("bob", "alice", "1")]
    assert pair.room.said(What.CALL_DROPPED) == []
    heard = [detail for who, _, detail in pair.room.said(What.LEARNT) if who == "pbx"]
    assert heard[-1] == "hears the digit 1, which alice has pressed, at"


def test_the_packets_of_a_key_take_the_place_of_audio_and_have_its_time(a_pair: MakePair) -> None:
    """RFC 4733 2.2.1: the timestamp is that of the beginning; RFC 3550 5.1: sequence numbers go on.
    What is said of keys is not counted as audio."""
    pair = pressed(a_pair, "events")
    rtp = [send.payload for _, send in pair.room.sent if send.destination.port == 10000]
    headers = [HEADER.unpack_from(each) for each in rtp]
    keys = [each for each in headers if each[1] & 0x7F == 101]
    assert len(keys) == 7
    assert [each[1] >> 7 for each in keys] == [1, 0, 0, 0, 0, 0, 0]
    assert len({each[3] for each in keys}) == 1
    assert [each[2] & 0xFFFF for each in headers] == [
        headers[0][2] + number & 0xFFFF for number in range(len(headers))
    ]
    alice, bob = pair.streams()["alice"], pair.streams()["bob"]
    assert alice.sent == len(headers) - len(keys) == bob.heard


def test_one_of_the_three_last_packets_is_enough_and_counts_once(a_pair: MakePair) -> None:
    """RFC 4733 2.5.1.4."""
    ends = 0

    def only_the_last(send: Send) -> Send | None:
        nonlocal ends
        is_key = len(send.payload) == 16 and send.payload[1] & 0x7F == 101
        ends += is_key and send.payload[13] >> 7
        return None if is_key and ends < 3 else send

    assert len(pressed(a_pair, "events", only_the_last).room.said(What.CHOICE_MADE)) == 1
    assert ends == 3


@pytest.mark.parametrize("digit", ["3", "#"])
def test_without_a_choice_the_menu_hangs_up(a_pair: MakePair, digit: str) -> None:
    pair = pressed(a_pair, "events", digit=digit)
    assert pair.room.said(What.CHOICE_MADE) == []
    assert pair.room.said(What.CALL_DROPPED) == [("bob", "alice", "no choice was made in 2 s")]


@pytest.mark.parametrize(
    ("phone", "pbx"), [("none", {}), ("events", {"digits_by": "info"})], ids=["phone", "menu"]
)
def test_where_nothing_carries_a_key_that_is_said(
    a_pair: MakePair, phone: str, pbx: dict[str, Any]
) -> None:
    """RFC 3264 6.1: the answer has no payload type for it."""
    pair = pressed(a_pair, phone, **pbx)
    why = "the key 1 was pressed, and nothing carries it in this call"
    assert pair.room.said(What.MESSAGE_DISCARDED) == [("alice", "", why)]


def test_a_key_and_a_menu_are_possible_ones(pair: Pair) -> None:
    with pytest.raises(ValueError, match="no key"):
        pair.room.tell(pair.phone, "press", "12")
    with pytest.raises(ValueError, match="nobody can choose"):
        pbx_traits(menu="1").check()
    with pytest.raises(ValueError, match="payload type 101"):
        phone_traits(digits_by="events", more_codecs=6).check()
