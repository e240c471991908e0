"""What a worker says is decoded into what it may say, and nothing else."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.gateway.workers import frames
from appliance.gateway.workers.frames import BadFrame, FromWorker, decode_from_worker, encode

ENDS = (0xC0A81464, 5060)
SOUND: list[FromWorker] = [
    frames.Loaded("mine", "sip", ["port"], (True, True, False)),
    frames.Edited([(0, 3, b"new", "field", "rule")], "message", ""),
    frames.Refused("rule"),
    frames.Explained("why", "RFC 3261 8"),
    frames.Decided(None),
    frames.Decided(ENDS),
    frames.Failed("KeyError: 'via'", False),
    frames.Map(ENDS, "udp"),
    frames.MapPair(ENDS),
    frames.Expect(ENDS, None, "udp", ("call", "x", 1), "audio", 60.0, None),
    frames.Remember(b"key", b"value", 60.0),
    frames.AskWish("is_free", 4000),
]


@pytest.mark.parametrize("frame", SOUND, ids=lambda frame: type(frame).__name__)
def test_a_frame_arrives_as_it_was_said(frame: FromWorker) -> None:
    assert decode_from_worker(encode(frame)) == frame


@pytest.mark.parametrize(
    "frame",
    [
        frames.Map((1 << 32, 5060), "udp"),
        frames.Map((-1, 5060), "udp"),
        frames.Map((1, 0), "udp"),
        frames.Map((1, 65536), "udp"),
        frames.Map(ENDS, "sctp"),  # type: ignore[arg-type]
        frames.MapPair((1, 65535)),
        frames.Keep(-1.0),
        frames.Keep(math.nan),
        frames.Keep(math.inf),
        frames.Expect(ENDS, None, "udp", "x", "audio", 366 * 86400.0, None),
        frames.Expect(ENDS, None, "udp", "x" * 501, "audio", 60.0, None),
        frames.Expect(ENDS, None, "udp", ("x",) * 9, "audio", 60.0, None),
        frames.Expect(ENDS, None, "udp", (("x",),), "audio", 60.0, None),  # type: ignore[arg-type]
        frames.Remember(b"k" * 513, b"", 60.0),
        frames.Remember(b"k", b"v" * 1025, 60.0),
        frames.Edited([(-1, 3, b"", "", "")], "message", ""),
        frames.Edited([], "nonsense", ""),  # type: ignore[arg-type]
        frames.Edited([], "message", "x" * 1001),
        frames.Edited([(0, 1, b"", "f", "r")] * 4097, "message", ""),
        frames.Edited([(0, 1, "text", "f", "r")], "message", ""),  # type: ignore[list-item]
        frames.Refused("x" * 201),
        frames.Loaded("", "sip", [], (True, True, True)),
        frames.Explained(1, ""),  # type: ignore[arg-type]
        frames.AskWish("pool", 1),  # type: ignore[arg-type]
        frames.Granted(1),  # the appliance's own word
    ],
    ids=str,
)
def test_what_is_out_of_its_range_is_refused(frame: FromWorker) -> None:
    with pytest.raises(BadFrame):
        decode_from_worker(encode(frame))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x92\xa7Refused\xa3\xed\xa0\x80",  # a surrogate
        b"\x92\xa7Refused\xa2\xff\xfe",
        b"\x91" * 100_000,
        msgspec.msgpack.encode({"type": "Refused", "rule": "x"}),
        msgspec.msgpack.encode(["Refused"]),
        msgspec.msgpack.encode(["Exec", "rm -rf /"]),
        b"x" * (frames.LARGEST_FRAME + 1),
    ],
    ids=lambda data: repr(data[:16]),
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(BadFrame):
        decode_from_worker(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_are_refused(data: bytes) -> None:
    try:
        decode_from_worker(data)
    except BadFrame:
        return
