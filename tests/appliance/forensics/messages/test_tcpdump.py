"""`tcpdump -A`: headers have no line of their own."""

from __future__ import annotations

import pytest

from appliance.forensics.messages.lines import lines_of
from appliance.forensics.messages.tcpdump import UDP_HEADERS, sections

FLOW = "IP 192.0.2.1.5060 > 192.0.2.2.5060:"
HEAD = b"E" + b"." * (UDP_HEADERS - 2) + b"Q"


@pytest.mark.parametrize(
    "about",
    [
        f"10:00:01.123456 {FLOW} SIP: BYE sip:a SIP/2.0",
        f"2026-11-21 10:00:01.123456 {FLOW} SIP: BYE sip:a SIP/2.0",
        f"{FLOW} SIP: BYE sip:a SIP/2.0",
        f"02:02:02:02:02:02 > 02:02:02:02:02:03, ethertype IPv4 (0x0800), length 90: "
        f"{FLOW[3:]} SIP: BYE sip:a SIP/2.0",
        f"eth0  Out {FLOW} SIP: BYE sip:a SIP/2.0",
        f"{FLOW} UDP, length 90",
        f"{FLOW} Flags [P.], seq 1:91, ack 1, win 229, length 90: SIP: BYE sip:a SIP/2.0",
    ],
)
def test_a_message_begins_behind_the_headers(about: str) -> None:
    text = about.encode() + b"\n" + HEAD + b"BYE sip:a SIP/2.0\nVia: x\n"
    (section,) = sections(lines_of(text))
    assert [line.text for line in section.lines] == [b"BYE sip:a SIP/2.0", b"Via: x"]
    assert section.done == ("tcpdump",)


@pytest.mark.parametrize("at", [5, 27])
def test_a_line_feed_in_the_headers_does_not_matter(at: int) -> None:
    """A port, a length or a checksum may have a byte 10."""
    text = f"{FLOW} SIP: BYE sip:a SIP/2.0\n".encode()
    text += HEAD[:at] + b"\n" + HEAD[at + 1 :] + b"BYE sip:a SIP/2.0\nVia: x\n"
    (section,) = sections(lines_of(text))
    assert [line.text for line in section.lines] == [b"BYE sip:a SIP/2.0", b"Via: x"]


@pytest.mark.parametrize(
    ("flags", "headers"),
    [
        ("Flags [P.], seq 1:91, ack 1, win 229, length 90", b"E" + b"." * 38 + b"Q"),
        (
            "Flags [P.], seq 1:91, ack 1, win 229, options [nop,nop,TS val 7 ecr 8], length 90",
            b"E" + b"." * 42 + b"\n" + b"." * 7 + b"Q",
        ),
    ],
)
def test_a_segment_s_headers_are_known_from_its_options(flags: str, headers: bytes) -> None:
    """Kind 8 and length 10 begin the timestamps (RFC 7323 3.2), and 10 is a line feed."""
    text = f"{FLOW} {flags}\n".encode() + headers + b"BYE sip:a SIP/2.0\nVia: x\n"
    (section,) = sections(lines_of(text))
    assert [line.text for line in section.lines] == [b"BYE sip:a SIP/2.0", b"Via: x"]


def test_the_mark_of_a_last_line_that_does_not_end_is_taken_away() -> None:
    text = f"{FLOW} SIP, length: 3\n\tabc [|sip]\n".encode()
    assert [[line.text for line in each.lines] for each in sections(lines_of(text))] == [[b"\tabc"]]


def test_each_packet_is_a_section() -> None:
    text = f"{FLOW} UDP, length 3\n{'E':.<28}abc\n{FLOW} UDP, length 0\n".encode()
    assert [[line.text for line in each.lines] for each in sections(lines_of(text))] == [
        [b"abc"],
        [],
    ]


def test_other_text_is_not_tcpdump_s() -> None:
    assert sections(lines_of(b"IP 192.0.2.1 is down\nhello\n")) == []
