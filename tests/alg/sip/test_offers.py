"""Session descriptions: every line that names an address or a port, and the pinholes behind it."""

from __future__ import annotations

from typing import Any

import pytest

from alg.base import Unavailable
from alg.sip.correct import Sip
from appliance.gateway.trial import Trial
from nat.endpoint import Endpoint
from tests.support.conversation import occupy

INVITE = """
{method} sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK{cseq}
From: <sip:alice@example.com>;tag=a
To: <sip:bob@example.com>{to_tag}
Call-ID: call-1
CSeq: {cseq} {method}
Contact: <sip:alice@192.168.20.100:5060>
Content-Type: application/sdp
Content-Length: ?

{sdp}
"""
ANSWER = """
SIP/2.0 {status}
Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bK{cseq}
From: <sip:alice@example.com>;tag=a
To: <sip:bob@example.com>;tag={tag}
Call-ID: call-1
CSeq: {cseq} {method}
Contact: <sip:bob@203.0.113.9:5060>
Content-Type: application/sdp
Content-Length: ?

{sdp}
"""
SDP = """v=0
o=- 176664 176664 IN IP4 192.168.20.100
s=-
c=IN IP4 192.168.20.100
t=0 0
"""
THEIRS = """v=0
o=- 1 1 IN IP4 203.0.113.9
s=-
c=IN IP4 {address}
t=0 0
m=audio 9000 RTP/AVP 0
"""
AUDIO = SDP + "m=audio 14254 RTP/AVP 0\n"


def invite(sdp: str = AUDIO, cseq: int = 1, method: str = "INVITE", to_tag: str = "") -> str:
    return INVITE.format(sdp=sdp.strip(), cseq=cseq, method=method, to_tag=to_tag)


def answer(
    sdp: str, status: str = "200 OK", cseq: int = 1, method: str = "INVITE", tag: str = "b"
) -> str:
    return ANSWER.format(sdp=sdp.strip(), status=status, cseq=cseq, method=method, tag=tag)


def theirs(address: str = "203.0.113.9") -> str:
    return THEIRS.format(address=address)


def description(message: bytes) -> list[str]:
    return message.decode().partition("\r\n\r\n")[2].split("\r\n")


def busy(talk: Any, *ports: int) -> None:
    """Let another phone have these ports already."""
    for port in ports:
        other = talk.context.internal._replace(address=talk.context.internal.address + 1, port=port)
        occupy(talk.context, other)
    talk.context.commit()


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ("m=audio 14254 RTP/AVP 0", "m=audio 14256 RTP/AVP 0"),
        ("m=audio 14254 RTP/AVPF 0", "m=audio 14256 RTP/AVPF 0"),
        ("m=audio 14254 RTP/SAVP 0", "m=audio 14256 RTP/SAVP 0"),
        ("m=video 14254 UDP/TLS/RTP/SAVPF 96", "m=video 14256 UDP/TLS/RTP/SAVPF 96"),
        ("m=image 14254 udptl t38", "m=image 14256 udptl t38"),
        ("m=application 14254 UDP/BFCP *", "m=application 14256 UDP/BFCP *"),
        ("m=application 14254 UDP/TLS/BFCP *", "m=application 14256 UDP/TLS/BFCP *"),
        (
            "m=application 14254 UDP/DTLS/SCTP webrtc-datachannel",
            "m=application 14256 UDP/DTLS/SCTP webrtc-datachannel",
        ),
        ("m=application 14254 udp wb", "m=application 14256 udp wb"),
        ("m=audio 14254/1 RTP/AVP 0", "m=audio 14256/1 RTP/AVP 0"),
        ("m=audio\t14254  RTP/AVP  0", "m=audio\t14256  RTP/AVP  0"),
    ],
)
def test_a_stream_gets_the_port_that_the_nat_holds_for_it(
    plain: Any, media: str, expected: str
) -> None:
    busy(plain, 14254, 14255)
    sent = description(plain.out(invite(SDP + media)))
    assert sent == [
        "v=0",
        "o=- 176664 176664 IN IP4 203.0.113.1",
        "s=-",
        "c=IN IP4 203.0.113.1",
        "t=0 0",
        expected,
    ]


