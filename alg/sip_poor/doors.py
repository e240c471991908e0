"""The doors to the NAT with somebody standing in them.

Some faults are not in the text of a message but in what the ALG asks the NAT for, or forgets to.
Each class here hands on every request but the one that its fault gets wrong.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from alg.base import AlgContext
from nat.endpoint import Direction, Endpoint


class Doors:
    """Hands everything on."""

    def __init__(self, context: AlgContext) -> None:
        self.context = context
        self.direction: Direction = context.direction
        self.internal: Endpoint = context.internal
        self.external: Endpoint = context.external
        self.remote: Endpoint = context.remote
        self.transport: str = context.transport
        self.settings: Mapping[str, Any] = context.settings

    def external_of(self, internal: Endpoint, transport: str = "udp") -> Endpoint | None:
        return self.context.external_of(internal, transport)

    def internal_of(self, external: Endpoint, transport: str = "udp") -> Endpoint | None:
        return self.context.internal_of(external, transport)

    def is_external_address(self, address: int) -> bool:
        return self.context.is_external_address(address)

    def map(self, internal: Endpoint, transport: str = "udp") -> Endpoint:
        return self.context.map(internal, transport)

    def map_pair(self, internal: Endpoint) -> Endpoint:
        return self.context.map_pair(internal)

    def expect(
        self,
        internal: Endpoint,
        remote: Endpoint | None,
        *,
        parent: Hashable,
        lifetime: float,
        **more: Any,
    ) -> None:
        self.context.expect(internal, remote, parent=parent, lifetime=lifetime, **more)

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None:
        self.context.close(parent, internal)

    def keep(self, seconds: float) -> None:
        self.context.keep(seconds)

    def remember(self, key: Hashable, value: Any, lifetime: float) -> None:
        self.context.remember(key, value, lifetime)

    def recall(self, key: Hashable) -> Any:
        return self.context.recall(key)

    def forget(self, key: Hashable) -> None:
        self.context.forget(key)


class NeverCloses(Doors):
    """Leaves open what belongs to parents of one kind ("call", "registration")."""

    def __init__(self, context: AlgContext, kind: str) -> None:
        super().__init__(context)
        self.kind = kind

    def close(self, parent: Hashable, internal: Endpoint | None = None) -> None:
        if not _is(parent, self.kind):
            super().close(parent, internal)


class SignallingPeerOnly(Doors):
    """Lets media in from nobody but the address that the signalling comes from."""

    def expect(
        self, internal: Endpoint, remote: Endpoint | None, *, parent: Hashable, **more: Any
    ) -> None:
        if not _is(parent, "call") or remote is None or remote.address == self.remote.address:
            super().expect(internal, remote, parent=parent, **more)


class ShortLived(Doors):
    """Cuts every lifetime that it is asked for."""

    def __init__(self, context: AlgContext, seconds: float, kind: str) -> None:
        super().__init__(context)
        self.seconds = seconds
        self.kind = kind

    def expect(
        self,
        internal: Endpoint,
        remote: Endpoint | None,
        *,
        parent: Hashable,
        lifetime: float,
        used_lifetime: float | None = None,
        **more: Any,
    ) -> None:
        if _is(parent, self.kind):
            lifetime = min(lifetime, self.seconds)
            used_lifetime = None if used_lifetime is None else min(used_lifetime, self.seconds)
        super().expect(
            internal,
            remote,
            parent=parent,
            lifetime=lifetime,
            used_lifetime=used_lifetime,
            **more,
        )

    def keep(self, seconds: float) -> None:
        super().keep(min(seconds, self.seconds) if self.kind == "registration" else seconds)

    def remember(self, key: Hashable, value: Any, lifetime: float) -> None:
        super().remember(
            key, value, min(lifetime, self.seconds) if _is(key, self.kind) else lifetime
        )


class OneRegistration(Doors):
    """Has room for one registration of a host: the next one pushes it out."""

    def expect(
        self, internal: Endpoint, remote: Endpoint | None, *, parent: Hashable, **more: Any
    ) -> None:
        if _is(parent, "registration"):
            key = ("only registration", self.internal.address)
            last = self.recall(key)
            if last is not None and last != parent:
                self.close(last)
            self.remember(key, parent, 86_400.0)
        super().expect(internal, remote, parent=parent, **more)


def _is(parent: Hashable, kind: str) -> bool:
    return isinstance(parent, tuple) and bool(parent) and parent[0] == kind
