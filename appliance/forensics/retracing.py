"""The same packets through a NAT of ours: would it have let the same out?

Whatever a router does to messages and packets, the question is always this one. So nothing here
knows a fault: a NAT with that fault is given what came to the router, and what it lets out is held
against what the router let out.

    what came          ──► the router         ──► what was captured        ┐ the same packets?
                       ──► `sip-poor:no-sdp`  ──► what ours lets out       ┘ then that is it

A packet that only one of the two let out is a difference. Ports outside may be others, where both
choose them freely: then they are compared by whose they are. Or ours takes those that the router is
seen to have chosen, and only what it does with them is judged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from appliance.engine import Engine
from appliance.forensics.gaps import is_message
from appliance.forensics.replaying import EXTERNAL, send_to
from appliance.forensics.sides import Looks, Mapped, Seen, Sides, looks_of
from appliance.journal.events import Event, FlowOpened, MessagePassed
from appliance.journal.log import EventLog
from appliance.journal.tap import EXIT_SIDES
from appliance.settings import files as configuration
from appliance.settings.table import Settings
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Endpoint, Network, Side, address_text
from nat.mapping import Leg
from nat.packet import Packet
from nat.policy import Decide, PortWish

OF_A_STREAM = 10
"""Packets of each direction of a flow that are retraced, of those that carry no messages; later
ones only now and then, since they meet what these met."""
ROUNDED = 0.001
"""Seconds: a capture does not say times as exactly as a timer has them."""
NOW_AND_THEN = 5.0
"""Seconds: often enough to keep a flow alive that was alive."""
_NUMBER = re.compile(rb"\d+")

Flow = tuple[str, str, str]
"""Protocol, internal and remote endpoint, as events have them."""
Ports = Mapping[Endpoint, Endpoint]
"""External endpoints of ours, and what the router has instead."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a NAT of ours let out, when (seconds), and what it told of messages."""

    out: Counter[Looks]
    when: Mapping[Looks, float]
    messages: Sequence[MessagePassed]


def sampled(sides: Sides, ports: Sequence[int]) -> list[Seen]:
    """What came, as much of it as is retraced. Whatever is on one of these ports is kept; of a
    stream the first packets, and the first that are judged."""
    counts: Counter[tuple[object, ...]] = Counter()
    last: dict[tuple[object, ...], float] = {}
    kept = []
    for each in sides.seen:
        looks = each.looks
        if not each.came:
            continue
        key = looks.side, looks.protocol, looks.source, looks.destination
        counts[key, each.is_gap] += 1
        is_first = counts[key, each.is_gap] <= OF_A_STREAM
        is_due = each.t - last.get(key, each.t) >= NOW_AND_THEN
        if is_first or is_due or is_message(looks, ports):
            last[key] = each.t
            kept.append(each)
    return kept


def let_out(sides: Sides, came: Sequence[Seen]) -> Counter[Looks]:
    """What the router let out of what is retraced, and what it said by itself; without gaps."""
    partners = {id(each.partner) for each in came if each.partner and not each.is_gap}
    return Counter(
        each.looks
        for each in sides.seen
        if not each.came and not each.is_gap and (each.partner is None or id(each) in partners)
    )


def settings_of(sides: Sides, sets: Sequence[str]) -> Settings:
    """Those of a NAT in the router's place. Raises ConfigError."""
    externals = [address_text(each) for each in sorted(sides.externals)]
    own = {
        "inside": {"networks": [str(network) for network in sides.networks]},
        "outside": {"external": externals or [EXTERNAL]},
    }
    return configuration.for_scenario("import", own, None, sets)


class Strayed(Exception):
    """Ours has let out what the router did not."""


def retrace(
    came: Sequence[Seen],
    settings: Settings,
    names: Sequence[Mapped] = (),
    until: float = 0.0,
    tells: bool = True,
    ports: Sequence[Mapped] = (),
    within: Counter[Looks] | None = None,
) -> Trace:
    """Give a NAT with these settings what came, and let time pass `until` then (seconds). `names`:
    compare external ports by whose they are with these mappings of the router's; `ports`: choose
    them as in these. Unless it `tells` of messages, they are not explained, which takes its time.

    Raises Strayed as soon as something is let out that is not `within` what the router let out.
    """
    events: list[Event] = []
    nat = _Nat(settings, ports, within)
    if tells or names:
        nat.log.subscribe(events.append)
    here = _Names(events, names)
    for each in came:
        nat.wait(each.t)
        packet = each.packet.copy()
        if names and each.side is Side.OUTSIDE:
            here.readdress(packet, each)
        nat.give(packet, each.side, each.t, is_judged=not each.is_gap)
    nat.wait(until + ROUNDED)
    others = here.renamed() if names else {}
    found = [(t, _as_the_router(looks, others)) for t, looks in nat.out] if others else nat.out
    when: dict[Looks, float] = {}
    for t, looks in found:
        when.setdefault(looks, t)
    messages = [event for event in events if isinstance(event, MessagePassed)]
    return Trace(Counter(looks for _, looks in found), when, messages)


