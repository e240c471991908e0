"""Stories for the screen's tests: what a NAT would tell, written by hand.

`one_way_audio` is a call through the module `off`: the phone's private address goes out untouched,
so the other side's audio has nowhere to go. `repaired` is the same INVITE through `sip`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from appliance.journal.events import (
    CallOutcome,
    CallState,
    Change,
    Event,
    FlowOpened,
    MediaStats,
    MessagePassed,
    PacketSeen,
    Started,
)
from tui.feed import FeedError, Wanted
from tui.model import Frame

PHONE = "192.168.20.100:5060"
EXTERNAL = "203.0.113.1:5060"
PBX = "203.0.113.9:5060"
CALL_ID = "a84b4c76e667@192.168.20.100"

INVITE = (
    "INVITE sip:bob@203.0.113.9 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.168.20.100:5060;branch=z9hG4bK77ef\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:alice@203.0.113.9>;tag=1928301774\r\n"
    "To: <sip:bob@203.0.113.9>\r\n"
    f"Call-ID: {CALL_ID}\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:alice@192.168.20.100:5060>\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 133\r\n"
    "\r\n"
    "v=0\r\n"
    "o=alice 2890 1 IN IP4 192.168.20.100\r\n"
    "s=-\r\n"
    "c=IN IP4 192.168.20.100\r\n"
    "t=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\n"
)

# field, what stands there, what a correct module writes, the reason, where the rule is written
RULES = (
    ("via.sent-by", "192.168.20.100:5060", EXTERNAL, "Answers must come back.", "RFC 3261 18.2.2"),
    (
        "contact.host",
        "192.168.20.100:5060",
        EXTERNAL,
        "ACK and BYE will be sent to this address.",
        "RFC 3261 8.1.1.8",
    ),
    ("sdp.o", "192.168.20.100", "203.0.113.1", "It tells the inside address.", "RFC 8866 5.2"),
    (
        "sdp.c",
        "192.168.20.100",
        "203.0.113.1",
        "The peer will send audio to an address that it cannot reach.",
        "RFC 8866 5.7",
    ),
    ("sdp.m", "4000", "40000", "The audio port must be the one that is open.", "RFC 8866 5.14"),
)
_ANCHORS = ("Via: SIP/2.0/UDP ", "Contact: <sip:alice@", "IN IP4 ", "c=IN IP4 ", "m=audio ")


def changes(module: str) -> list[Change]:
    """What `off` (all missed) or `sip` (all right) did to the INVITE."""
    found = []
    for (field, before, expected, reason, rfc), anchor in zip(RULES, _ANCHORS, strict=True):
        start = INVITE.index(anchor) + len(anchor)
        after = expected if module == "sip" else before
        verdict = "ok" if module == "sip" else "missed"
        span = (start, start + len(before))
        found.append(Change(field, span, before, after, expected, verdict, field, reason, rfc))
    return found


def applied(text: str, edits: Sequence[Change]) -> str:
    """The text after all changes."""
    for change in sorted(edits, key=lambda change: change.span, reverse=True):
        text = text[: change.span[0]] + change.after + text[change.span[1] :]
    return text


def invite(module: str = "off", t: float = 1.0, number: int = 5) -> MessagePassed:
    """The INVITE through a module."""
    made = changes(module)
    return message(INVITE, "INVITE", "out", module=module, changes=made, t=t, number=number)


def message(
    before: str,
    summary: str,
    direction: str,
    *,
    module: str = "off",
    changes: Sequence[Change] = (),
    verdict: str = "",
    t: float = 1.0,
    number: int = 6,
) -> MessagePassed:
    """Any message between the phone and the PBX."""
    outwards = direction == "out"
    after = applied(before, changes)
    return MessagePassed(
        id=number,
        t=t,
        alg="sip",
        module=module,
        flow=1,
        direction=direction,
        transport="udp",
        source=PHONE if outwards else PBX,
        destination=PBX if outwards else EXTERNAL,
        new_source=EXTERNAL if outwards else PBX,
        new_destination=PBX if outwards else PHONE,
        verdict=verdict or ("rewritten" if after != before else "unchanged"),
        before=before,
        after=after,
        changes=list(changes),
        summary=summary,
        call_id=CALL_ID,
    )


# A response (RFC 1035 4.1) with two address records; the second lies across two rows of a dump.
_RECORD = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x0e\x10\x00\x04"
DNS_ANSWER = (
    "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00"
    "\x03www\x07example\x03com\x00\x00\x01\x00\x01"
    f"{_RECORD}\xc6\x33\x64\x07{_RECORD}\xc6\x33\x64\x08"
)


def dns_answer(module: str = "dns", transport: str = "udp") -> MessagePassed:
    """The answer through a module: `dns` writes the addresses that the inside can reach, `off`
    leaves them, `poor` writes another one into the first."""
    length = "\x00\x41" if transport == "tcp" else ""
    text = length + DNS_ANSWER
    made = []
    for number, end in enumerate((len(text) - 16, len(text))):
        before, wanted = text[end - 4 : end], f"\xcb\x00\x71{chr(7 + number)}"
        after = {"off": before, "poor": "\x0a\x00\x00\x01"}.get(module, wanted)
        verdict = {"off": "missed", "poor": "wrong"}.get(module, "ok")
        field = f"answer[{number}].address"
        why = "The client cannot reach the address that the server knows."
        span = (end - 4, end)
        made.append(Change(field, span, before, after, wanted, verdict, "answer", why, "RFC 2694"))
    event = message(text, "answer www.example.com", "in", module=module, changes=made)
    event.alg, event.transport = "dns", transport
    return event


def binary_answer(module: str = "dns", transport: str = "udp") -> MessagePassed:
    """The same in a slot whose protocol has no words for its messages."""
    event = dns_answer(module, transport)
    event.alg = "other"
    return event


def started(mode: str = "simulation", wall: float = 0.0) -> Started:
    return Started(
        id=1,
        wall=wall,
        name="one-way-audio",
        mode=mode,
        scenario="one-way-audio" if mode == "simulation" else "",
        seed=1,
        parties={"192.168.20.100": "alice", "203.0.113.9": "bob"},
    )


def state(word: str, t: float, number: int) -> CallState:
    return CallState(
        id=number, t=t, call=CALL_ID, kind="call", state=word, caller="alice", callee="bob"
    )


def media(talker: str, listener: str, heard: int, t: float = 12.0, sent: int = 498) -> MediaStats:
    return MediaStats(
        id=20,
        t=t,
        stream=f"1:{talker}>{listener}",
        talker=talker,
        listener=listener,
        sent=sent,
        heard=heard,
        lost_at="" if heard else "no route to 192.168.20.100",
    )


def one_way_audio() -> list[Event]:
    """The call with the ALG off, up to twelve seconds."""
    ok = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
    return [
        started(),
        FlowOpened(
            id=2,
            t=1.0,
            flow=1,
            mapping=1,
            protocol="udp",
            internal=PHONE,
            external=EXTERNAL,
            remote=PBX,
            opened_by="packet",
            alg="sip",
        ),
        state("trying", 1.0, 4),
        invite("off"),
        message("SIP/2.0 100 Trying\r\n\r\n", "100 Trying (INVITE)", "in", t=1.021, number=7),
        message("SIP/2.0 180 Ringing\r\n\r\n", "180 Ringing (INVITE)", "in", t=1.31, number=8),
        message(ok, "200 OK (INVITE)", "in", t=3.48, number=9),
        state("answered", 3.48, 10),
        message("ACK sip:bob@203.0.113.9 SIP/2.0\r\n\r\n", "ACK", "out", t=3.501, number=11),
        media("alice", "bob", 498),
        media("bob", "alice", 0, sent=496),
    ]


def ended() -> CallOutcome:
    return CallOutcome(
        id=30,
        t=14.0,
        outcome="one-way-audio",
        sentence="one-way audio: bob hears alice (498 of 498), alice hears bob (0 of 496)",
        evidence={},
    )


SETTINGS: dict[str, Any] = {
    "alg.sip.module": "off",
    "nat.timeouts.udp": 300.0,
    "nat.timeouts.udp_unanswered": 120.0,
    "nat.mapping": "endpoint-independent",
    "nat.filtering": "address-dependent",
    "outside.external": ["203.0.113.1"],
}


def flow(number: int = 1, **other: Any) -> dict[str, Any]:
    """A row of `show flows`."""
    return {
        "id": number,
        "protocol": "udp",
        "internal": PHONE,
        "external": EXTERNAL,
        "remote": PBX,
        "state": "answered",
        "expires_in": 288.0,
        "opened_by": "packet",
        "alg": "sip",
        "packets_out": 6,
        "packets_in": 5,
        "bytes_out": 3120,
        "bytes_in": 2610,
    } | other


AUDIO = flow(
    2,
    internal="192.168.20.100:4000",
    external="203.0.113.1:4000",
    remote="203.0.113.9:10000",
    state="unanswered",
    expires_in=120.0,
    alg=None,
    packets_out=498,
    packets_in=0,
)


VERSION_6 = {
    "192.168.20.100": "2001:db8:20:aaaa:bbbb:cccc:dddd:100",
    "203.0.113.1": "2001:db8:113::1",
    "203.0.113.9": "2001:db8:113:1111:2222:3333:4444:9",
}
_ENDS = ("source", "destination", "new_source", "new_destination", "internal", "external", "remote")


def in_version_6(endpoint: str) -> str:
    """`"[2001:db8:113::1]:5060"` for `"203.0.113.1:5060"`."""
    host, _, port = endpoint.rpartition(":")
    return f"[{VERSION_6[host]}]:{port}"


def event_in_version_6(event: Event) -> Event:
    """The same event between hosts that have IPv6 addresses."""
    for name in _ENDS:
        if hasattr(event, name):
            setattr(event, name, in_version_6(getattr(event, name)))
    if isinstance(event, Started):
        event.parties = {VERSION_6[host]: name for host, name in event.parties.items()}
    return event


def flow_in_version_6(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: in_version_6(row[name]) for name in ("internal", "external", "remote")}


class FakeFeed:
    """A feed whose news a test writes. `asked` keeps what the screen wanted to change."""

    def __init__(self, events: Sequence[Event] = (), live: bool = False) -> None:
        self.live = live
        self.kind = "LIVE" if live else "SIM"
        self.read_only = False
        self.ended = False
        self.duration = None if live else 60.0
        self.lost = ""
        self.wanted = Wanted()
        self.has_packets = True
        self.now = 12.0
        self.flows: list[dict[str, Any]] = [flow(), AUDIO]
        self.expectations: list[dict[str, Any]] = []
        self.settings = dict(SETTINGS)
        self.calls: list[dict[str, Any]] | None = None
        self.call: dict[str, Any] | None = None
        self.points: list[PacketSeen] = []
        self.anew = ""
        self.news = list(events)
        self.asked: list[tuple[str, Any]] = []
        self.refuse = ""

    async def next_frame(self, elapsed: float, running: bool) -> Frame:
        self.now += elapsed if running else 0.0
        news, self.news = self.news, []
        points, self.points = self.points, []
        anew, self.anew = self.anew, ""
        return Frame(
            self.now,
            news,
            self.flows,
            self.expectations,
            dict(self.settings),
            self.calls,
            self.call,
            anew,
            points,
        )

    async def set(self, key: str, value: Any) -> None:
        if self.refuse:
            raise FeedError(self.refuse)
        self.asked.append((key, value))
        self.settings[key] = value

    async def flush(self) -> int:
        self.asked.append(("flush", None))
        return len(self.flows)

    async def close(self) -> None:
        self.asked.append(("close", None))
