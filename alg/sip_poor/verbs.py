"""Context verbs that a fault gets wrong.

Some faults are not in the text of a message but in what the module asks of its context: it opens
an expectation for the wrong remote, closes too early, or forgets to ask. Such a fault hands the
correct steps another context: a subclass of `WrappedContext` that overrides the verbs that the
fault gets wrong. The other verbs go on to the real context. A subclass that only one fault needs
stands with that fault.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Concatenate, ParamSpec, TypeVar

from alg.base import AlgContext
from nat.endpoint import Endpoint

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def _passed_on(
    verb: Callable[Concatenate[AlgContext, Arguments], Answer],
) -> Callable[Concatenate[Any, Arguments], Answer]:
    """The same verb of a `WrappedContext`, with the same types: it asks the context inside."""

    def ask(self: WrappedContext, /, *given: Arguments.args, **named: Arguments.kwargs) -> Answer:
        answer: Answer = getattr(self.context, verb.__name__)(*given, **named)
        return answer

    return ask


class WrappedContext:
    """An AlgContext that passes every verb on to another one. Subclasses override a few."""

    def __init__(self, context: AlgContext) -> None:
        self.context = context
        self.direction = context.direction
        self.internal = context.internal
        self.external = context.external
        self.remote = context.remote
        self.transport = context.transport
        self.settings = context.settings

    external_of = _passed_on(AlgContext.external_of)
    internal_of = _passed_on(AlgContext.internal_of)
    is_external_address = _passed_on(AlgContext.is_external_address)
    map = _passed_on(AlgContext.map)
    map_pair = _passed_on(AlgContext.map_pair)
    expect = _passed_on(AlgContext.expect)
    close = _passed_on(AlgContext.close)
    keep = _passed_on(AlgContext.keep)
    remember = _passed_on(AlgContext.remember)
    recall = _passed_on(AlgContext.recall)
    forget = _passed_on(AlgContext.forget)


class ShortLived(WrappedContext):
    """Grants at most so many seconds to what belongs to parents of one kind ("call",
    "registration")."""

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
        if belongs_to(parent, self.kind):
            lifetime = min(lifetime, self.seconds)
            used_lifetime = None if used_lifetime is None else min(used_lifetime, self.seconds)
        lives: Any = {"lifetime": lifetime, "used_lifetime": used_lifetime}
        super().expect(internal, remote, parent=parent, **lives, **more)

    def keep(self, seconds: float) -> None:
        super().keep(min(seconds, self.seconds) if self.kind == "registration" else seconds)

    def remember(self, key: Hashable, value: Any, lifetime: float) -> None:
        if belongs_to(key, self.kind):
            lifetime = min(lifetime, self.seconds)
        super().remember(key, value, lifetime)


def belongs_to(parent: Hashable, kind: str) -> bool:
    """Is this the parent of an expectation (or a remembered key) of that kind? Both are tuples
    that begin with it."""
    return isinstance(parent, tuple) and bool(parent) and parent[0] == kind