@pytest.mark.parametrize(
    "media",
    [
        "m=audio 0 RTP/AVP 0",
        "m=audio 22 RTP/AVP 0",
        "m=audio 70000 RTP/AVP 0",
        "m=audio " + "9" * 40 + " RTP/AVP 0",
        "m=audio 14254/2 RTP/AVP 0",
        "m=audio 014254 RTP/AVP 0",
        "m=audio 14254 TCP/RTP/AVP 0",
        "m=message 14254 TCP/MSRP *",
        "m=application 14254 TCP/BFCP *",
        "m=application 14254 DCCP/RTP/AVP 0",
        "m=audio 14254 RTP/AVP 0\nc=IN IP4 198.51.100.7",
        "m=audio 14254 RTP/AVP 0\nc=IN IP4 192.168.20.101",
        "m=audio 14254 RTP/AVP 0\nc=IN IP4 192.168.7.999",
        "m=audio 14254 RTP/AVP 0\nc=IN IP4 0.0.0.0",
        "m=audio 14254 RTP/AVP 0\nc=IN IP4 phone.example.com",
        "m=audio 14254 RTP/AVP 0\nc=IN IP6 2001:db8::1",
        "m=audio 14254 RTP/AVP 0\nc=IN IP4 233.252.0.1/127",
        "m=audio 14254 RTP/AVP 0\nc=IN IP4 192.168.20.100/127",
        "m=audio 14254 RTP/AVP 0\nc=IN IP4 192.168.20.100\nc=IN IP4 192.168.20.100",
    ],
)
def test_a_stream_that_cannot_be_mapped_is_left_alone_and_opens_nothing(
    plain: Any, media: str
) -> None:
    """Rule unmappable-stays: only the origin, which is the host's own address, is translated."""
    sent = description(plain.out(invite(SDP + media)))
    assert sent == (SDP + media).replace("IP4 192.168.20.100\ns", "IP4 203.0.113.1\ns").split("\n")
    assert plain.open == []


def test_each_stream_has_a_pair_of_its_own(plain: Any) -> None:
    """Rule port-pair."""
    sdp = AUDIO + "m=video 14256 RTP/AVP 31\nm=image 14258 udptl t38\n"
    plain.out(invite(sdp))
    assert [pinhole.split("<")[0] for pinhole in plain.open] == [
        "14254",
        "14255",
        "14256",
        "14257",
        "14258",
    ]


def test_bundled_streams_share_one_mapping(plain: Any) -> None:
    """Rule stream-by-stream, RFC 9143: several m= lines with the same port."""
    busy(plain, 14254, 14255)
    sent = description(plain.out(invite(AUDIO + "m=video 14254 RTP/AVP 31")))
    assert sent[5:] == ["m=audio 14256 RTP/AVP 0", "m=video 14256 RTP/AVP 31"]


def test_session_and_media_level_are_each_decided_alone(plain: Any) -> None:
    """Rule stream-by-stream: a foreign media c= stays, and session c= is not forced to it."""
    sdp = (
        AUDIO
        + "m=video 5000 RTP/AVP 31\nc=IN IP4 198.51.100.7\n"
        + "m=audio 14260 RTP/AVP 0\nc=IN IP4 192.168.20.100\n"
    )
    sent = description(plain.out(invite(sdp)))
    assert sent[3] == "c=IN IP4 203.0.113.1"
    assert sent[6:] == [
        "m=video 5000 RTP/AVP 31",
        "c=IN IP4 198.51.100.7",
        "m=audio 14260 RTP/AVP 0",
        "c=IN IP4 203.0.113.1",
    ]


def test_a_session_address_that_no_stream_uses_stays(plain: Any) -> None:
    """Rule stream-by-stream."""
    sdp = SDP + "m=audio 14254 RTP/AVP 0\nc=IN IP4 198.51.100.7\n"
    assert "c=IN IP4 192.168.20.100" in description(plain.out(invite(sdp)))


