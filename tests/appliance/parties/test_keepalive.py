"""Keep-alives: what is sent, how often, and what its receiver makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from appliance.parties.keepalive import is_keep_alive
from appliance.parties.party import Send, What

if TYPE_CHECKING:
    from conftest import Pair, Room

    MakePair = Callable[..., Pair]


def sent(room: Room, payload: bytes) -> list[float]:
    return [at for at, send in room.sent if send.payload == payload]


@pytest.mark.parametrize(
    ("payload", "is_one"),
    [(b"", True), (b"\r\n", True), (b"\r\n\r\n", True), (bytes(4), True), (b"BYE", False)],
)
def test_line_ends_zeros_and_nothing_at_all_are_no_messages(payload: bytes, is_one: bool) -> None:
    """RFC 5626 3.5.1, and what phones and servers send in its place."""
    assert is_keep_alive(payload) is is_one


@pytest.mark.parametrize(
    ("kind", "payload"), [("crlf", b"\r\n"), ("double-crlf", b"\r\n\r\n"), ("zeros", bytes(4))]
)
def test_a_registered_phone_sends_one_every_so_many_seconds(
    room: Room, a_pair: MakePair, kind: str, payload: bytes
) -> None:
    """And the server complains of none."""
    a_pair({"keep_alive": kind, "keep_alive_every": 20.0})
    room.run_until(70.0)
    assert sent(room, payload)[:3] == [20.0, 40.0, 60.0]
    assert room.said(What.MESSAGE_DISCARDED) == []


def test_options_are_a_keep_alive_that_is_answered(room: Room, a_pair: MakePair) -> None:
    a_pair({"keep_alive": "options", "keep_alive_every": 20.0})
    room.run_until(50.0)
    asked = [at for at, line in room.starts() if line == "OPTIONS sip:203.0.113.9"]
    assert asked == [20.0, 40.0]


def test_two_line_ends_are_answered_by_one(room: Room, a_pair: MakePair) -> None:
    """RFC 5626 3.5.1: the pong."""
    a_pair({"keep_alive": "double-crlf", "keep_alive_every": 20.0})
    room.run_until(50.0)
    assert sent(room, b"\r\n") == [20.0, 40.0]
    assert len(room.said(What.REGISTRATION_TRIED)) == 1


def test_a_phone_without_a_pong_in_ten_seconds_registers_anew(room: Room, a_pair: MakePair) -> None:
    """RFC 5626 4.4.1: the flow has failed."""

    def no_pongs(send: Send) -> Send | None:
        return None if send.payload == b"\r\n" else send

    room.on_the_way = no_pongs
    a_pair({"keep_alive": "double-crlf", "keep_alive_every": 20.0})
    room.run_until(35.0)
    lost = [at for at, report in room.reports if report.what is What.REGISTRATION_UNANSWERED]
    assert lost == [30.0]
    assert len(room.said(What.REGISTRATION_ACCEPTED)) == 2


def test_a_phone_without_service_keeps_nothing_alive(room: Room, a_pair: MakePair) -> None:
    room.on_the_way = lambda send: None
    a_pair({"keep_alive": "crlf", "keep_alive_every": 20.0})
    room.run_until(60.0)
    assert sent(room, b"\r\n") == []
