"""Session descriptions as the parties write and read them."""

from __future__ import annotations

import pytest

from appliance.parties.description import Description, media_endpoint, read
from nat.endpoint import Endpoint

HERE = Endpoint.parse("192.168.20.100:4000")


def test_a_description_says_where_to_send_audio() -> None:
    media = Endpoint.parse("192.168.20.100:4000")
    body = Description("alice", media, 17).write()
    assert media_endpoint(body) == media
    assert b"o=alice 17 17 IN IP4 192.168.20.100\r\n" in body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n", "192.0.2.1:4000"),
        (
            b"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.2\r\n",
            "192.0.2.2:4000",
        ),
        (
            b"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"
            b"m=video 5000 RTP/AVP 31\r\nc=IN IP4 192.0.2.3\r\n",
            "192.0.2.1:4000",
        ),
        (b"c=IN IP4 192.0.2.1\r\nm=audio 0 RTP/AVP 0\r\n", None),
        (b"c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\n", None),
        (b"m=audio 4000 RTP/AVP 0\r\n", None),
        (b"c=IN IP4 192.0.2.1\r\nm=audio\r\n", None),
        (b"", None),
    ],
)
def test_where_audio_goes(body: bytes, expected: str | None) -> None:
    """RFC 8866 5.7: the c= of the stream wins. RFC 3264 5.1 and 8.4: port 0 and 0.0.0.0."""
    assert media_endpoint(body) == (Endpoint.parse(expected) if expected else None)


@pytest.mark.parametrize(
    ("said", "control"),
    [
        (Description("alice", HERE, 17), "192.168.20.100:4001"),
        (Description("alice", HERE, 17, rtcp=4101), "192.168.20.100:4101"),
    ],
)
def test_rtcp_goes_to_the_port_above_or_where_a_rtcp_says(said: Description, control: str) -> None:
    """RFC 3550 11, RFC 3605 2.1."""
    assert read(said.write()).control == Endpoint.parse(control)


def test_a_port_alone_is_at_the_address_of_the_audio() -> None:
    body = b"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:53020\r\n"
    assert read(body).control == Endpoint.parse("192.0.2.1:53020")


@pytest.mark.parametrize(
    ("direction", "hears"),
    [("sendrecv", True), ("recvonly", True), ("sendonly", False), ("inactive", False)],
)
def test_who_is_on_hold_is_sent_nothing(direction: str, hears: bool) -> None:
    """RFC 3264 5.1: each side says it as it sees it."""
    wanted = read(Description("alice", HERE, 17, direction=direction).write())
    assert (wanted.direction, wanted.hears) == (direction, hears)


def test_the_c_line_may_stand_under_the_stream() -> None:
    body = Description("alice", HERE, 17, under_stream=True).write()
    assert body.index(b"m=audio") < body.index(b"c=IN IP4")
    assert media_endpoint(body) == HERE


def test_a_changed_description_has_a_higher_version() -> None:
    """RFC 3264 8."""
    assert b"o=alice 17 19 IN" in Description("alice", HERE, 17, version=2).write()


def test_digits_are_a_payload_type_with_two_lines() -> None:
    """RFC 4733 2.4.1: named by a=rtpmap, for the events 0 to 15."""
    body = Description("alice", HERE, 17, events=101).write()
    assert b"RTP/AVP 0 101\r\n" in body
    assert b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n" in body
    assert read(body).events == 101


@pytest.mark.parametrize("line", [b"97 telephone-event/8000", b"5 telephone-event/8000", b"101 x"])
def test_a_type_that_the_m_line_has_not_or_that_is_not_dynamic_is_no_digit(line: bytes) -> None:
    """RFC 3551 6; RFC 8866 6.6."""
    body = b"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0 5 101\r\na=rtpmap:" + line + b"\r\n"
    assert read(body).events == 0


def test_more_codecs_are_more_payload_types_and_two_lines_for_each() -> None:
    """RFC 8866 6.6; the first one is the one that is used."""
    body = Description("alice", Endpoint.parse("192.0.2.1:4000"), 1, codecs=2).write()
    assert b"m=audio 4000 RTP/AVP 0 96 97\r\n" in body
    assert body.count(b"a=fmtp:") == 2
    assert media_endpoint(body) == Endpoint.parse("192.0.2.1:4000")
