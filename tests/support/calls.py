"""Calls through the real engine: a phone inside, a server outside, and a clock that a test moves.

    A:5060 ── signalling ──┐                ┌── Y:5060
    A:7000 ── audio ───────┤ 203.0.113.1 ───┤
    A:7001 ── its RTCP ────┘                └── Y:9000

The words are those of the two ends: `invites`, `answers` and `hangs_up` are messages of a call,
`speaks` and `hears` its audio.
"""

from __future__ import annotations

import re
from typing import Any

from nat.endpoint import Endpoint
from tests.support import packets
from tests.support.packets import udp
from tests.support.world import World

PHONE = Endpoint.parse(f"{packets.A}:5060")
SERVER = Endpoint.parse(f"{packets.R}:5060")
AUDIO = PHONE._replace(port=7000)
THEIRS = SERVER._replace(port=9000)
DESCRIPTION = "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n{lines}"
OUT, IN = "out", "in"


def audio(port: int, *attributes: str) -> str:
    """The lines of one stream."""
    return "".join(f"{line}\r\n" for line in (f"m=audio {port} RTP/AVP 0", *attributes))


class Line(World):
    """One phone and its server. A message goes `out` or `in`."""

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        super().__init__({"alg.sip.module": "sip", **(settings or {})})
        self.external = PHONE
        self.send_message(OUT, "OPTIONS", "greeting", 1)

    # --- signalling --------------------------------------------------------------------

    def send_message(
        self,
        way: str,
        method: str,
        call: str,
        cseq: int,
        status: int = 0,
        media: str = "",
        headers: str = "",
        contact: str = "",
        after: bytes = b"",
    ) -> str:
        """A request or (with a status) an answer, with a description of `media` if it has any; what
        it has become on the other wire. `contact`: the host in it, if it is not the sender's
        own; `after`: bytes behind the body."""
        asks = way if not status else (IN if way == OUT else OUT)
        host = packets.A if way == OUT else packets.R
        body = DESCRIPTION.format(host=host, lines=media) if media else ""
        via = packets.A if asks == OUT else packets.R
        contact = contact or f"{host}:5060"
        kind = "Content-Type: application/sdp\r\n" if media else ""
        tags = "ab" if asks == OUT else "ba"
        text = (
            (
                f"SIP/2.0 {status} Answer\r\n"
                if status
                else f"{method} sip:x@example.com SIP/2.0\r\n"
            )
            + f"Via: SIP/2.0/UDP {via}:5060;branch=z9hG4bK{call}{cseq}\r\n"
            f"From: <sip:x@example.com>;tag={tags[0]}\r\nTo: <sip:y@example.com>;tag={tags[1]}\r\n"
            f"Call-ID: {call}\r\nCSeq: {cseq} {method}\r\nContact: <sip:x@{contact}>\r\n"
            f"{headers}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode() + after
        if way == OUT:
            seen = self.pass_out(udp(PHONE, SERVER, text))
            assert seen is not None
            self.external = seen.source
        else:
            seen = self.pass_in(udp(SERVER, self.external, text))
            assert seen is not None
        return seen.payload.decode()

    def calls_in(self, call: str, *attributes: str, port: int = AUDIO.port, more: str = "") -> int:
        """The server calls, the phone takes the call at once; the port that it announces.
        `attributes` are those of the phone's audio, `more` headers of its answer."""
        self.send_message(IN, "INVITE", call, 1, media=audio(THEIRS.port))
        text = self.send_message(
            OUT, "INVITE", call, 1, 200, media=audio(port, *attributes), headers=more
        )
        self.send_message(IN, "ACK", call, 1)
        return announced(text)

    def calls_out(self, call: str, *attributes: str, port: int = AUDIO.port, more: str = "") -> int:
        """The phone calls and the server takes the call, with these `attributes` of its audio and
        `more` headers in its answer."""
        text = self.send_message(OUT, "INVITE", call, 1, media=audio(port))
        self.send_message(
            IN, "INVITE", call, 1, 200, media=audio(THEIRS.port, *attributes), headers=more
        )
        self.send_message(OUT, "ACK", call, 1)
        return announced(text)

    def hangs_up(self, call: str, way: str = OUT) -> None:
        self.send_message(way, "BYE", call, 99)

    # --- media -------------------------------------------------------------------------

    def speaks(self, port: int = AUDIO.port, remote: Endpoint = THEIRS) -> int:
        """The phone sends a packet of media; the port that it leaves from."""
        seen = self.pass_out(udp(AUDIO._replace(port=port), remote, b"media"))
        assert seen is not None
        return seen.source.port

    def hears(self, external: int, remote: Endpoint = THEIRS) -> bool:
        """Does a packet of the other side to this port of the NAT reach the phone?"""
        destination = Endpoint(self.external.address, external)
        return self.pass_in(udp(remote, destination, b"media")) is not None

    def open_ports(self) -> list[int]:
        """The internal ports that somebody may send to unasked."""
        return sorted({Endpoint.parse(each["internal"]).port for each in self.show("expectations")})

    def external_ports(self, port: int) -> list[int]:
        """All external ports that an internal one has."""
        internal = str(PHONE._replace(port=port))
        return sorted(
            Endpoint.parse(each["external"]).port
            for each in self.show("mappings")
            if each["internal"] == internal
        )

    def takes(self, host: str, port: int) -> None:
        """Another host has this port outside."""
        external = self.out(Endpoint.parse(f"{host}:{port}"), Endpoint.parse(f"{packets.S}:9"))
        assert external.port == port


def announced(text: str) -> int:
    """The port of the first stream in a message."""
    found = re.search(r"m=\S+ (\d+)", text)
    assert found, text
    return int(found[1])