def test_a_foreign_origin_stays(plain: Any) -> None:
    sdp = AUDIO.replace("o=- 176664 176664 IN IP4 192.168.20.100", "o=- 1 2 IN IP4 198.51.100.7")
    sent = description(plain.out(invite(sdp)))
    assert sent[1] == "o=- 1 2 IN IP4 198.51.100.7"
    assert sent[3] == "c=IN IP4 203.0.113.1"


@pytest.mark.parametrize(
    ("media", "rtp", "rtcp", "pinholes"),
    [
        ("m=audio 14254 RTP/AVP 0\na=rtcp:14255", "14256", "a=rtcp:14257", [14254, 14255]),
        ("m=audio 14254 RTP/AVP 0\na=rtcp:15000", "14256", "a=rtcp:15000", [14254, 15000]),
        (
            "m=audio 14254 RTP/AVP 0\na=rtcp:14255 IN IP4 192.168.20.100",
            "14256",
            "a=rtcp:14257 IN IP4 203.0.113.1",
            [14254, 14255],
        ),
        (
            "m=audio 14254 RTP/AVP 0\na=rtcp:14255 IN IP4 198.51.100.7",
            "14256",
            "a=rtcp:14255 IN IP4 198.51.100.7",
            [14254],
        ),
        (
            "m=audio 14254 RTP/AVP 0\na=rtcp:14255 IN IP6 2001:db8::1",
            "14256",
            "a=rtcp:14255 IN IP6 2001:db8::1",
            [14254],
        ),
        ("m=audio 14255 RTP/AVP 0\na=rtcp:16001", "14257", "a=rtcp:16001", [14255, 16001]),
        ("m=audio 14254 RTP/AVP 0\na=rtcp:22", "14256", "a=rtcp:22", [14254]),
        ("m=audio 14254 RTP/AVP 0\na=rtcp-mux", "14256", "a=rtcp-mux", [14254]),
    ],
)
def test_rtcp_is_where_the_description_says(
    plain: Any, media: str, rtp: str, rtcp: str, pinholes: list[int]
) -> None:
    """Rule rtcp-attribute; and RFC 5761 5.1.1: with rtcp-mux both are on one port."""
    busy(plain, 14254, 14255)
    sent = description(plain.out(invite(SDP + media)))
    assert sent[5].split()[1] == rtp
    assert sent[6] == rtcp
    assert plain.open == [f"{port}<-203.0.113.9" for port in pinholes]


def test_rtcp_mux_that_is_agreed_on_needs_one_port(plain: Any) -> None:
    plain.out(invite(AUDIO + "a=rtcp-mux"))
    assert len(plain.context.nat.table.mappings.by_external) == 2, "the signalling's and RTP's"
    plain.into(answer(theirs() + "a=rtcp-mux"))
    assert plain.open == ["14254<-203.0.113.9"]


def test_rtcp_mux_that_is_refused_opens_the_port_above(plain: Any) -> None:
    """RFC 5761 5.1.1: without the attribute in the answer, RTCP goes to a port of its own."""
    plain.out(invite(AUDIO + "a=rtcp-mux"))
    plain.into(answer(theirs()))
    assert plain.open == ["14254<-203.0.113.9", "14255<-203.0.113.9"]


def test_rtcp_mux_that_is_refused_when_the_port_above_is_gone_is_said(plain: Any) -> None:
    plain.out(invite(AUDIO + "a=rtcp-mux"))
    busy(plain, 14255)
    plain.into(answer(theirs()))
    assert plain.open == ["14254<-203.0.113.9"]
    assert plain.answer.not_opened == (
        "RTCP beside 192.168.20.100:14254 is not opened: No external port is free.",
    )


def test_an_answer_with_rtcp_mux_never_opens_the_rtcp_port(plain: Any) -> None:
    incoming = answer(theirs()).replace("SIP/2.0 200 OK", "INVITE sip:alice@203.0.113.1 SIP/2.0")
    plain.into(incoming)
    plain.out(answer(AUDIO + "a=rtcp-mux"))
    assert plain.open == ["14254<-203.0.113.9"]


