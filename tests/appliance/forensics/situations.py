"""A router with a fault, in situations in which the fault can be seen, captured on both sides.

Every packet goes through a real engine; a situation is written so that it goes on whatever the
router does: an answer is sent only to what came out, and says again what came out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from random import Random

from alg.registry import APPLICATIONS
from appliance.forensics.replaying import Tape, read
from appliance.forensics.sides import looks_of
from appliance.journal.capture import Capture, Captured
from appliance.journal.capturefile import heading, packet_blocks
from appliance.journal.events import Started
from nat.endpoint import Side
from nat.packet import Packet
from tests.support import packets
from tests.support.packets import ACK, PSH, RST, SYN, icmp, tcp, udp
from tests.support.world import World

IN, FROM = Side.INSIDE, Side.OUTSIDE
SIP = APPLICATIONS["sip"]
OWN, DESK, SERVER, MEDIA = "192.168.20.10", "192.168.20.11", "203.0.113.9", "198.51.100.7"
STARTED = Started(wall=1000.0, name="router", mode="simulation")

HEAD = """{start}
Via: SIP/2.0/UDP {own}:5060;branch=z9hG4bK{cseq}{method}
From: <sip:a@{domain}>;tag=1
To: <sip:b@{domain}>
Call-ID: {call}@{own}
CSeq: {cseq} {method}
Max-Forwards: 70
Contact: <sip:a@{own}:5060>{more}
"""
OFFER = """v=0
o=- 1 1 IN IP4 {own}
s=-
c=IN IP4 {address}
t=0 0
m=audio {port} RTP/AVP 0
{lines}"""


def request(
    method: str = "REGISTER",
    body: str = "",
    *,
    own: str = OWN,
    domain: str = SERVER,
    call: str = "1",
    cseq: int = 1,
    more: str = "",
    target: str = SERVER,
) -> bytes:
    """A phone's request; `more` are parameters of its Contact and further headers."""
    head = HEAD.format(
        start=f"{method} sip:{target} SIP/2.0",
        own=own, domain=domain, call=call, cseq=cseq, method=method, more=more,
    )  # fmt: skip
    kind = "Content-Type: application/sdp\n" if body else ""
    text = f"{head}{kind}Content-Length: ?\n\n{body}".replace("\n", "\r\n")
    size = len(text.partition("\r\n\r\n")[2])
    return text.replace("Content-Length: ?", f"Content-Length: {size}").encode()


def offer(port: int = 4000, *lines: str, address: str = OWN) -> str:
    return OFFER.format(own=OWN, address=address, port=port, lines="".join(f"{e}\n" for e in lines))


def answer(left: bytes, status: str = "200 OK", body: str = "", more: str = "") -> bytes:
    """What a server says to what came to it: it repeats what it saw (RFC 3261 8.2.6)."""
    lines = left.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")[1:]
    kept = [line for line in lines if re.match("Via|From|To|Call-ID|CSeq|Contact", line)]
    if body:
        kept = [line for line in kept if not line.startswith("Contact")]
        kept += [f"Contact: <sip:b@{SERVER}:5060>", "Content-Type: application/sdp"]
    kept = [f"{line};tag=2" if line.startswith("To") else line for line in kept]
    text = body.replace("\n", "\r\n")
    head = "\r\n".join([f"SIP/2.0 {status}", *kept, *more.splitlines()])
    return f"{head}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode("latin-1")


THEIRS = OFFER.format(own=MEDIA, address=MEDIA, port=7000, lines="")