class _Nat:
    """An engine that notes in `out` what it lets out. What it says to inside hosts by itself is
    left out: no capture tells that from what they say to each other."""

    def __init__(
        self, settings: Settings, ports: Sequence[Mapped], within: Counter[Looks] | None
    ) -> None:
        self.log = EventLog(0.0, most_bytes=1 << 30)
        self.out: list[tuple[float, Looks]] = []
        self._now = 0.0
        self._known = _by_internal(ports)
        self._may_leave = within.copy() if within is not None else None
        points = ("port", "rtp_port") if ports else ()
        oracle: Mapping[str, Decide] = dict.fromkeys(points, self._choose_port)
        self._engine = Engine(
            settings, "import", "simulation", self.log, Random("import"), decided=oracle
        )
        self._networks: Sequence[Network] = settings["inside.networks"]

    def _choose_port(self, normal: int | None, wish: PortWish) -> int | None:
        """The router's port at that time, if it is seen."""
        seen = self._known.get((wish.protocol, wish.internal), ())
        nearest = min(seen, key=lambda each: abs(each.first - self._now), default=None)
        if nearest is None or not wish.is_free(nearest.external.port):
            return normal
        return nearest.external.port

    def wait(self, moment: float) -> None:
        while (due := self._engine.next_deadline()) <= moment:
            self._engine.expire(due)
            self._take(due)

    def give(self, packet: Packet, side: Side, now: float, is_judged: bool) -> None:
        """What becomes of it is noted if that is judged."""
        self._now = now
        verdict = self._engine.handle(packet, side, now)
        if isinstance(verdict, Leg) and is_judged:
            self._note(EXIT_SIDES[verdict.exit], packet, now)
        self._take(now)

    def _take(self, now: float) -> None:
        for side, packet in self._engine.outbox:
            self._note(side, packet, now)
        self._engine.outbox.clear()

    def _note(self, side: Side, packet: Packet, now: float) -> None:
        source = packet.source_address
        if side is Side.OUTSIDE or not any(source in network for network in self._networks):
            looks = looks_of(side, packet)
            self.out.append((now, looks))
            if self._may_leave is not None:
                if not self._may_leave[looks]:
                    raise Strayed
                self._may_leave[looks] -= 1


def _by_internal(ports: Sequence[Mapped]) -> Mapping[tuple[int, Endpoint], Sequence[Mapped]]:
    found: dict[tuple[int, Endpoint], list[Mapped]] = {}
    for each in ports:
        found.setdefault((each.protocol, each.internal), []).append(each)
    return found


def differences(ours: Counter[Looks], routers: Counter[Looks]) -> int:
    """Packets that only one of the two let out."""
    return (ours - routers).total() + (routers - ours).total()


# --- ports that are chosen freely --------------------------------------------------------------


class _Names:
    """Which external endpoint of the router's stands for which of ours, as the `events` tell it. An
    answer that came to the router's is sent to ours."""

    def __init__(self, events: Sequence[Event], names: Sequence[Mapped]) -> None:
        self._events = events
        self._told = 0
        self._routers: dict[Flow, list[Mapped]] = {}
        self._whose: dict[tuple[int, Endpoint, Endpoint], list[Mapped]] = {}
        self._ours: dict[Flow, Endpoint] = {}
        self._numbers: dict[bytes, bytes] = {}  # the router's ports, and ours
        for each in names:
            for remote in each.remotes:
                flow = PROTOCOL_NAMES[each.protocol], str(each.internal), str(remote)
                self._routers.setdefault(flow, []).append(each)
                self._whose.setdefault((each.protocol, each.external, remote), []).append(each)

    def readdress(self, packet: Packet, came: Seen) -> None:
        """Send an answer to what its receiver is called by our NAT, if it is."""
        self._listen()
        looks = came.looks
        for each in self._whose.get((looks.protocol, looks.destination, looks.source), ()):
            flow = PROTOCOL_NAMES[looks.protocol], str(each.internal), str(looks.source)
            if flow in self._ours:
                send_to(packet, self._ours[flow], self._echoed)
                return

    def _echoed(self, payload: bytes) -> bytes:
        return _NUMBER.sub(lambda found: self._numbers.get(found[0], found[0]), payload)

    def _listen(self) -> None:
        for event in islice(self._events, self._told, None):
            if isinstance(event, FlowOpened):
                flow = event.protocol, event.internal, event.remote
                own = self._ours[flow] = Endpoint.parse(event.external)
                if other := self._nearest(flow, event.t):
                    self._numbers[b"%d" % other.port] = b"%d" % own.port
        self._told = len(self._events)

    def _nearest(self, flow: Flow, t: float) -> Endpoint | None:
        """What the router called it at that time."""
        others = self._routers.get(flow, ())
        nearest = min(others, key=lambda each: abs(each.first - t), default=None)
        return nearest.external if nearest else None

    def renamed(self) -> Ports:
        """Where the one stands for the other, one for one."""
        found: dict[Endpoint, set[Endpoint]] = {}
        for event in self._events:
            if isinstance(event, FlowOpened):
                flow = event.protocol, event.internal, event.remote
                if other := self._nearest(flow, event.t):
                    found.setdefault(Endpoint.parse(event.external), set()).add(other)
        single = {own: next(iter(others)) for own, others in found.items() if len(others) == 1}
        taken = Counter(single.values())
        return {own: other for own, other in single.items() if own != other and taken[other] == 1}


def _as_the_router(looks: Looks, ports: Ports) -> Looks:
    """The packet with the router's ports in the place of ours, in its message as well."""
    source, destination = (ports.get(each, each) for each in (looks.source, looks.destination))
    if looks.protocol not in (TCP, UDP):
        return looks
    numbers = {b"%d" % own.port: b"%d" % other.port for own, other in ports.items()}
    carries = _NUMBER.sub(lambda found: numbers.get(found[0], found[0]), looks.carries)
    if looks.side is Side.INSIDE:
        return looks._replace(carries=carries)
    return looks._replace(source=source, destination=destination, carries=carries)