@pytest.mark.parametrize(
    "attribute", ["a=candidate:1 1 UDP 1 192.0.2.1 9 typ host", "a=ice-ufrag:x"]
)
def test_with_ice_the_description_is_left_alone(talk: Any, attribute: str) -> None:
    """Rule ice-finds-a-way, RFC 8445 5.4: a default that no candidate repeats is a mismatch."""
    sdp = AUDIO + attribute
    assert description(talk.out(invite(sdp))) == sdp.split("\n")
    assert talk.open == []
    assert "ICE" in talk.note
    assert "via.host" in talk.edited


def test_the_length_is_counted_again(plain: Any) -> None:
    """Rule lengths-follow."""
    sent = plain.out(invite())
    head, _, body = sent.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_without_content_length_none_is_added(plain: Any) -> None:
    """Legal over UDP (RFC 3261 18.3); a known helper drops such a message."""
    sent = plain.out(invite().replace("Content-Length: ?\n", ""))
    assert b"Content-Length" not in sent
    assert "c=IN IP4 203.0.113.1" in description(sent)


def test_only_an_own_stream_that_is_left_alone_is_worth_a_note(plain: Any) -> None:
    media = "m=message 9 TCP/MSRP *"
    plain.out(invite(SDP + media))
    assert "left alone" in plain.note
    plain.out(invite(SDP + media + "\nc=IN IP4 198.51.100.7"))
    assert plain.note == ""


def test_a_second_phone_on_the_same_port_gets_the_next_pair(plain: Any) -> None:
    busy(plain, 14255)
    assert "m=audio 14256 RTP/AVP 0" in description(plain.out(invite()))


def test_odd_ports_stay_odd(plain: Any) -> None:
    """Rule port-pair, RFC 4787 4.2.2; a known helper clears the low bit."""
    busy(plain, 14255)
    sdp = SDP + "m=audio 14255 RTP/AVP 0"
    assert "m=audio 14257 RTP/AVP 0" in description(plain.out(invite(sdp)))


def test_a_repeated_invite_is_the_same_bytes(plain: Any) -> None:
    """Rule same-again: a retransmission."""
    busy(plain, 14254)
    first = plain.out(invite())
    assert plain.out(invite()) == first
    assert len(plain.context.expectations) == 2


def test_more_ports_than_allowed_are_that_streams_loss(plain: Any) -> None:
    """Rule said-not-hidden: four pairs are opened and announced, the fifth is declined."""
    four = "".join(f"m=audio {port} RTP/AVP 0\n" for port in range(14254, 14262, 2))
    sent = plain.out(invite(SDP + four + "m=audio 15000 RTP/AVP 0\n"))
    assert len(plain.open) == 8
    assert description(sent)[-1] == "m=audio 0 RTP/AVP 0"
    assert plain.answer.not_opened == (
        "audio at 192.168.20.100:15000 is not opened: a description may ask for 8 ports",
    )


