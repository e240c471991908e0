"""RTP as it is sent and counted (RFC 3550, RFC 3551)."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from appliance.parties.rtp import HEADER, TONES, Stream, tone, ulaw
from nat.endpoint import Endpoint

HERE, THERE = Endpoint.parse("192.168.20.100:4000"), Endpoint.parse("203.0.113.9:10000")


def a_stream() -> Stream:
    return Stream(HERE, THERE, Random(1))


def test_a_packet_is_12_bytes_of_header_and_20_ms_of_pcmu() -> None:
    """RFC 3551 4.5.14: PCMU is payload type 0, 8,000 samples a second, a byte each."""
    packet = a_stream().say()
    assert len(packet) == 12 + 160
    assert packet[0] == 0x80
    assert packet[1] & 0x7F == 0


def test_only_the_first_packet_of_a_talkspurt_is_marked() -> None:
    """RFC 3551 4.1."""
    stream = a_stream()
    assert [stream.say()[1] >> 7 for _ in range(3)] == [1, 0, 0]


@pytest.mark.slow
def test_sequence_grows_by_one_and_timestamp_by_160_and_both_wrap() -> None:
    """RFC 3550 5.1."""
    stream = a_stream()
    headers = [HEADER.unpack_from(stream.say()) for _ in range(70_000)]
    steps = {
        ((after[2] - before[2]) % 2**16, (after[3] - before[3]) % 2**32, after[4] - before[4])
        for before, after in pairwise(headers)
    }
    assert steps == {(1, 160, 0)}


@pytest.mark.parametrize(
    ("sample", "code"), [(0, 0xFF), (-1, 0x7F), (32767, 0x80), (-32768, 0x00), (8, 0xFE)]
)
def test_ulaw_of_known_samples(sample: int, code: int) -> None:
    """ITU-T G.711: silence is 0xFF, the loudest samples are 0x80 and 0x00."""
    assert ulaw(sample) == code


@pytest.mark.parametrize("frequency", TONES)
def test_a_tone_goes_on_without_a_click_from_packet_to_packet(frequency: int) -> None:
    periods = frequency * 160 / 8000
    assert periods == int(periods)
    assert len(tone(frequency)) == 160


@pytest.mark.parametrize(
    ("packet", "heard"),
    [
        (a_stream().say(), True),
        (b"", False),
        (b"\x80\x00" + bytes(9), False),
        (b"\x80\x08" + bytes(170), False),
        (b"\x40\x00" + bytes(170), False),
        (b"OPTIONS sip:a@b SIP/2.0\r\n", False),
    ],
    ids=["pcmu", "empty", "short", "other codec", "version 1", "not rtp"],
)
def test_only_rtp_of_the_agreed_codec_is_heard(packet: bytes, heard: bool) -> None:
    stream = a_stream()
    assert stream.hear(packet) is heard
    assert stream.heard == heard


def test_a_stream_knows_its_own_packets() -> None:
    stream = a_stream()
    assert stream.is_own(stream.say())
    assert not stream.is_own(Stream(stream.local, None, Random(77)).say())
