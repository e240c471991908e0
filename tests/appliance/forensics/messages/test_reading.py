"""A good message keeps its bytes, whatever stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alg.ftp.application import FTP
from alg.registry import APPLICATIONS
from alg.sip.application import SIP
from appliance.forensics.messages import reading
from appliance.forensics.messages.excerpt import Excerpt
from appliance.forensics.messages.reading import MOST_LINES, USUAL_LINES, read
from tests.support.excerpts import (
    GOOD,
    INVITE,
    KAMAILIO,
    RINGING,
    SDP,
    WRAPPINGS,
    ended,
    pcap,
    wrapped,
)
from tests.support.packets import udp
from tests.support.sweep import sampled

PORTS = {"sip": (5060,), "ftp": (21,)}


def found(text: bytes) -> Sequence[Excerpt]:
    return read(text, APPLICATIONS.values(), PORTS).excerpts


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("kind", sampled(GOOD, 4))
def test_a_good_message_keeps_its_bytes_whatever_the_wrapping(kind: str, wrapping: str) -> None:
    assert [each.data for each in found(wrapped(wrapping, GOOD[kind]))] == [GOOD[kind]]


# The mark of a text's encoding stands once.
ONE_AFTER_THE_OTHER = [name for name in WRAPPINGS if "byte order" not in name and "UTF" not in name]


@pytest.mark.parametrize("wrapping", ONE_AFTER_THE_OTHER)
def test_several_at_once_are_all_found_in_their_order(wrapping: str) -> None:
    text = b"".join(wrapped(wrapping, each) for each in (INVITE, RINGING, INVITE))
    assert [each.data for each in found(text)] == [INVITE, RINGING, INVITE]


@pytest.mark.parametrize(
    ("wrapping", "done"),
    [
        ("as it is", ()),
        ("with LF", ("line ends",)),
        ("with CR CR LF", ("line ends",)),
        ("with its CRs shown", ("line ends shown as ^M",)),
        ("with a byte order mark, and CRLF", ("a byte order mark",)),
        ("in UTF-16", ("UTF-16", "line ends")),
        ("indented", ("indentation", "line ends")),
        ("quoted", ("quoting", "line ends")),
        ("numbered", ("log prefixes", "line ends")),
        ("sngrep", ("sngrep", "line ends")),
        ("tcpdump -A", ("tcpdump", "line ends")),
        ("tshark's follow", ("tshark's follow",)),
        ("Asterisk, chan_sip", ("Asterisk's log", "line ends")),
        ("Asterisk, chan_sip, each line", ("Asterisk's log", "log prefixes", "line ends")),
        ("Kamailio, each line", ("log prefixes", "line ends")),
        ("Kamailio, rsyslog", ("log prefixes", "line ends written as text")),
        ("Kamailio's sipdump", ("Kamailio's sipdump",)),
    ],
)
def test_what_was_done_is_said(wrapping: str, done: tuple[str, ...]) -> None:
    assert [each.done for each in found(wrapped(wrapping, INVITE))] == [done]


def test_the_line_is_said_in_which_a_message_begins() -> None:
    text = wrapped("Asterisk, chan_sip", INVITE) + wrapped("in a mail", RINGING)
    lines = [int(each.where.removeprefix("line ")) for each in found(text)]
    rows = text.split(b"\n")
    assert [rows[line - 1].split(b" ")[0] for line in lines] == [b"INVITE", b"SIP/2.0"]


@pytest.mark.parametrize("wrapping", [name for name in WRAPPINGS if name != "as it is"])
def test_a_wrong_length_is_not_made_right(wrapping: str) -> None:
    """The message is what somebody wants to see, with all its faults."""
    damaged = INVITE.replace(b"Content-Length: 1", b"Content-Length: 9")
    assert damaged != INVITE
    assert [each.data for each in found(wrapped(wrapping, damaged))] == [damaged]


@pytest.mark.parametrize(
    "data",
    [
        INVITE,
        INVITE[:-1],
        INVITE + b"\r\n",
        INVITE.replace(b"Content-Length", b"X"),
        INVITE.replace(b"192.168.20.100:5060;", b"\n192.168.20.100:5060;"),
        INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"),
        INVITE.replace(b"alice", b"\x1b[2J\xff"),
        INVITE.partition(b"\r\n\r\n")[0] + b"\r\n",
    ],
)
def test_what_has_a_message_s_own_line_ends_is_not_touched(data: bytes) -> None:
    """A message as it was on the wire, be it right or wrong."""
    assert found(data) == [Excerpt(data, SIP, "line 1")]


def test_a_first_line_that_is_damaged_is_mended_no_more_than_others() -> None:
    damaged = INVITE.replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia")
    assert [each.data for each in found(wrapped("with LF", damaged))] == [damaged]


def test_the_end_of_a_paste_may_have_lost_its_line_ends() -> None:
    (excerpt,) = found(ended(RINGING).rstrip().encode())
    assert excerpt.data == RINGING
    assert excerpt.done == ("line ends", "the empty line at the end")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\r\n\r\n",
        b"hello\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"Got SIP/2.0 200 OK from 192.0.2.9, as expected\nand went on\n",
        b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_message_is_none(text: bytes) -> None:
    assert found(text) == ()


def test_a_long_log_is_read_to_its_end() -> None:
    """Messages are looked for in windows, and none is cut by the end of one."""
    log = wrapped("Kamailio, each line", INVITE)
    times = 2 * MOST_LINES // log.count(b"\n") + 3
    assert [each.data for each in found(log * times)] == [INVITE] * times


@pytest.mark.parametrize("rows", [10, USUAL_LINES, 3 * USUAL_LINES])
@pytest.mark.parametrize("wrapping", ["with LF", "quoted", "Kamailio, each line", "in a mail"])
def test_a_long_message_is_read_to_its_end(wrapping: str, rows: int) -> None:
    """Few lines are looked at first, and more if it goes on behind them."""
    body = SDP + b"a=candidate:1 1 UDP 1 192.168.20.100 4000 typ host\r\n" * rows
    long = INVITE.replace(b"Content-Length: %d" % len(SDP), b"Content-Length: %d" % len(body))
    long = long.replace(SDP, body)
    text = b"".join(wrapped(wrapping, each) for each in (long, RINGING, long))
    assert [each.data for each in found(text)] == [long, RINGING, long]


@pytest.mark.parametrize("gap", range(7))
def test_lines_between_messages_are_nobody_s(gap: int) -> None:
    other = f"{KAMAILIO}something else\n".encode() * gap
    text = other + wrapped("Kamailio, each line", INVITE) + other + b"\n"
    assert [each.data for each in found(text * 2)] == [INVITE] * 2


def test_commands_of_another_protocol_need_line_ends_alone() -> None:
    assert [(each.data, each.application, each.done) for each in found(b"USER a\nPASV\n")] == [
        (b"USER a\r\n", FTP, ("line ends",)),
        (b"PASV\r\n", FTP, ("line ends",)),
    ]


def test_a_capture_is_read_as_one() -> None:
    capture = pcap([udp("192.168.20.100:5060", "192.0.2.9:5060", INVITE)])
    (excerpt,) = found(capture)
    assert excerpt.data == INVITE
    assert excerpt.where == "packet 1, UDP 192.168.20.100:5060 to 192.0.2.9:5060"


def test_no_more_text_is_read_than_is_promised_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "LARGEST_TEXT", 2 * len(INVITE))
    excerpts, note = read(INVITE * 3, APPLICATIONS.values(), PORTS)
    assert [each.data for each in excerpts] == [INVITE] * 2
    assert note == f"only the first {2 * len(INVITE)} bytes were read"


PIECES = (
    *(b"INVITE sip:a@192.0.2.1 SIP/2.0", b"SIP/2.0 200 OK", b"Via: x", b"Content-Length: 7"),
    *(b"\n", b"\r\n", b"\r", b"> ", b"    ", b"10:00:01 ", b"---", b"<--- a --->", b"#015#012"),
    *(b"10:00:01.1 IP 192.0.2.1.5 > 192.0.2.2.5: SIP: SIP/2.0 200 OK", b"Follow: udp,ascii"),
    *(b"\xff\xfe", b"\xef\xbb\xbf", b"v=0", b"7", b"=" * 20, b"~" * 20),
)


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=30).map(b"".join))
def test_any_text_has_an_answer(text: bytes) -> None:
    for excerpt in found(text):
        assert excerpt.data
        assert excerpt.where


def test_a_message_that_is_no_text_is_a_file_by_itself() -> None:
    """Also with the length that TCP puts before it, and where it breaks off."""
    raw = Path("docs/examples/pbx-answer.bin").read_bytes()
    for data in (raw, len(raw).to_bytes(2) + raw, raw[:-1]):
        (excerpt,) = found(data)
        assert (excerpt.data, excerpt.application.name) == (data, "dns")
        assert (excerpt.where, excerpt.done) == ("the whole file", ())
