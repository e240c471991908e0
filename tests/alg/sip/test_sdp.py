"""Session descriptions, RFC 8866: the lines with addresses and ports, and no others."""

from __future__ import annotations

import pytest

from alg.sip import sdp
from alg.sip.fields import MISSING, text
from alg.sip.message import Malformed

PREFIX = b"headers before\r\n\r\n"
BODY = b"""v=0
o=alice 2890844526 2890844526 IN IP4 192.0.2.1
s=c=IN IP4 192.0.2.77
c=IN IP4 192.0.2.2
t=0 0
a=rtcp:1
m=audio 49170/2 RTP/AVP 0
c=IN IP4 192.0.2.3
a=rtcp:53020 IN IP4 192.0.2.4
a=rtcp-mux
a=rtcp-muxed
m=Video 0 udp/tls/rtp/savpf 96
c=IN IP6 2001:db8::1
"""


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_places_in_the_message(line_end: bytes) -> None:
    data = PREFIX + BODY.replace(b"\n", line_end)
    session = sdp.parse(data, len(PREFIX), len(data))
    assert text(data, session.origin) == b"192.0.2.1"
    assert session.connection is not None
    assert text(data, session.connection.address) == b"192.0.2.2"
    audio, video = session.streams
    assert (audio.media, audio.protocol, audio.single) == (b"audio", b"RTP/AVP", False)
    assert text(data, audio.port) == b"49170"
    assert text(data, audio.rtcp_port) == b"53020"
    assert text(data, audio.rtcp_address) == b"192.0.2.4"
    assert audio.rtcp_mux
    assert (video.media, video.protocol, video.single) == (b"video", b"UDP/TLS/RTP/SAVPF", True)
    assert video.rtcp_port == MISSING
    assert not video.rtcp_mux
    assert session.connection_of(video) == sdp.Connection(MISSING)
    assert not session.ice


def parse(text: str) -> sdp.Session:
    data = b"\n" + text.encode()
    return sdp.parse(data, 1, len(data))


@pytest.mark.parametrize(
    "origin",
    ["- 1 1 IN IP6 2001:db8::1", "- 1 1 IN IP4", "1 IN IP4 192.0.2.1", "- 1 1 IN IP4 a b", ""],
)
def test_an_origin_that_cannot_be_read_is_nobodys(origin: str) -> None:
    assert parse(f"o={origin}").origin == MISSING


@pytest.mark.parametrize("value", ["IN", "IN IP4", "IN IP4 a b", ""])
def test_a_connection_that_cannot_be_read_is_malformed(value: str) -> None:
    with pytest.raises(Malformed):
        parse(f"c={value}")


@pytest.mark.parametrize("value", ["audio", "audio x RTP/AVP 0", "audio 1/x RTP/AVP 0", "audio 1"])
def test_a_stream_that_cannot_be_read_is_malformed(value: str) -> None:
    with pytest.raises(Malformed):
        parse(f"c=IN IP4 192.0.2.1\nm={value}")


def test_a_stream_in_use_needs_an_address() -> None:
    assert parse("m=audio 0 RTP/AVP 0").streams
    with pytest.raises(Malformed, match="no c="):
        parse("m=audio 9 RTP/AVP 0")


@pytest.mark.parametrize("line", ["a=candidate:1", "a=ice-ufrag:x"])
def test_ice_is_seen_at_either_level(line: str) -> None:
    assert parse(line).ice
    assert parse(f"m=audio 0 RTP/AVP 0\n{line}").ice
    assert not parse(f"s={line}").ice


def test_sixteen_streams_are_read_and_seventeen_are_not() -> None:
    assert len(parse("m=audio 0 RTP/AVP 0\n" * 16).streams) == 16
    with pytest.raises(Malformed, match="more than 16"):
        parse("m=audio 0 RTP/AVP 0\n" * 17)