class Router(World):
    """An engine that is captured on both sides while a situation is played."""

    has_room = True

    def __init__(self, spec: str, sets: Sequence[str] = ()) -> None:
        settings: dict[str, object] = {"alg.sip.module": spec}
        for assignment in sets:
            key, _, value = assignment.partition("=")
            settings[key] = value
        super().__init__(settings, mode="simulation")
        self._blocks = [heading(STARTED)]
        Capture(self.engine.datapath.taps, self.log, STARTED, self).begin()

    def write(self, captured: Captured) -> None:
        self._blocks.extend(packet_blocks(captured, 1_000_000_000))

    def lose(self, side: Side, packets: int) -> None:
        raise AssertionError("nothing is lost here")

    def tapes(self) -> tuple[Tape, Tape]:
        data = b"".join(self._blocks)
        return read(data), read(data, of_both=Side.OUTSIDE)

    # --- what happens ---------------------------------------------------------------------

    def out(self, data: bytes) -> Packet | None:  # type: ignore[override]
        """Something comes from inside; what left outside, if anything did."""
        self.at(self.now + 0.1)
        left = [sent for side, sent in self.send(IN, data) if side is FROM]
        return Packet.of(left[0]) if left else None

    def into(self, data: bytes) -> None:  # type: ignore[override]
        self.at(self.now + 0.1)
        self.send(FROM, data)

    def says(
        self, message: bytes, own: str = f"{OWN}:5060", server: str = f"{SERVER}:5060"
    ) -> Packet | None:
        return self.out(udp(own, server, message))

    def asks(self, message: bytes, body: str = "", more: str = "", **how: str) -> None:
        """A request, and its answer to where it came from."""
        if left := self.says(message, **how):
            said = answer(left.payload, body=body, more=more)
            self.into(udp(str(left.destination), str(left.source), said))

    def _leave(self, side: Side, packet: Packet) -> bytes:
        return packet.to_bytes()


Situation = Callable[[Router], None]


def registers(router: Router) -> None:
    router.wait(2.0)
    more = f", <sip:a@198.51.100.99>\nUser-Agent: Phone {OWN}\nExpires: 600"
    router.asks(request(more=more), more="Expires: 600")
    router.asks(request(cseq=2, domain=OWN), more="Expires: 60")
    router.asks(request(cseq=3, domain=f"{OWN}5"))
    router.asks(request(cseq=4, domain="example.com"))
    router.asks(request("REFER", cseq=5))
    router.into(udp(f"{SERVER}:5060", "203.0.113.1:5060", b"\r\n\r\n"))
    router.says(b"\r\n\r\n")
    router.says(request("ACK", cseq=6, target="10.9.9.9:5060"))


def born(router: Router) -> None:
    router.asks(request())
    router.wait(300.0)
    router.asks(request(cseq=2))


def calls(router: Router) -> None:
    """Whatever a description can have in it; some ports are taken by a neighbour."""
    router.wait(2.0)
    for port in (4000, 4002, 4007):
        router.out(udp(f"{DESK}:{port}", f"{MEDIA}:7000", b"desk"))
    bodies = (
        offer(4000, f"a=rtcp:4001 IN IP4 {OWN}"),
        offer(4007),
        offer(22),
        offer(4000, f"c=IN IP4 {OWN}"),
        offer(4000, "m=video 4002 RTP/AVP 31"),
        offer(4000, address="0.0.0.0"),
        offer(4000, f"a=candidate:1 1 UDP 1 {OWN} 4000 typ host"),
    )
    for number, body in enumerate(bodies, 10):
        message = request("INVITE", body, call=str(number))
        router.says(message)
        router.asks(message, THEIRS)
        router.asks(request("BYE", call=str(number), cseq=3))
    for method in ("UPDATE", "PRACK", "ACK"):
        router.asks(request(method, offer(4000), call=method))
    message = request("INVITE", offer(4000), call="30")
    router.says(re.sub(rb"Content-Length: \d+\r\n", b"", message))


