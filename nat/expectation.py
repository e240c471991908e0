"""Doors that an ALG opened ahead of the packets it expects (RFC 2663 2.9; netfilter's word).

"A packet to this external endpoint, from that remote, belongs to that call, until then." An
expectation holds a mapping open and lets one remote in before the inside has sent to it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from nat.endpoint import Endpoint

if TYPE_CHECKING:
    from nat.mapping import Flow, Mapping


class Expectation:
    """`remote` None means anyone, its port 0 any port of that address. `deadline` is absolute, in
    seconds on the caller's clock; `used_lifetime` None means that use does not prolong it."""

    __slots__ = (
        "deadline",
        "flow",
        "id",
        "mapping",
        "parent",
        "reason",
        "remote",
        "used_lifetime",
    )

    def __init__(
        self, id_: int, mapping: Mapping, remote: Endpoint | None, parent: Hashable, reason: str
    ) -> None:
        self.id = id_
        self.mapping = mapping
        self.remote = remote
        self.parent = parent
        self.reason = reason
        self.deadline = 0.0
        self.used_lifetime: float | None = None
        self.flow: Flow | None = None

    def admits(self, remote: Endpoint, now: float) -> bool:
        if now >= self.deadline:
            return False
        if self.remote is None:
            return True
        return self.remote.address == remote.address and self.remote.port in (0, remote.port)
