"""How long a call's pinholes live, told as timelines (`>` outwards, `<` inwards)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from alg.sip.dialogs import MOST_DIALOGS
from nat.endpoint import Direction
from tests.support.conversation import occupy

HEAD = """
{start}
Via: SIP/2.0/UDP {via};branch=z9hG4bK{cseq}
From: <sip:{sender}@example.com>;tag={sender_tag}
To: <sip:{recipient}@example.com>{recipient_tag}
Call-ID: call-1
CSeq: {cseq} {method}
"""
SDP = """Content-Type: application/sdp
Content-Length: ?

v=0
o=- 1 1 IN IP4 {address}
s=-
c=IN IP4 {address}
t=0 0
"""
LINE = re.compile(
    r"(?P<way>[<>]) (?:(?P<status>\d{3}) )?(?P<method>[A-Z]+) (?P<cseq>\d+)"
    r"(?: from (?P<starter>alice|bob))?(?: tag (?P<tag>\w+))?(?: sdp (?P<media>.+))?"
)


def message(line: str) -> str:
    """`> 200 INVITE 1 from bob tag b sdp 4000 5000*` as a message; alice is inside, `*` marks a
    port on hold, 0 a refused stream. A request is alice's unless bob is named."""
    found = LINE.fullmatch(line)
    assert found, line
    status, way = found["status"], found["way"]
    starter = found["starter"] or ("alice" if (way == ">") == (status is None) else "bob")
    other = "bob" if starter == "alice" else "alice"
    tags = {"alice": ";tag=a", "bob": ";tag=" + (found["tag"] or "b")}
    first = found["method"] == "INVITE" and found["tag"] == "none"
    head = HEAD.format(
        start=f"SIP/2.0 {status} Whatever"
        if status
        else f"{found['method']} sip:x@y.example SIP/2.0",
        via="203.0.113.1:5060" if way == "<" else "192.168.20.100:5060",
        sender=starter,
        sender_tag=tags[starter].removeprefix(";tag="),
        recipient=other,
        recipient_tag="" if first else tags[other],
        cseq=found["cseq"],
        method=found["method"],
    )
    return head + (description(found["media"], way) if found["media"] else "Content-Length: 0\n")


def description(media: str, way: str) -> str:
    text = SDP.format(address="192.168.20.100" if way == ">" else "203.0.113.9")
    for port in media.split():
        text += f"m=audio {port.rstrip('*')} RTP/AVP 0\n"
        if port.endswith("*"):
            text += "c=IN IP4 0.0.0.0\n"
    return text.rstrip("\n")


def play(talk: Any, story: str) -> None:
    """Each line is a message; `= ports` states which RTP ports are open after it."""
    for line in filter(None, map(str.strip, story.split("\n"))):
        if line.startswith("="):
            assert rtp_ports(talk) == line[1:].split(), f"at {line!r} of {story}"
        elif line.startswith(">"):
            talk.out(message(line))
        else:
            talk.into(message(line))


def rtp_ports(talk: Any) -> list[str]:
    ports = {known.mapping.internal.port for known in talk.context.expectations}
    return [str(port) for port in sorted(ports) if port % 2 == 0]