def answers(router: Router) -> None:
    """The phone is called, and answers early and late."""
    router.wait(2.0)
    router.asks(request())
    called = request("INVITE", THEIRS, own=SERVER, call="40", target="a@203.0.113.1:5060")
    for status in ("183 Session Progress", "200 OK"):
        router.into(udp(f"{SERVER}:5060", "203.0.113.1:5060", called))
        said = answer(called, status, offer(4000)).replace(
            f"b@{SERVER}:5060".encode(), f"a@{OWN}:5060".encode()
        )
        router.out(udp(f"{OWN}:5060", f"{SERVER}:5060", said))


def clashes(router: Router) -> None:
    router.wait(2.0)
    router.asks(request("INVITE", offer(4000)), THEIRS)
    router.asks(
        request("INVITE", offer(4000).replace("audio 4000 RTP/AVP", "image 4000 udptl"), cseq=2)
    )
    router.asks(request("INVITE", offer(4000), call="2"))


def talks(router: Router) -> None:
    """Media from elsewhere, over RTP and RTCP, and after the call has ended."""
    router.wait(2.0)
    router.asks(request("INVITE", offer(4000)), THEIRS)
    router.into(udp(f"{MEDIA}:7000", "203.0.113.1:4000", b"early"))
    router.out(udp(f"{OWN}:4000", f"{MEDIA}:7000", b"rtp"))
    router.out(udp(f"{OWN}:4001", f"{MEDIA}:7001", b"rtcp"))
    router.asks(
        request("BYE", cseq=2).replace(b"To: <sip:b@203.0.113.9>", b"To: <sip:b@203.0.113.9>;tag=2")
    )
    router.wait(60.0)
    router.into(udp("198.51.100.8:9", "203.0.113.1:4000", b"stranger"))
    router.into(udp(f"{SERVER}:9000", "203.0.113.1:4000", b"late"))
    router.out(udp("192.168.20.12:4000", f"{SERVER}:9000", b"another"))


def waits(router: Router) -> None:
    """Long after registering and calling; only the other side says anything."""
    router.wait(2.0)
    router.asks(request(more=";expires=3600"), more="Expires: 3600")
    router.asks(request("INVITE", offer(4000), call="2"), THEIRS)
    for number in range(200):
        router.into(udp(f"{MEDIA}:7000", "203.0.113.1:4000", b"music %d" % number))
        router.wait(9.9)
        if number in (10, 40, 90, 180):
            called = request("OPTIONS", own=SERVER, call=f"o{number}")
            router.into(udp(f"{SERVER}:5061", "203.0.113.1:5060", called))


def holds(router: Router) -> None:
    router.wait(2.0)
    router.asks(request("INVITE", offer(4000)), THEIRS)
    router.into(udp(f"{MEDIA}:7000", "203.0.113.1:4000", b"music"))
    router.asks(request("INVITE", offer(4000, "a=recvonly"), cseq=2), f"{THEIRS}a=sendonly\n")
    for number in range(60):
        router.wait(9.9)
        router.into(udp(f"{MEDIA}:7000", "203.0.113.1:4000", b"music %d" % number))


def signs_off(router: Router) -> None:
    """Two lines of one phone, and then none."""
    router.wait(2.0)
    for name in ("a", "b"):
        message = request(call=name, more=";expires=3600").replace(
            b"sip:a@", f"sip:{name}@".encode()
        )
        router.asks(message, more="Expires: 3600")
    for number, name in enumerate(("", "b", "a")):
        if name:
            message = request(call=name, cseq=5, more=";expires=0")
            router.asks(message.replace(b"sip:a@", f"sip:{name}@".encode()), more="Expires: 0")
        router.wait(60.0)
        called = request("OPTIONS", own=SERVER, call=f"o{number}")
        router.into(udp(f"{SERVER}:5061", "203.0.113.1:5060", called))


def sends_from_elsewhere(router: Router) -> None:
    router.wait(2.0)
    if left := router.says(request(), own=f"{OWN}:50000"):
        via = re.search(rb"Via: SIP/2.0/UDP [\d.]+:(\d+)", left.payload)
        port = int(via[1]) if via else 0
        back = answer(left.payload, "401 Unauthorized")
        router.into(udp(f"{SERVER}:5060", f"203.0.113.1:{port}", back))


