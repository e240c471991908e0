"""Session descriptions as telephones write and read them (RFC 8866): one stream, and where it goes.

c=IN IP4 192.168.20.100        where its writer listens: 0.0.0.0 is the old way to say
m=audio 4000 RTP/AVP 0         "send me nothing" (RFC 3264 8.4)
a=rtcp:4101                    where it wants RTCP, if not on the port above (RFC 3605)
a=sendonly                     who sends, as its writer sees it (RFC 3264 5.1)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from appliance.parties.digits import ENCODING
from appliance.parties.sipua import NO_AUDIO_OFFERED, Problem
from nat.endpoint import Endpoint, address_text

SENDRECV, SENDONLY, RECVONLY, INACTIVE = "sendrecv", "sendonly", "recvonly", "inactive"
MIRRORED = {SENDRECV: SENDRECV, SENDONLY: RECVONLY, RECVONLY: SENDONLY, INACTIVE: INACTIVE}
"""How the other side sees it (RFC 3264 6.1)."""
FIRST_DYNAMIC = 96
"""Of the payload types that a description gives a meaning to (RFC 3551 6), to 127."""
LARGEST_PORT = 65535
_PORT = re.compile(rb"^m=[a-z]+ ([0-9]{1,9}) ", re.MULTILINE)
SENDS, HEARS = (SENDRECV, SENDONLY), (SENDRECV, RECVONLY)


class Description(NamedTuple):
    """What one side says of its audio. `version` counts how often it has changed (RFC 3264 8).

    `rtcp` is a port that is not the one above (0: it is); `under_stream` puts the c= line under the
    m= line, where it is allowed as well (RFC 8866 5.7); `to_zero` says 0.0.0.0 in it. Of a `fax` it
    wants T.38. `events` is the payload type of digits (RFC 4733), 0 for none. So many more `codecs`
    are offered besides the one that all parties speak. `ice` are the lines about other ways to it
    (RFC 8839 5).
    """

    user: str
    media: Endpoint
    session: int
    version: int = 0
    direction: str = SENDRECV
    rtcp: int = 0
    under_stream: bool = False
    to_zero: bool = False
    fax: bool = False
    events: int = 0
    codecs: int = 0
    ice: Sequence[str] = ()

    def write(self) -> bytes:
        address = address_text(self.media.address)
        connection = f"c=IN IP4 {'0.0.0.0' if self.to_zero else address}"
        version, port = self.session + self.version, self.media.port
        kinds = range(FIRST_DYNAMIC, FIRST_DYNAMIC + self.codecs)
        more = [f"a=rtpmap:{kind} AMR-WB/16000\r\na=fmtp:{kind} octet-align=1" for kind in kinds]
        if self.events:
            more += [f"a=rtpmap:{self.events} {ENCODING}", f"a=fmtp:{self.events} 0-15"]
        offered = " ".join(map(str, (0, *kinds, *([self.events] if self.events else ()))))
        lines = (
            "v=0",
            f"o={self.user} {self.session} {version} IN IP4 {address}",
            "s=-",
            "" if self.under_stream else connection,
            "t=0 0",
            f"m=image {port} udptl t38" if self.fax else f"m=audio {port} RTP/AVP {offered}",
            connection if self.under_stream else "",
            "" if self.fax else "a=rtpmap:0 PCMU/8000",
            *(() if self.fax else more),
            "a=T38FaxVersion:0" if self.fax else "a=ptime:20",
            f"a=rtcp:{self.rtcp} IN IP4 {address}" if self.rtcp else "",
            f"a={SENDRECV if self.to_zero else self.direction}",
            *self.ice,
        )
        return "".join(f"{line}\r\n" for line in lines if line).encode("latin-1")


class Wanted(NamedTuple):
    """What the other side wants: audio at `media`, reports at `control` (None: nowhere), and who is
    to send, as it sees it."""

    media: Endpoint | None
    control: Endpoint | None
    direction: str
    names_control: bool = False
    """Does it say itself where reports go?"""
    fax: bool = False
    candidates: tuple[Endpoint, ...] = ()
    """Other ways to it (RFC 8839 5.1)."""
    events: int = 0
    """The payload type by which it takes digits (RFC 4733 2.4.1), 0 if it takes none."""
    is_mismatch: bool = False
    """Does it say that ICE is given up (RFC 8839 5.3)?"""

    @property
    def hears(self) -> bool:
        """Does it want to be sent audio?"""
        return self.media is not None and self.direction in HEARS


def media_endpoint(body: bytes) -> Endpoint | None:
    """Where the other side wants its audio. None when there is nothing to send to."""
    return read(body).media


def why_nowhere(body: bytes) -> Problem:
    """What keeps whoever reads it from sending audio there."""
    port = next((port for port in map(int, _PORT.findall(body)) if port > LARGEST_PORT), 0)
    too_large = Problem(f"the port in the m= line is {port}", "sdp", "RFC 8866 5.14")
    return too_large if port else NO_AUDIO_OFFERED


def read(body: bytes) -> Wanted:
    """The first stream that is audio, or a fax (T.38, RFC 3362). What stands under its m= line wins
    over what stands above, which is for the whole session (RFC 8866 5.7)."""
    connection = port = rtcp = media_type = ""
    events = 0
    direction = SENDRECV
    types: list[str] = []
    candidates: list[Endpoint] = []
    is_mismatch = False
    for line in body.decode("latin-1").splitlines():
        kind, _, value = line.partition("=")
        if kind == "m":
            if port:
                break
            words = value.split(" ")
            media_type = words[0]
            port = words[1] if len(words) > 1 and media_type in ("audio", "image") else ""
            types = words[3:]
        elif line.startswith("c=IN IP4 "):
            connection = value[7:].strip()
        elif line.startswith("a=rtcp:"):
            rtcp = value[5:].strip()
        elif line.startswith("a=rtpmap:") and value.endswith(f" {ENCODING}"):
            events = _events(value[7:].partition(" ")[0], types)
        elif line.startswith("a=candidate:"):
            candidates += _candidates(value.split(" "))
        elif kind == "a" and value in MIRRORED:
            direction = value
        elif value == "ice-mismatch":
            is_mismatch = True
    media = _endpoint(connection, port)
    return Wanted(
        media,
        _control(media, rtcp),
        direction,
        bool(rtcp),
        media_type == "image",
        tuple(candidates),
        events,
        is_mismatch,
    )


def _events(named: str, types: Sequence[str]) -> int:
    """A payload type counts if the m= line has it, and it is a dynamic one (RFC 3551 6)."""
    good = named in types and named.isascii() and named.isdecimal() and len(named) < 4
    return int(named) if good and FIRST_DYNAMIC <= int(named) < 128 else 0


def _candidates(words: Sequence[str]) -> Iterator[Endpoint]:
    """`candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host`, if it is for RTP over UDP."""
    if len(words) >= 8 and words[1] == "1" and words[2].upper() == "UDP":
        found = _endpoint(words[4], words[5])
        if found is not None:
            yield found


def _control(media: Endpoint | None, rtcp: str) -> Endpoint | None:
    """RFC 3605 2.1: a port, and perhaps `IN IP4` and an address."""
    if media is None:
        return None
    if not rtcp:
        return Endpoint(media.address, media.port + 1) if media.port < LARGEST_PORT else None
    port, _, place = rtcp.partition(" ")
    return _endpoint(place.removeprefix("IN IP4 ") or address_text(media.address), port)


def _endpoint(address: str, port: str) -> Endpoint | None:
    try:
        found = Endpoint.parse(f"{address}:{port}")
    except ValueError:
        return None
    return found if found.port and found.address else None
