"""One line of ASCII for each event, and the same event back."""

from __future__ import annotations

import json

import msgspec
import pytest

from appliance.journal.events import (
    AnyEvent,
    Change,
    Event,
    FlowOpened,
    MessagePassed,
    PacketDropped,
    Started,
    decode,
    encode,
)
from nat.endpoint import Endpoint


def message(text: str) -> MessagePassed:
    change = Change(
        field="x", span=(0, 1), before=text, after="", expected=None, verdict="ok", rule="r",
        reason="", rfc="",
    )  # fmt: skip
    return MessagePassed(
        id=3, t=1.5, cause=2, alg="sip", module="off", flow=1, direction="out", transport="udp",
        source="", destination="", new_source="", new_destination="", verdict="unchanged",
        before=text, after=text, changes=[change],
    )  # fmt: skip


EVERY_BYTE = bytes(range(256)).decode("latin-1")


def test_every_byte_of_a_message_comes_back_and_the_line_is_ascii() -> None:
    line = encode(message(EVERY_BYTE))
    assert line.isascii()
    assert line.decode().isprintable(), "JSON lets DEL stand as it is"
    back = decode(line)
    assert isinstance(back, MessagePassed)
    assert back.before.encode("latin-1") == bytes(range(256))
    assert back == message(EVERY_BYTE)


def test_endpoints_of_either_family_come_back_as_they_were() -> None:
    opened = FlowOpened(
        flow=1, mapping=1, protocol="udp", internal="[2001:db8:1::64]:5060",
        external="[2001:db8::1]:40000", remote="203.0.113.9:5060", opened_by="packet",
    )  # fmt: skip
    back = decode(encode(opened))
    assert back == opened
    assert isinstance(back, FlowOpened)
    for text in (back.internal, back.external, back.remote):
        assert str(Endpoint.parse(text)) == text


def test_every_type_of_event_has_a_name_in_the_past_tense_and_is_found_by_it() -> None:
    kinds = AnyEvent.__args__  # type: ignore[attr-defined]
    names = {kind.__struct_config__.tag for kind in kinds}
    assert len(names) == len(kinds)
    assert set(Event.__subclasses__()) == set(kinds)


def test_the_schema_is_flat_and_has_words_of_its_own() -> None:
    event = PacketDropped(
        side="inside", reason="land", sentence="", rfc="", protocol="udp", source="",
        destination="", size=1,
    )  # fmt: skip
    line = json.loads(encode(event))
    assert line["type"] == "packet-dropped"
    assert {"id", "t", "cause", "count", "first", "last"} <= set(line)


def test_two_started_events_share_no_defaults() -> None:
    one = Started(wall=0.0, name="a", mode="appliance")
    one.parties["x"] = "y"
    assert Started(wall=0.0, name="b", mode="appliance").parties == {}


@pytest.mark.parametrize("line", [b"", b"{}", b'{"type": "unheard-of"}', b"\xff", b"[1]"])
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode(line)
