"""A mirror outside: what became of a message on its way, told by the one who got it.

    phone ──INVITE, as it was written──► [ NAT, ALG? ] ──► mirror
    phone ◄──486, in its body what arrived, in base64────── mirror

No ALG reads base64, so the phone gets back what really arrived and compares it with what it wrote.
That needs no capture and nobody's permission, and is how sip-alg-detector and others find ALGs. The
verdict is one of four: nobody has touched it; all that was the phone's own endpoint is what the NAT
shows outside; some of it is and some is not; or something was changed that nobody may change.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence, Set
from random import Random
from typing import Annotated

from appliance.parties.description import Description
from appliance.parties.machine import Machine, Timer
from appliance.parties.party import Action, Datagram, Ground, News, What
from appliance.parties.sipua import SipMessage, UnreadableError, parse, respond
from appliance.parties.traits import Traits, about
from nat.endpoint import Endpoint, address_text

PATIENCE = 5.0  # seconds
MEDIA_PORT = 4100  # announced in the test, and not listened on
UNTOUCHED = "sees in the mirror that no ALG has touched its INVITE; outside it is"
RIGHT = "sees in the mirror an ALG that translates all that it must; outside it is"
INCOMPLETE = "sees in the mirror an incomplete ALG, which left {}; outside it is"
HARMFUL = "sees in the mirror a harmful ALG, which changed {}; outside it is"
ORIGIN = "o="  # tells sessions apart, and nobody sends to it (RFC 8866 5.2): right either way
NOTHING = "gets nothing back from the mirror at"

_MEDIA = re.compile(r"^m=audio [0-9]+")


class MirrorTraits(Traits, tag="mirror", kw_only=True):
    """Of a mirror."""

    port: Annotated[int, about("The port that it listens on (RFC 3261 19.1.2: 5060).")] = 5060

    def people(self, name: str) -> Sequence[str]:
        return ()


class Mirror(Machine):
    """Answers an INVITE by what it got, and where from."""

    def __init__(self, name: str, traits: MirrorTraits, rng: Random) -> None:
        super().__init__()
        self.name = name
        self.address = traits.own_address
        self.ports: Set[int] = frozenset((traits.port,))
        self.tcp_ports: Set[int] = frozenset()
        self._rng = rng

    def start(self, now: float) -> Sequence[Action]:
        return ()

    def hear(self, news: News, now: float) -> Sequence[Action]:
        return ()

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        try:
            request = parse(datagram.payload)
        except UnreadableError as error:
            return self._discard(datagram.payload, error.problem.reason)
        if request.method == "INVITE" and not request.status:
            answer = respond(request, 486, datagram.source, f"{self._rng.getrandbits(32):08x}")
            answer.headers.append(("Content-Type", "application/octet-stream"))
            answer.body = b64encode(f"{datagram.source}\n".encode() + datagram.payload)
            self.send(datagram.destination, datagram.source, answer.write())
            self.accept(datagram.payload)
            return self.actions()
        return self._discard(datagram.payload, "it mirrors INVITEs only")

    def _discard(self, message: bytes, why: str) -> Sequence[Action]:
        self.object_to(What.MESSAGE_DISCARDED, self.name, why, Ground(message))
        return self.actions()


class Look:
    """A phone's look into the mirror at `mirror`, from its port `own`."""

    def __init__(self, machine: Machine, who: str, own: Endpoint, mirror: Endpoint) -> None:
        self._machine = machine
        self._who = who
        self._own = own
        self._mirror = mirror
        self._sent = b""
        self._waits: Timer | None = None

    def look(self, invite: SipMessage, now: float) -> None:
        """Send a test: `invite` has its headers, and a description is put into it here."""
        media = self._own._replace(port=MEDIA_PORT)
        invite.headers.append(("Content-Type", "application/sdp"))
        invite.body = Description(self._who, media, 1).write()
        self._sent = invite.write()
        self._machine.send(self._own, self._mirror, self._sent)
        self._waits = self._machine.timers.at(now + PATIENCE, self._nothing)

    def hear(self, datagram: Datagram, now: float) -> bool:
        """Is it the mirror's answer? Whatever became of its headers, the body counts."""
        if datagram.source != self._mirror or self._waits is None:
            return False
        try:
            told, _, seen = b64decode(datagram.payload.partition(b"\r\n\r\n")[2]).partition(b"\n")
            outside = Endpoint.parse(told.decode("latin-1"))
        except ValueError:
            return True
        self._waits.cancel()
        self._waits = None
        does = verdict(self._sent, seen, self._own, outside)
        self._machine.learn(self._who, does, outside, Ground(b"", "", ""))
        return True

    def _nothing(self, now: float) -> None:
        self._waits = None
        self._machine.learn(self._who, NOTHING, self._mirror, Ground(b"", "", ""))


def verdict(sent: bytes, seen: bytes, own: Endpoint, outside: Endpoint) -> str:
    """What has been done to a message of the phone `own` that came from `outside`, in words."""
    if sent == seen:
        return UNTOUCHED
    wrote, got = (each.decode("latin-1").split("\r\n") for each in (sent, seen))
    if len(wrote) != len(got):
        return HARMFUL.format("the number of lines")
    changed = list(_harm(wrote, got, own, outside, len(seen.partition(b"\r\n\r\n")[2])))
    if changed:
        return HARMFUL.format(_listed(changed))
    left = [_name(line) for line in got if address_text(own.address) in line and _leads(line)]
    return INCOMPLETE.format(_listed(left)) if left else RIGHT


def _harm(
    wrote: Sequence[str], got: Sequence[str], own: Endpoint, outside: Endpoint, length: int
) -> Iterator[str]:
    """The lines that are neither as they were nor as the NAT makes them."""
    for before, after in zip(wrote, got, strict=True):
        if _name(before) == "Content-Length":
            if after != f"Content-Length: {length}":
                yield "Content-Length"
        elif after not in (before, *_translated(before, own, outside)) and not (
            _MEDIA.match(before) and _MEDIA.sub("", before) == _MEDIA.sub("", after)
        ):
            yield _name(before)


def _translated(line: str, own: Endpoint, outside: Endpoint) -> Iterator[str]:
    """As a correct ALG would write it."""
    if _leads(line) or line.startswith(ORIGIN):
        inner, outer = address_text(own.address), address_text(outside.address)
        yield line.replace(str(own), str(outside)).replace(inner, outer)


def _leads(line: str) -> bool:
    """Is it a line in which one's own address leads somewhere?"""
    return line.startswith(("Via:", "Contact:", "c="))


def _name(line: str) -> str:
    return line[:2] if line[1:2] == "=" else line.partition(":")[0]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))