@pytest.mark.parametrize("verb", ["map_pair", "expect"])
def test_where_nothing_can_be_opened_the_headers_are_translated_all_the_same(
    plain: Any, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """Rule said-not-hidden: at a limit. The description announces nothing, and stays as it is."""

    def full(*arguments: Any, **more: Any) -> None:
        raise Unavailable("the limit is reached")

    monkeypatch.setattr(Trial, verb, full)
    sent = plain.out(invite())
    assert b"Via: SIP/2.0/UDP 203.0.113.1:5060" in sent
    assert b"Contact: <sip:alice@203.0.113.1:5060>" in sent
    assert description(sent)[3:] == AUDIO.split("\n")[3:-1]
    assert plain.open == []
    assert len(plain.answer.not_opened) == 1


def test_a_stream_that_is_open_already_is_not_lost_to_a_limit(
    plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule said-not-hidden: a re-INVITE with one stream more, when only what there is is to be
    had."""
    plain.out(invite())
    plain.into(answer(theirs()))
    map_pair = Trial.map_pair

    def full(context: Trial, internal: Endpoint) -> Endpoint:
        if internal.port != 14254:
            raise Unavailable("the limit is reached")
        return map_pair(context, internal)

    monkeypatch.setattr(Trial, "map_pair", full)
    sent = plain.out(invite(AUDIO + "m=video 14300 RTP/AVP 31", cseq=2))
    assert [line.split()[1] for line in description(sent)[5:]] == ["14254", "0"]
    assert plain.open == ["14254<-203.0.113.9", "14255<-203.0.113.9"]


def test_seventeen_media_lines_are_not_read(plain: Any, on_the_wire: Any) -> None:
    many = invite(SDP + "m=audio 0 RTP/AVP 0\n" * 17)
    assert plain.out(many) == on_the_wire(many)
    assert plain.reading.name == "MALFORMED"


@pytest.mark.parametrize(
    "line", ["m=audio fourteen RTP/AVP 0", "m=audio 14254", "c=IN", "m=audio 1 RTP/AVP 0\na=rtcp:x"]
)
def test_a_description_that_cannot_be_read_leaves_the_whole_message_alone(
    plain: Any, on_the_wire: Any, line: str
) -> None:
    """Rule pass-unchanged."""
    message = invite(AUDIO + line)
    assert plain.out(message) == on_the_wire(message)
    assert plain.open == []
    assert plain.reading.name == "MALFORMED"


def test_a_stream_without_any_address_leaves_the_whole_message_alone(
    plain: Any, on_the_wire: Any
) -> None:
    """RFC 8866 5.7: c= is needed at one of the levels."""
    message = invite(AUDIO.replace("c=IN IP4 192.168.20.100\n", ""))
    assert plain.out(message) == on_the_wire(message)
    assert plain.open == []


@pytest.mark.parametrize("method", ["OPTIONS", "MESSAGE", "INFO", "BYE"])
def test_methods_that_negotiate_nothing_open_nothing(plain: Any, method: str) -> None:
    """Rule negotiating-messages: elsewhere c= and o= are translated, and nothing is opened."""
    sent = description(plain.out(invite(method=method)))
    assert sent[1].endswith("203.0.113.1")
    assert sent[3] == "c=IN IP4 203.0.113.1"
    assert plain.open == []


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "PRACK", "ACK"])
def test_methods_that_negotiate_open_pinholes(plain: Any, method: str) -> None:
    """Rule negotiating-messages."""
    plain.out(invite(method=method))
    assert plain.open == ["14254<-203.0.113.9", "14255<-203.0.113.9"]


@pytest.mark.parametrize(
    ("status", "opened"), [("180 Ringing", 2), ("183 Progress", 2), ("200 OK", 2), ("488 No", 0)]
)
def test_the_phones_own_answers_open_pinholes(plain: Any, status: str, opened: int) -> None:
    plain.into(answer(theirs()).replace("SIP/2.0 200 OK", "INVITE sip:alice@203.0.113.1 SIP/2.0"))
    plain.out(answer(AUDIO, status))
    assert len(plain.open) == opened


def test_a_delayed_offer_opens_with_the_ack(plain: Any) -> None:
    """RFC 3264: the offer in the 2xx, the answer in ACK."""
    plain.out(invite("").replace("Content-Type: application/sdp\n", ""))
    plain.into(answer(theirs("198.51.100.7")))
    assert plain.open == []
    plain.out(invite(method="ACK"))
    assert plain.open == [
        "14254<-198.51.100.7",
        "14254<-203.0.113.9",
        "14255<-198.51.100.7",
        "14255<-203.0.113.9",
    ]


def test_the_peers_description_tells_who_may_send(plain: Any) -> None:
    """Invariant I-E3, rule peer-only: the signalling peer, or the address in its description."""
    plain.out(invite())
    plain.into(answer(theirs("198.51.100.7"), "183 Progress"))
    assert plain.open == [
        "14254<-198.51.100.7",
        "14254<-203.0.113.9",
        "14255<-198.51.100.7",
        "14255<-203.0.113.9",
    ]


def test_anyone_may_send_when_so_configured(conversation: Any) -> None:
    talk = conversation(Sip(), "203.0.113.1:5060", media_peers="any")
    talk.out(invite())
    assert talk.open == ["14254<-anyone", "14255<-anyone"]


def test_a_pinhole_waits_three_minutes_and_then_lives_as_long_as_the_call(plain: Any) -> None:
    """Rule as-long-as-the-call."""
    plain.out(invite())
    assert {(known.deadline, known.used_lifetime) for known in plain.context.expectations} == {
        (180.0, 86_400.0)
    }


def test_an_answer_reaches_the_phone_even_if_its_pinhole_cannot_be_had(
    plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes fail open, pinholes fail closed."""
    plain.out(invite())

    def full(*arguments: Any, **more: Any) -> None:
        raise Unavailable("the limit is reached")

    monkeypatch.setattr(Trial, "expect", full)
    assert b"Via: SIP/2.0/UDP 192.168.20.100:5060" in plain.into(answer(theirs("198.51.100.7")))
    assert plain.note == "the limit is reached"
    assert plain.open == ["14254<-203.0.113.9", "14255<-203.0.113.9"]


MULTIPART = """
INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK1
Call-ID: call-1
CSeq: 1 INVITE
Content-Type: multipart/mixed; boundary="b 1"
Content-Length: ?

preamble
--b 1
Content-Type: text/plain

not a description: 192.168.20.100
--b 1
Content-Type: application/sdp
Content-Length: {length}

{sdp}
--b 1--
epilogue
"""


LENGTH = len(AUDIO.strip().replace("\n", "\r\n"))


def multipart(length: int = LENGTH) -> str:
    return MULTIPART.format(sdp=AUDIO.strip(), length=length)


def test_in_a_multipart_body_only_the_description_is_edited(talk: Any) -> None:
    """Rule lengths-follow: every length is right, inside and outside."""
    sent = talk.out(multipart())
    head, _, body = sent.partition(b"\r\n\r\n")
    assert b"not a description: 192.168.20.100" in body
    assert b"c=IN IP4 203.0.113.1" in body
    assert f"Content-Length: {len(body)}".encode() in head
    assert f"Content-Length: {LENGTH - 6}\r\n\r\nv=0".encode() in body
    assert len(talk.open) == 2


def test_a_wrong_length_of_a_part_leaves_the_whole_message_alone(
    talk: Any, on_the_wire: Any
) -> None:
    """Invariant I-A2."""
    message = multipart(LENGTH + 1)
    assert talk.out(message) == on_the_wire(message)
    assert talk.open == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Content-Type: application/sdp", "Content-Type: text/plain"),
        ("Content-Type: application/sdp\n", ""),
        ("Content-Type: application/sdp", "Content-Type: application/sdp\nContent-Encoding: gzip"),
        ("Content-Type: application/sdp", "Content-Type: application/pkcs7-mime"),
    ],
)
def test_other_bodies_are_not_looked_at(talk: Any, before: str, after: str) -> None:
    sent = talk.out(invite().replace(before, after))
    assert description(sent) == AUDIO.strip().split("\n")
    assert talk.open == []


def test_the_echo_of_a_description_comes_back_as_it_was_written(plain: Any) -> None:
    """Rule round-trip: what goes out, echoed, comes in as the original text."""
    busy(plain, 14254, 14255)
    sdp = AUDIO + "a=rtcp:14255 IN IP4 192.168.20.100"
    sent = "\n".join(description(plain.out(invite(sdp))))
    assert "203.0.113.1" in sent
    assert description(plain.into(answer(sent))) == sdp.split("\n")


def test_the_description_of_another_inside_host_stays_external(plain: Any) -> None:
    """Rule neighbours-stay: the peer behind the same NAT is reached by hairpin."""
    busy(plain, 9000)
    sdp = theirs("203.0.113.1").strip()
    assert description(plain.into(answer(sdp))) == sdp.split("\n")
