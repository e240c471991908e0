"""Everything about this NAT that can be chosen, as data (RFC 4787 and its successors).

The NAT has no branches about "its type". How it maps and how it filters is how much of the remote
endpoint it remembers: `Dependence.scope` trims a key, and nothing else asks.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

from nat.endpoint import TCP, Endpoint, Network


class Dependence(Enum):
    """How much of the remote endpoint is remembered (RFC 4787 4.1 for mapping, 5 for filtering)."""

    ENDPOINT_INDEPENDENT = 0
    ADDRESS_DEPENDENT = 1
    ADDRESS_AND_PORT_DEPENDENT = 2

    def scope(self, remote: tuple[int, int]) -> tuple[int, ...]:
        """The part of a remote endpoint that makes a difference."""
        return remote[: self._value_]  # `value` is a property, and asked for in every new flow

    @classmethod
    def named(cls, word: str) -> Dependence:
        """`"address-dependent"` as a member. Raises KeyError."""
        return cls[word.upper().replace("-", "_")]


class Refusal(Enum):
    """What an inside host hears when there is no room for a new flow: an ICMP code or nothing."""

    PROHIBITED = "prohibited"  # code 13, RFC 5508 REQ-8
    HOST_UNREACHABLE = "host-unreachable"  # code 1, RFC 6888 REQ-11
    SILENT = "silent"


class PortPolicy(Enum):
    """How the external port of a new mapping is chosen (RFC 4787 4.2)."""

    PRESERVE = "preserve"
    SEQUENTIAL = "sequential"
    RANDOM = "random"


@dataclass(slots=True)
class Timeouts:
    """Seconds of silence after which a flow is forgotten."""

    udp_unanswered: float = 120.0  # RFC 4787 REQ-5: not less than two minutes
    udp: float = 300.0  # RFC 4787 REQ-5c: five minutes or more by default
    tcp_established: float = 7440.0  # RFC 5382 REQ-5: two hours and four minutes
    tcp_transitory: float = 240.0  # RFC 5382 REQ-5: four minutes
    tcp_closing: float | None = None  # RFC 7857 2.1: None is as long as tcp_transitory
    icmp: float = 60.0  # RFC 5508 REQ-2
    fragments: float = 30.0  # RFC 791 3.2: until the rest of a datagram must have come
    udp_by_port: dict[int, float] = field(default_factory=dict)  # by remote port


@dataclass(slots=True)
class Limits:
    """How much state there may be (RFC 6888 REQ-4 and REQ-5); 0 means no limit."""

    flows: int = 65536
    flows_per_host: int = 8192
    unanswered_per_host: int = 2048
    ports_per_host: int = 0  # external ports of all protocols, and ICMP identifiers
    new_flows_per_second_per_host: float = 1000.0  # with a burst of twice that
    expectations: int = 4096
    expectations_per_host: int = 512
    expectations_per_parent: int = 8
    waiting_syns: int = 256  # RFC 5382 REQ-4
    resting_ports: int = 65536  # RFC 6888 REQ-8, for each protocol and external address
    fragments: int = 64  # datagrams that wait for the rest (RFC 4787 REQ-14a)
    fragments_per_host: int = 8
    fragment_pieces: int = 64  # of one datagram
    fragment_bytes: int = 1 << 20  # of all of them
    icmp_per_second: float = 100.0  # that the NAT sends by itself (RFC 1812 4.3.2.8)
    icmp_per_second_per_target: float = 10.0

    @property
    def most_ports_of_a_host(self) -> int:
        """RFC 6888 REQ-4. When it is not set: as many as a host's flows and expectations may need.
        Otherwise messages that announce endpoints and never use them could take all ports."""
        if self.ports_per_host or not self.flows_per_host:
            return self.ports_per_host
        return self.flows_per_host + self.expectations_per_host


@dataclass(frozen=True, slots=True)
class Static:
    """A 1:1 mapping of a whole address."""

    internal: int
    external: int


@dataclass(frozen=True, slots=True)
class Forward:
    """A port that anyone outside may send to."""

    protocol: int
    external: Endpoint
    internal: Endpoint


@dataclass(slots=True)
class Behavior:
    """One NAT's settings. They may change while traffic flows: the caller makes another one
    and hands it to `Nat.change`."""

    networks: Collection[Network]
    external: list[int]
    gateway: int | None = None  # our own address on the inside wire
    outside_address: int | None = None  # where our own ICMP to the outside comes from
    mapping: Dependence = Dependence.ENDPOINT_INDEPENDENT
    filtering: Dependence = Dependence.ADDRESS_DEPENDENT
    tcp_filtering: Dependence | None = None  # RFC 5382 REQ-3b; None: as `filtering`
    ports: PortPolicy = PortPolicy.PRESERVE
    port_range: tuple[int, int] = (1024, 65535)
    port_rest: float = 120.0  # RFC 6888 REQ-8: seconds before a port serves another host
    overloading: bool = False  # RFC 4787 REQ-3: one external port for several mappings
    poisoning: bool = False  # an unsolicited packet takes a port away from its own remote (Linux)
    paired: bool = True  # RFC 4787 REQ-2: all of a host's mappings on one external address
    keep_renumbered: bool = False  # flows outlive the external address they were opened with
    eviction: bool = False  # RFC 6888 REQ-11D: a full table makes room for the new
    refusal: Refusal = Refusal.PROHIBITED
    answer_syns: bool = True  # RFC 5382 REQ-4: an unsolicited SYN, after six seconds
    mss_clamp: bool = False  # RFC 1191 6.5 done by the NAT on behalf of both ends
    untranslated: Collection[Network] = ()  # RFC 6888 REQ-6: remotes that see inside addresses
    parity: bool = True  # RFC 4787 REQ-4
    hairpin: bool = True  # RFC 4787 REQ-9
    refresh_inbound: bool = False  # RFC 4787 REQ-6a
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    statics: list[Static] = field(default_factory=list)
    forwards: list[Forward] = field(default_factory=list)
    mtu: tuple[int, int] = (1500, 1500)  # of the inside and the outside wire, in bytes
    rng: random.Random = field(default_factory=random.SystemRandom)

    def filtering_of(self, protocol: int) -> Dependence:
        if protocol == TCP and self.tcp_filtering is not None:
            return self.tcp_filtering
        return self.filtering

    def is_internal(self, address: int) -> bool:
        return any(address in network for network in self.networks)

    def is_untranslated(self, remote: int) -> bool:
        return any(remote in network for network in self.untranslated)

    def shared_addresses(self) -> list[int]:
        """Those of `external` that no rule gives to one host alone (RFC 2663 4.1.1)."""
        alone = {static.external for static in self.statics}
        return [address for address in self.external if address not in alone]

    def owned_addresses(self) -> set[int]:
        """All addresses that the outside reaches this NAT by."""
        owned = set(self.external)
        owned.update(static.external for static in self.statics)
        owned.update(forward.external.address for forward in self.forwards)
        return owned
