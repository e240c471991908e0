"""What kind of NAT is it? Tests by which a phone finds out, with a STUN server of two addresses.

    test I      asked at A:p             answers from A:p      what the phone is outside
    test II     asked at A:p, "both"     answers from B:q      does the NAT let anybody in?
    test III    asked at A:p, "port"     answers from A:q      does it let in the address at least?
    test I      asked at B:q             answers from B:q      is the phone the same for others?

RFC 3489 10.1 made a type out of it. It asks about filtering first, and whoever is let in by that
is called a full cone, whatever the mapping does: one reason why RFC 4787 4.1 has two properties in
the place of four types, which RFC 5780 tests by themselves. Filtering comes before mapping here as
well: the test of mapping opens the way from B.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from random import Random
from typing import NamedTuple

from appliance.parties.machine import Machine
from appliance.parties.party import Ground
from appliance.parties.signalling import free_port
from appliance.parties.stun import BINDING_RESPONSE, CHANGE_ADDRESS, CHANGE_PORT, StunMessage
from appliance.parties.stunclient import OLD_WAITS, StunClient
from nat.endpoint import Endpoint

BLOCKED = "finds no way out for UDP"
UNKNOWN = "cannot tell what kind of NAT it is behind"
OPEN = "finds neither a NAT nor a firewall"
FIREWALL = "finds no NAT, but a firewall,"
FULL_CONE = "takes its NAT for a full cone"
RESTRICTED = "takes its NAT for a restricted cone"
PORT_RESTRICTED = "takes its NAT for a port-restricted cone"
SYMMETRIC = "takes its NAT for a symmetric one"
AFTER = " after asking"
INDEPENDENT, BY_ADDRESS, BY_BOTH = (
    "endpoint-independent", "address-dependent", "address-and-port-dependent"
)  # fmt: skip


class Probe(NamedTuple):
    """A question to `server`, which is to `change` where it answers from."""

    server: Endpoint
    change: int = 0


Tests = Generator[Probe, StunMessage | None, str]
"""Asks for tests, is sent their answers (None: there was none), and returns what follows."""


def by_rfc3489(local: Endpoint, server: Endpoint) -> Tests:
    """RFC 3489 10.1: one of four types of NAT, a firewall, or nothing."""
    first = yield Probe(server)
    if first is None:
        return BLOCKED
    if first.other is None:
        return UNKNOWN
    anybody = yield Probe(server, CHANGE_ADDRESS | CHANGE_PORT)
    if first.mapped == local:
        return FIREWALL if anybody is None else OPEN
    if anybody is not None:
        return FULL_CONE
    elsewhere = yield Probe(first.other)
    if elsewhere is None:
        return UNKNOWN
    if elsewhere.mapped != first.mapped:
        return SYMMETRIC
    other_port = yield Probe(server, CHANGE_PORT)
    return PORT_RESTRICTED if other_port is None else RESTRICTED


def by_rfc5780(local: Endpoint, server: Endpoint) -> Tests:
    """RFC 5780 4.3, 4.4: how it maps, and how it filters."""
    first = yield Probe(server)
    if first is None:
        return BLOCKED
    if first.other is None:
        return UNKNOWN
    filtering = INDEPENDENT
    if (yield Probe(server, CHANGE_ADDRESS | CHANGE_PORT)) is None:
        filtering = BY_BOTH if (yield Probe(server, CHANGE_PORT)) is None else BY_ADDRESS
    mapping = INDEPENDENT
    same_port = yield Probe(first.other._replace(port=server.port))
    if same_port is None:
        return UNKNOWN
    if same_port.mapped != first.mapped:
        elsewhere = yield Probe(first.other)
        is_same = elsewhere is not None and elsewhere.mapped == same_port.mapped
        mapping = BY_ADDRESS if is_same else BY_BOTH
    return f"finds {mapping} mapping and {filtering} filtering"


BY: dict[str, tuple[Callable[[Endpoint, Endpoint], Tests], str]] = {
    "rfc3489": (by_rfc3489, "RFC 3489 10.1"),
    "rfc5780": (by_rfc5780, "RFC 5780 4.3"),
}
"""The ways to find out, and where they stand."""


class NatTests:
    """Of the phone `machine`, done once, from a port of their own: the tests open the NAT for the
    STUN server's other address. `ports` are the UDP ports that the phone hears."""

    def __init__(
        self, machine: Machine, client: StunClient, by: str, ports: set[int], rng: Random
    ) -> None:
        self._machine = machine
        self._client = client
        self._procedure, self._rfc = BY[by]
        self._ports = ports
        self._rng = rng
        self._has_begun = False

    def start(self, address: int, now: float) -> None:
        """Unless they have been done already."""
        if self._has_begun:
            return
        self._has_begun = True
        local = Endpoint(address, free_port(self._ports, self._rng))
        self._ports.add(local.port)
        self._go_on(self._procedure(local, self._client.server), local, None, now)

    def _go_on(self, tests: Tests, local: Endpoint, answer: StunMessage | None, now: float) -> None:
        try:
            probe = tests.send(answer)
        except StopIteration as end:
            self._ports.discard(local.port)
            ground = Ground(b"", "", self._rfc)
            self._machine.learn(self._client.who, end.value + AFTER, self._client.server, ground)
            return

        def heard(message: StunMessage | None, payload: bytes, at: float) -> None:
            is_answer = message is not None and message.kind == BINDING_RESPONSE
            self._go_on(tests, local, message if is_answer else None, at)

        self._client.put(local, probe.server, probe.change, OLD_WAITS, heard, now)