def knows_its_address(router: Router) -> None:
    router.wait(2.0)
    for cseq in (1, 2, 3):
        message = request(cseq=cseq).replace(f"{OWN}:5060".encode(), b"203.0.113.1:5060")
        if left := router.says(message):
            back = answer(left.payload, "401 Unauthorized")
            router.into(udp(f"{SERVER}:5060", str(left.source), back))


def many_sockets(router: Router) -> None:
    """Two sockets and two phones with one server, one socket with two servers, and neighbours that
    speak to each other by their external endpoints."""
    router.wait(2.0)
    for own, remote in (
        (f"{OWN}:4000", f"{MEDIA}:7000"), (f"{OWN}:4002", f"{MEDIA}:7000"),
        (f"{DESK}:4000", f"{MEDIA}:7000"), (f"{OWN}:4000", f"{SERVER}:3478"),
        (f"{OWN}:4000", f"{MEDIA}:7001"), (f"{OWN}:5060", f"{SERVER}:5060"),
        (f"{DESK}:5060", f"{SERVER}:5060"), (f"{OWN}:5060", f"{MEDIA}:3478"),
    ):  # fmt: skip
        if left := router.out(udp(own, remote, b"hello")):
            router.into(udp(remote, str(left.source), f"hello {own}".encode()))
    router.into(udp(f"{SERVER}:5060", "203.0.113.1:5060", b"again"))
    router.out(udp(f"{DESK}:4010", "203.0.113.1:4000", b"neighbour"))


def below(router: Router) -> None:
    """Fragments, resets and errors."""
    router.wait(2.0)
    whole = udp(f"{OWN}:4000", f"{MEDIA}:7000", b"x" * 60)
    for piece in packets.fragments(whole, 24):
        router.out(piece)
    router.out(tcp(f"{OWN}:4000", f"{MEDIA}:80", SYN, sequence=1000))
    router.into(
        tcp(f"{MEDIA}:80", "203.0.113.1:4000", SYN | ACK, sequence=5000, acknowledgement=1001)
    )
    router.out(tcp(f"{OWN}:4000", f"{MEDIA}:80", ACK, sequence=1001, acknowledgement=5001))
    router.into(tcp(f"{MEDIA}:80", "203.0.113.1:4000", RST, sequence=99))
    router.into(tcp(f"{MEDIA}:80", "203.0.113.1:4000", ACK, sequence=5001, acknowledgement=1001))
    if left := router.out(udp(f"{OWN}:4100", f"{MEDIA}:7000", b"quoted")):
        external = left.source
        router.into(icmp("198.51.100.254", "203.0.113.1", 3, 3, 0, left.to_bytes()))
        router.into(udp(f"{MEDIA}:7000", str(external), b"still there"))


def pinged(router: Router) -> None:
    router.wait(2.0)
    router.out(udp(f"{OWN}:4000", f"{MEDIA}:7000", b"hello"))
    for number in range(10):
        router.into(udp(f"{MEDIA}:7000", "203.0.113.1:4000", b"ping %d" % number))
        router.wait(60.0)


def full(router: Router) -> None:
    router.wait(2.0)
    router.out(udp(f"{OWN}:4000", f"{MEDIA}:7000", b"one"))
    router.into(udp(f"{MEDIA}:7000", "203.0.113.1:4000", b"one"))
    router.out(udp(f"{DESK}:4002", f"{MEDIA}:7000", b"two"))
    router.out(udp(f"{OWN}:4004", f"{MEDIA}:7000", b"three"))
    router.into(udp(f"{MEDIA}:7000", "203.0.113.1:4000", b"one again"))


