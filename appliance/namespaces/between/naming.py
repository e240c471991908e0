"""Names for the machines inside, by a name server of our own (`appliance/namespaces/names/`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from appliance.namespaces.between.record import Trace
from appliance.namespaces.between.step import Step
from appliance.namespaces.names import hosts
from appliance.namespaces.names.hosts import PROGRAM, Host

OWN_ADDRESS = "192.0.0.2"
"""Whom the NAT sees asking the resolver. The gateway's address is the appliance's, which nobody
else may use; this one is for what stands before a NAT and is seen by nobody else (RFC 6333 5.7)."""


class Names(NamedTuple):
    """Where the server listens, which resolver it asks for others' names (empty: none), and those
    that it knows by itself."""

    listen: str
    resolver: str
    hosts: Sequence[Host] = ()


def steps(netns: str, names: Names, tun: str) -> Iterator[Step]:
    """An address of its own in a private namespace, by which its questions leave through the `tun`,
    and the server."""
    if names.resolver:
        yield Step(("ip", "-n", netns, "address", "add", f"{OWN_ADDRESS}/32", "dev", tun))
        way = ("route", "replace", "default", "dev", tun, "src", OWN_ADDRESS)
        yield Step(("ip", "-n", netns, *way))
    yield step(netns, names)


def step(netns: str, names: Names) -> Step:
    """The server in a private namespace."""
    known = [word for host in names.hosts for word in ("--host", hosts.written(host))]
    forward = ["--forward", names.resolver] if names.resolver else []
    return Step(
        ("ip", "netns", "exec", netns, sys.executable, "-m", "appliance.cli", "names",
         "--listen", names.listen, *forward, *known, "--background"),
        (Trace("server", PROGRAM, netns),),
    )  # fmt: skip
