"""A name server: what it answers is in `zone.py`; here are its ports (RFC 1035 4.2, RFC 7766).

phone ──► 203.0.113.53:53   pbx.example.net. IN A ?
phone ◄──                   pbx.example.net. 300 IN A 203.0.113.10
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence, Set
from functools import partial
from typing import Annotated

import msgspec

from appliance.parties.machine import Machine
from appliance.parties.party import (
    Abort,
    Action,
    Close,
    Closed,
    Connected,
    Datagram,
    Finished,
    Ground,
    News,
    Received,
    What,
    Write,
)
from appliance.parties.traits import Traits, about
from nat.endpoint import Endpoint, address_text

LENGTH = 2  # bytes before each message of a connection (RFC 1035 4.2.2)
LONGEST_BY_UDP = 1232
LONGEST_BY_TCP = 65535
A_MINUTE = 60.0  # seconds
MOST_KNOWN = 1000  # addresses whose answers are counted
NO_QUESTION = "it asks nothing that can be read"
TOO_OFTEN = "has had all the answers that one address gets in a minute"


class NameServerTraits(Traits, tag="name-server", kw_only=True):
    """Of a name server."""

    zones: Annotated[
        dict[str, list[str]],
        about(
            "What it knows: for each zone its records, as in a zone file (RFC 1035 5), with every "
            "name written out."
        ),
    ] = msgspec.field(default_factory=dict)
    signed: Annotated[
        bool,
        about("Sign what it says, for whoever wants that (DNSSEC, RFC 4035 3.1)."),
    ] = False
    port: Annotated[int, about("The port that it listens on (RFC 1035 4.2).")] = 53
    most_answers: Annotated[
        int,
        about(
            "Answers by UDP that one address gets in a minute; to what is asked more it says "
            "nothing, as servers do against floods (rate-limit of BIND 9). 0: any number."
        ),
    ] = 0

    def check(self) -> None:
        super().check()
        if self.most_answers < 0:
            raise ValueError(f"most_answers: nobody gives {self.most_answers} answers")
        try:
            _answering(self)
        except ValueError as error:
            raise ValueError(f"zones: {error}") from None


class NameServer(Machine):
    """Answers by UDP and TCP, and asks nobody."""

    def __init__(self, name: str, traits: NameServerTraits) -> None:
        super().__init__()
        self.name = name
        self.address = traits.own_address
        self._port = traits.port
        self._answer = _answering(traits)
        self._heard: dict[tuple[Endpoint, Endpoint], bytes] = {}
        self._most = traits.most_answers
        self._given: dict[int, deque[float]] = {}

    @property
    def ports(self) -> Set[int]:
        return {self._port}

    @property
    def tcp_ports(self) -> Set[int]:
        return {self._port}

    def start(self, now: float) -> Sequence[Action]:
        return ()

    def receive(self, datagram: Datagram, now: float) -> Sequence[Action]:
        said = self._answer(datagram.payload, LONGEST_BY_UDP)
        if said and self._is_too_often(datagram.source.address, now):
            reason = f"{address_text(datagram.source.address)} {TOO_OFTEN}"
            self.object_to(
                What.MESSAGE_DISCARDED, self.name, reason, Ground(datagram.payload, "", "")
            )
        elif said:
            self.send(datagram.destination, datagram.source, said)
            self.accept(datagram.payload)
        else:
            ground = Ground(datagram.payload)
            self.object_to(What.MESSAGE_DISCARDED, self.name, NO_QUESTION, ground)
        return self.actions()

    def _is_too_often(self, address: int, now: float) -> bool:
        if not self._most:
            return False
        times = self._given.pop(address, deque(maxlen=self._most))
        self._given[address] = times
        if len(self._given) > MOST_KNOWN:
            del self._given[next(iter(self._given))]
        if len(times) == self._most and now - times[0] < A_MINUTE:
            return True
        times.append(now)
        return False

    def hear(self, news: News, now: float) -> Sequence[Action]:
        if isinstance(news, Connected):
            self._heard[news.local, news.remote] = b""
        elif isinstance(news, Received) and (news.local, news.remote) in self._heard:
            self._read(news)
        elif isinstance(news, Finished):
            self.do(Close(news.local, news.remote))
        elif isinstance(news, Closed):
            self._heard.pop((news.local, news.remote), None)
        return self.actions()

    def _read(self, news: Received) -> None:
        """Answer each question that is whole. Whoever asks nothing sensible is not listened to."""
        ends = news.local, news.remote
        data = self._heard[ends] + news.payload
        while len(data) >= LENGTH:
            end = LENGTH + int.from_bytes(data[:LENGTH])
            if len(data) < end:
                break
            said = self._answer(data[LENGTH:end], LONGEST_BY_TCP)
            if not said:
                ground = Ground(data[LENGTH:end])
                self.object_to(What.MESSAGE_DISCARDED, self.name, NO_QUESTION, ground)
                del self._heard[ends]
                self.do(Abort(*ends))
                return
            self.do(Write(*ends, len(said).to_bytes(LENGTH) + said))
            self.accept(data[LENGTH:end])
            data = data[end:]
        self._heard[ends] = data


def _answering(traits: NameServerTraits) -> Callable[[bytes, int], bytes]:
    """Raises ValueError for a zone that cannot be read. The parser of zones is loaded here, because
    it takes longer to load than most stories take to run."""
    from appliance.parties.signatures import sign
    from appliance.parties.zone import Zone, answer

    zones = [
        Zone(origin, "\n".join(records), partial(sign, origin) if traits.signed else None)
        for origin, records in traits.zones.items()
    ]

    def answer_from_zones(query: bytes, longest: int) -> bytes:
        return answer(query, zones, longest)

    return answer_from_zones
