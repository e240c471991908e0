"""What an application says of its own traffic where nobody reads it.

A phone that speaks SIP on another port, or wraps it in TLS, passes the NAT as if there were no ALG;
so does a file server whose module is off. Nobody would look there without a hint. Each application
lists the *signs* by which its traffic is told at a glance (`Application.signs`), and what to say.

A sign is for the eyes only: nothing is translated, opened or refused because of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nat.endpoint import Endpoint

LOOKED_AT = 256
"""Bytes at the beginning of what a packet carries that a sign is looked for in."""


class Glimpse(NamedTuple):
    """What somebody sees of a flow who only passes by."""

    head: bytes
    """The first bytes that a packet carries, `LOOKED_AT` at most."""
    transport: str
    """`"udp"` or `"tcp"`."""
    internal: Endpoint
    remote: Endpoint
    is_outward: bool
    """Does the packet leave?"""
    setting: Callable[[str], Any]
    """A setting's value now as a file has it, by its key (`alg.sip.ports`). Raises KeyError."""

    def is_on(self, ports: str) -> bool:
        """Has either end one of the ports that this setting names? Its application has a slot
        there."""
        looked_at = self.setting(ports)
        return self.remote.port in looked_at or self.internal.port in looked_at


class Hint(NamedTuple):
    """What a person should know of a flow that is not read."""

    sentence: str
    """*Not* safe to draw when it quotes the message."""
    setting: str = ""
    """The key that changes it; empty when none does."""
    value: str = ""
    """What to set it to, as `glassnat set` takes it."""


class Sign(NamedTuple):
    """How traffic of one kind begins."""

    begins: bytes
    """A regular expression, tried at the first byte only."""
    tells: Callable[[Glimpse], Hint | None]
    """What is to be said; None: nothing yet, but the next packets are looked at as well."""
    first: bytes = b""
    """All bytes that it may begin with. Most traffic begins with another, and needs no second look.
    Or:"""
    port: int = 0
    """The port of either end that it is looked for on alone."""


def more_ports(ports: Sequence[int], port: int) -> str:
    """The value of a list of ports with one more, as `glassnat set` takes it."""
    return ",".join(map(str, (*ports, port)))
