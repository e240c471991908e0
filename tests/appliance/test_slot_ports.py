"""Which flows an ALG looks at: those whose remote or internal port is one of its own."""

from __future__ import annotations

import pytest

from nat.endpoint import Endpoint
from tests.support.world import A, World


@pytest.mark.parametrize(
    ("internal", "remote", "is_watched"),
    [(5060, 7000, True), (4000, 5060, True), (5060, 5060, True), (4000, 7000, False)],
)
@pytest.mark.parametrize("ports", ["preserve", "random"])
def test_both_directions_alike_whatever_port_the_world_sees(
    internal: int, remote: int, is_watched: bool, ports: str
) -> None:
    nat = World({"alg.sip.module": "sip", "nat.ports": ports})
    server = Endpoint.parse(f"198.51.100.7:{remote}")
    external = nat.out(A._replace(port=internal), server, payload=b"\r\n")
    nat.into(server, external, payload=b"\r\n")
    assert nat.engine.slots["sip"].counters["seen"] == (2 if is_watched else 0)


def test_an_external_port_alone_is_no_reason() -> None:
    """It was chosen by the NAT, and says nothing of what is spoken behind it."""
    nat = World({"alg.sip.module": "sip", "nat.port_range": [5060, 5060], "nat.parity": False})
    server = Endpoint.parse("198.51.100.7:7000")
    external = nat.out(A, server)
    assert external.port == 5060
    nat.into(server, external)
    assert nat.engine.slots["sip"].counters["seen"] == 0
