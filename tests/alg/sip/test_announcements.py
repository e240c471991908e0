"""What the parties of a call have announced, as they wrote it and as the other side read it."""

from __future__ import annotations

import pytest

from alg.base import Announced, Passage
from alg.sip.announcements import announced
from alg.sip.message import parse
from nat.endpoint import Direction, Endpoint
from tests.support.conversation import PHONE, SERVER, wire

OWN, SHOWN = "192.168.20.100", "203.0.113.1"


def invite(
    address: str, port: int, *lines: str, media: str = "audio", profile: str = "RTP/AVP"
) -> bytes:
    body = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    body += [f"m={media} {port} {profile} 0", *lines, ""]
    head = """
    INVITE sip:bob@example.net SIP/2.0
    Call-ID: c
    CSeq: 1 INVITE
    Content-Type: application/sdp
    Content-Length: ?

    """
    return wire(head.strip("\n") + "\n".join(f"    {line}" for line in body).strip(" "))


def read(
    before: bytes, after: bytes | None = None, direction: Direction = Direction.OUT
) -> tuple[Announced, ...] | None:
    passage = Passage(before, before if after is None else after, direction, "udp", PHONE, SERVER)
    return announced(passage, parse(before), "alice")


def at(text: str) -> Endpoint:
    return Endpoint.parse(text)


def test_own_is_what_came_and_shown_is_what_left() -> None:
    """RFC 3550 11: RTCP is on the port above."""
    audio, control = read(invite(OWN, 4000), invite(SHOWN, 10004)) or ()
    assert (audio.media, audio.party, audio.is_inside) == ("audio", "alice", True)
    assert (audio.own, audio.shown) == (at(f"{OWN}:4000"), at(f"{SHOWN}:10004"))
    assert (control.own, control.shown) == (at(f"{OWN}:4001"), at(f"{SHOWN}:10005"))
    assert (audio.sends, audio.hears, control.sends, control.hears) == (True, True, False, False)


def test_what_nobody_has_edited_was_shown_as_it_was_written() -> None:
    audio, _ = read(invite(OWN, 4000), direction=Direction.IN) or ()
    assert audio.shown == audio.own == at(f"{OWN}:4000")
    assert not audio.is_inside


def test_a_description_may_announce_nothing() -> None:
    """Its end may have been lost, with all streams: that is no reason to fail (RFC 8866 5)."""
    head, _, body = invite(OWN, 4000).partition(b"\r\n\r\n")
    kept = body[: body.index(b"m=audio")]
    head = head.replace(b"Length: %d" % len(body), b"Length: %d" % len(kept))
    assert not read(head + b"\r\n\r\n" + kept)


DIRECTIONS = {
    "a=sendrecv": (True, True),
    "a=sendonly": (True, False),
    "a=recvonly": (False, True),
    "a=inactive": (False, False),
    "a=sendonlyx": (True, True),
}


@pytest.mark.parametrize("line", DIRECTIONS)
def test_which_way_media_may_go_is_agreed(line: str) -> None:
    """RFC 3264 5.1; without an attribute it is sendrecv."""
    audio, _ = read(invite(OWN, 4000, line)) or ()
    assert (audio.sends, audio.hears) == DIRECTIONS[line]


def test_an_old_hold_hears_nothing() -> None:
    """RFC 3264 8.4: 0.0.0.0 in the c= line."""
    audio, _ = read(invite("0.0.0.0", 4000)) or ()
    assert (audio.sends, audio.hears) == (True, False)


@pytest.mark.parametrize(
    ("lines", "control"),
    [
        (("a=rtcp:4999",), ["192.168.20.100:4999"]),
        (("a=rtcp-mux",), []),
        ((), ["192.168.20.100:4001"]),
    ],
)
def test_rtcp_is_where_the_description_says(lines: tuple[str, ...], control: list[str]) -> None:
    """RFC 3605 2.1 (`a=rtcp`), RFC 5761 5.1.1 (`a=rtcp-mux`: with RTP)."""
    _, *others = read(invite(OWN, 4000, *lines)) or ()
    assert [str(each.own) for each in others] == control


def test_a_refused_stream_is_none_and_a_message_without_description_says_nothing() -> None:
    """RFC 3264 6: port 0."""
    assert read(invite(OWN, 0)) == ()
    assert (
        read(
            wire("BYE sip:bob@example.net SIP/2.0\nCall-ID: c\nCSeq: 2 BYE\nContent-Length: 0\n\n")
        )
        is None
    )


def test_only_rtp_has_rtcp() -> None:
    (fax,) = read(invite(OWN, 4000, media="image", profile="udptl")) or ()
    assert fax.media == "image"


@pytest.mark.parametrize("broken", [b"c=IN IP4 ", b"m=audio "])
def test_a_description_that_cannot_be_read_says_nothing(broken: bytes) -> None:
    message = invite(OWN, 4000).replace(broken, broken[:2] + b"/" * (len(broken) - 2))
    assert read(message) is None