CALLS = {
    "a call from inside, hung up inside": """
        > INVITE 1 sdp 4000
        = 4000
        < 100 INVITE 1
        < 180 INVITE 1
        < 200 INVITE 1 sdp 9000
        > ACK 1
        = 4000
        > BYE 2
        =""",
    "the request BYE is enough": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 sdp 9000
        < BYE 7
        =""",
    "a call from outside": """
        < INVITE 1 sdp 9000
        =
        > 180 INVITE 1
        =
        > 200 INVITE 1 sdp 4000
        = 4000
        < ACK 1
        < BYE 2
        =""",
    "busy": """
        > INVITE 1 sdp 4000
        < 486 INVITE 1
        =""",
    "refused by the phone after early media": """
        < INVITE 1 sdp 9000
        > 183 INVITE 1 sdp 4000
        = 4000
        > 603 INVITE 1
        =""",
    "challenged, and asked again": """
        > INVITE 1 sdp 4000
        < 407 INVITE 1
        =
        > ACK 1
        > INVITE 2 sdp 4000
        = 4000
        < 407 INVITE 1
        = 4000
        < 200 INVITE 2 sdp 9000
        = 4000""",
    "cancelled": """
        > INVITE 1 sdp 4000
        < 180 INVITE 1
        > CANCEL 1
        =
        < 487 INVITE 1
        =""",
    "an answer that is repeated after the end opens nothing": """
        < INVITE 1 sdp 9000
        > 200 INVITE 1 sdp 4000
        < BYE 2
        =
        > 200 INVITE 1 sdp 4000
        =""",
    "a new call after the end may have the same Call-ID": """
        > INVITE 1 sdp 4000
        > CANCEL 1
        > INVITE 2 sdp 4000
        = 4000""",
    "a re-INVITE that succeeds moves the stream": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 sdp 9000
        > INVITE 2 sdp 5000
        = 4000 5000
        < 200 INVITE 2 sdp 9000
        = 5000""",
    "a re-INVITE that fails leaves the running stream": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 sdp 9000
        > INVITE 2 sdp 5000
        < 488 INVITE 2
        = 4000
        > BYE 3
        =""",
    "a re-INVITE that is cancelled leaves the running stream": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 sdp 9000
        > INVITE 2 sdp 5000
        > CANCEL 2
        = 4000 5000
        < 487 INVITE 2
        = 4000""",
    "a re-INVITE from outside that the phone refuses changes nothing": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 sdp 9000
        < INVITE 5 sdp 9100
        > 488 INVITE 5
        = 4000""",
    "an UPDATE that fails leaves the running stream": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 sdp 9000
        > UPDATE 2 sdp 5000
        < 491 UPDATE 2
        = 4000""",
    "forty re-INVITEs leave one pair": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 sdp 9000"""
    + "".join(
        f"""
        > INVITE {n} sdp {4000 + n * 2}
        < 200 INVITE {n} sdp 9000"""
        for n in range(2, 42)
    )
    + """
        = 4082""",
    "a stream that is refused is closed": """
        > INVITE 1 sdp 4000 5000
        = 4000 5000
        < 200 INVITE 1 sdp 9000 0
        = 4000""",
    "a stream that is taken out is closed when that is agreed": """
        > INVITE 1 sdp 4000 5000
        < 200 INVITE 1 sdp 9000 9002
        > INVITE 2 sdp 4000 0
        = 4000 5000
        < 200 INVITE 2 sdp 9000 0
        = 4000""",
    "a call on hold keeps its port": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 sdp 9000
        > INVITE 2 sdp 4000*
        < 200 INVITE 2 sdp 9000
        = 4000
        > INVITE 3 sdp 4000
        < 200 INVITE 3 sdp 9000
        = 4000""",
    "the phone's answer on the other side's offer replaces its streams at once": """
        < INVITE 1 sdp 9000
        > 200 INVITE 1 sdp 4000
        < INVITE 2 sdp 9100
        > 200 INVITE 2 sdp 5000
        = 5000""",
    "forking: a branch that refuses a stream early does not speak for the others": """
        > INVITE 1 sdp 4000 5000
        < 183 INVITE 1 tag b1 sdp 9000 0
        = 4000 5000
        < 200 INVITE 1 tag b2 sdp 9100 9102
        = 4000 5000""",
    "forking: the media go with the last dialog": """
        > INVITE 1 sdp 4000
        < 200 INVITE 1 tag b1 sdp 9000
        < 200 INVITE 1 tag b2 sdp 9100
        > BYE 2 tag b1
        = 4000
        > BYE 2 tag b1
        = 4000
        < BYE 9 tag b2
        =""",
    "PRACK and UPDATE within the setup": """
        > INVITE 1 sdp 4000
        < 183 INVITE 1 sdp 9000
        > PRACK 2
        < 200 PRACK 2
        > UPDATE 3 sdp 4000
        < 200 UPDATE 3 sdp 9000
        = 4000
        < 200 INVITE 1
        = 4000
        > BYE 4
        =""",
    "a BYE of a call that nobody saw beginning": """
        > BYE 4
        =""",
}


@pytest.mark.parametrize("story", CALLS.values(), ids=CALLS.keys())
def test_pinholes_live_as_long_as_their_call(plain: Any, story: str) -> None:
    """Invariants I-E1 and I-E4; rules closed-with-the-call, failed-offer-undone and hold-keeps."""
    play(plain, story)


def test_made_up_tags_do_not_fill_the_memory(plain: Any) -> None:
    play(plain, "> INVITE 1 sdp 4000")
    for number in range(40):
        play(plain, f"< 200 INVITE 1 tag t{number} sdp 9000")
    context = plain.context.facing(Direction.IN)
    call = context.recall(("call", "call-1", context.internal.address))
    assert len(call.dialogs) == MOST_DIALOGS


def test_a_bye_over_another_connection_closes_as_well(plain: Any) -> None:
    """Rule call-not-connection: known from a helper that left the pinholes of such calls open."""
    play(plain, "> INVITE 1 sdp 4000\n< 200 INVITE 1 sdp 9000")
    plain.into(message("< BYE 7"), remote="198.51.100.20:5080")
    assert plain.open == []


def test_two_inside_hosts_in_one_call_do_not_share_their_pinholes(plain: Any) -> None:
    """The same Call-ID passes twice when both phones are behind this NAT."""
    play(plain, "> INVITE 1 sdp 4000")
    context = plain.context
    other = context.internal._replace(address=context.internal.address + 1)
    occupy(context, other)
    plain.context = context.facing(context.direction, internal=other)
    play(plain, "> BYE 9")
    assert rtp_ports(plain) == ["4000"]


def test_a_contact_on_a_port_of_its_own_is_open_to_the_peer_until_the_end(plain: Any) -> None:
    """Rule contact-opens, RFC 3261 12.1.1. Nothing is opened over TCP for it."""
    with_contact = message("> INVITE 1 sdp 4000").replace(
        "Content-Type", "Contact: <sip:a@192.168.20.100:5070>\nContent-Type"
    )
    assert b"Contact: <sip:a@203.0.113.1:5070>" in plain.out(with_contact)
    assert "5070<-203.0.113.9" in plain.open
    play(plain, "< 200 INVITE 1 sdp 9000\n > BYE 2")
    assert plain.open == []
    over_tcp = with_contact.replace(":5070>", ":5072;transport=tcp>")
    assert b"Contact: <sip:a@203.0.113.1:5072;transport=tcp>" in plain.out(over_tcp)
    assert not any(pinhole.startswith("5072") for pinhole in plain.open)
