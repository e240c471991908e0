"""The name server that `up --names` starts."""

from __future__ import annotations

from appliance.namespaces.between.naming import OWN_ADDRESS, Names, step, steps
from appliance.namespaces.between.record import Trace
from appliance.namespaces.names.hosts import parse


def test_it_listens_at_the_gateway_s_address_in_the_inside_namespace() -> None:
    command = step(
        "room", Names("192.168.20.1", "203.0.113.53", [parse("pbx=192.168.20.10")])
    ).command
    assert command[:4] == ("ip", "netns", "exec", "room")
    assert " ".join(command).endswith(
        "names --listen 192.168.20.1 --forward 203.0.113.53 --host pbx=192.168.20.10 --background"
    )


def test_without_a_resolver_it_asks_nobody() -> None:
    assert "--forward" not in step("room", Names("192.168.20.1", "")).command


def test_its_process_is_known_before_it_is_there() -> None:
    (trace,) = step("room", Names("192.168.20.1", "")).leaves
    assert trace == Trace("server", "glassnat-names", "room")
    assert len(trace.name) <= 15, "the kernel keeps no more of it"


def test_its_questions_leave_by_an_address_of_its_own_if_there_is_whom_to_ask() -> None:
    """The gateway's is the appliance's: from the inside the NAT refuses it as a forgery."""
    asks = [
        " ".join(each.command)
        for each in steps("room", Names("192.168.20.1", "192.0.2.53"), "gn-in")
    ]
    assert asks[:2] == [
        f"ip -n room address add {OWN_ADDRESS}/32 dev gn-in",
        f"ip -n room route replace default dev gn-in src {OWN_ADDRESS}",
    ]
    assert len(list(steps("room", Names("192.168.20.1", ""), "gn-in"))) == 1
