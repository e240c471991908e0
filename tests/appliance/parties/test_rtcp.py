"""Reports beside the audio (RFC 3550 6)."""

from __future__ import annotations

from struct import unpack

from appliance.parties.rtcp import Control
from nat.endpoint import Endpoint

HERE = Endpoint.parse("192.168.20.100:4001")


def test_a_report_says_who_when_and_how_much() -> None:
    """6.1: a sender report first, and a name in the same packet; 6.4.1: what stands in it."""
    report = Control(HERE).say(0xCAFE, 4000, 25, "alice", 2.5)
    flags, kind, length, ssrc, _, fraction, timestamp, packets, octets = unpack(
        "!BBHIIIIII", report[:28]
    )
    assert (flags, kind, length, ssrc) == (0x80, 200, 6, 0xCAFE)
    assert (fraction, timestamp, packets, octets) == (1 << 31, 4000, 25, 4000)
    source = report[28:]
    flags, kind, length, ssrc = unpack("!BBHI", source[:8])
    assert (flags, kind, ssrc) == (0x81, 202, 0xCAFE)
    assert len(source) == 4 * (length + 1)
    assert source[8:15] == b"\x01\x05alice"
    assert source[15:] == bytes(len(source) - 15) != b""


def test_reports_are_counted_and_nothing_else_is() -> None:
    """A.2."""
    here, there = Control(HERE), Control(HERE)
    assert here.hear(there.say(1, 0, 0, "bob", 0.0))
    assert not here.hear(b"\x80\x00" + bytes(170))
    assert not here.hear(b"\x80\xc8")
    assert (there.sent, here.heard) == (1, 1)