def speaks(router: Router) -> None:
    """A call with audio in both directions."""
    router.wait(2.0)
    router.asks(request())
    router.asks(request("INVITE", offer(4000), call="2", cseq=2), THEIRS)
    for number in range(40):
        router.out(udp(f"{OWN}:4000", f"{MEDIA}:7000", b"out %d" % number))
        router.into(udp(f"{MEDIA}:7000", "203.0.113.1:4000", b"in %d" % number))
    router.asks(request("BYE", call="2", cseq=3))


def two_lines(router: Router) -> None:
    router.wait(2.0)
    router.asks(request("INVITE", offer(4000)), THEIRS)
    router.out(udp(f"{OWN}:4000", f"{MEDIA}:7000", b"rtp"))


def streams(router: Router) -> None:
    """SIP over TCP in pieces, and a web form with a message in its middle."""
    router.wait(2.0)
    form = b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"
    for port in (50000, 50001):
        message = request("OPTIONS").replace(b"UDP", b"TCP").replace(b":5060", b":%d" % port)
        in_pieces = message[:100], message[100:], message
        pieces = in_pieces if port == 50000 else (form, message)
        own, server, seen = f"{OWN}:{port}", f"{SERVER}:5060", f"203.0.113.1:{port}"
        router.out(tcp(own, server, SYN, sequence=999))
        router.into(tcp(server, seen, SYN | ACK, sequence=4999, acknowledgement=1000))
        router.out(tcp(own, server, ACK, sequence=1000, acknowledgement=5000))
        at = 1000
        for piece in pieces:
            sent = tcp(own, server, ACK | PSH, sequence=at, acknowledgement=5000, payload=piece)
            at += len(piece)
            if left := router.out(sent):
                heard = int.from_bytes(left.to_bytes()[24:28], "big") + len(left.payload)
                router.into(tcp(server, seen, ACK, sequence=5000, acknowledgement=heard))


EVERYBODY = ("nat.filtering=endpoint-independent",)
ALL: dict[str, tuple[Situation, tuple[str, ...]]] = {
    "registers": (registers, ()),
    "born": (born, ()),
    "calls": (calls, ()),
    "answers": (answers, ()),
    "clashes": (clashes, ()),
    "talks": (talks, ()),
    "waits": (waits, ()),
    "holds": (holds, ()),
    "signs off": (signs_off, ("nat.filtering=address-and-port-dependent",)),
    "sends from elsewhere": (sends_from_elsewhere, ()),
    "knows its address": (knows_its_address, ()),
    "many sockets": (many_sockets, EVERYBODY),
    "below": (below, ()),
    "pinged": (pinged, ("nat.refresh_inbound=true",)),
    "full": (full, ("nat.limits.flows=2",)),
    "speaks": (speaks, ()),
    "two lines": (two_lines, ('outside.external=["203.0.113.1", "203.0.113.2"]',)),
    "streams": (streams, ()),
}


def captured(
    name: str, spec: str, secret: Sequence[str] = ()
) -> tuple[tuple[Tape, Tape], tuple[str, ...]]:
    """Both sides of a router in a situation, and the settings that it has beside its module; but
    for the `secret` ones, which who judges it is to find out."""
    situation, sets = ALL[name]
    router = Router(spec, (*sets, *secret))
    situation(router)
    router.wait(1.0)
    return router.tapes(), sets


def lossy(
    tapes: tuple[Tape, Tape], share: float, seed: int, spared: Collection[int] = ()
) -> tuple[Tape, Tape]:
    """The captures without this share of their packets, each without others, but for those on
    `spared` ports: who captured them has lost them, and the router has not."""
    dice = Random(seed)

    def is_kept(packet: Packet) -> bool:
        looks = looks_of(Side.INSIDE, packet)
        is_spared = looks.source.port in spared or looks.destination.port in spared
        return is_spared or dice.random() >= share

    first, second = (
        Tape(tape.wall, [each for each in tape.sightings if is_kept(each.packet)]) for tape in tapes
    )
    return first, second
