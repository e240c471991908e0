"""The verbs of a context, done for a worker.

What arrives here has the right types and ranges already (`frames.py`). Whether it may be granted,
the context itself says, as it does to modules of ours: nothing is opened for another host than the
one that speaks, and all of it is undone when the answer turns out to be none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alg.base import AlgContext
from appliance.gateway.workers import frames
from nat.endpoint import Endpoint


class Verbs:
    """For one message."""

    def __init__(self, context: AlgContext) -> None:
        self._context = context

    def do(self, verb: Any) -> object:
        """The answer to a verb. Raises Unavailable and ValueError, as the context does."""
        done = DONE.get(type(verb))
        if done is None:
            raise ValueError("only a decision may ask that")
        return done(self._context, verb)


def _external_of(context: AlgContext, verb: frames.ExternalOf) -> object:
    return context.external_of(Endpoint(*verb.internal), verb.transport)


def _internal_of(context: AlgContext, verb: frames.InternalOf) -> object:
    return context.internal_of(Endpoint(*verb.external), verb.transport)


def _is_external_address(context: AlgContext, verb: frames.IsExternalAddress) -> object:
    return context.is_external_address(verb.address)


def _map(context: AlgContext, verb: frames.Map) -> object:
    return context.map(Endpoint(*verb.internal), verb.transport)


def _map_pair(context: AlgContext, verb: frames.MapPair) -> object:
    return context.map_pair(Endpoint(*verb.internal))


def _expect(context: AlgContext, verb: frames.Expect) -> object:
    context.expect(
        Endpoint(*verb.internal),
        None if verb.remote is None else Endpoint(*verb.remote),
        transport=verb.transport,
        parent=verb.parent,
        reason=verb.reason,
        lifetime=verb.lifetime,
        used_lifetime=verb.used_lifetime,
        silence=verb.silence,
    )
    return None


def _close(context: AlgContext, verb: frames.Close) -> object:
    context.close(verb.parent, None if verb.internal is None else Endpoint(*verb.internal))
    return None


def _keep(context: AlgContext, verb: frames.Keep) -> object:
    context.keep(verb.seconds)
    return None


def _remember(context: AlgContext, verb: frames.Remember) -> object:
    context.remember(verb.key, verb.value, verb.lifetime)
    return None


def _recall(context: AlgContext, verb: frames.Recall) -> object:
    return context.recall(verb.key)


def _forget(context: AlgContext, verb: frames.Forget) -> object:
    context.forget(verb.key)
    return None


DONE: Mapping[type, Callable[[AlgContext, Any], object]] = {
    frames.ExternalOf: _external_of,
    frames.InternalOf: _internal_of,
    frames.IsExternalAddress: _is_external_address,
    frames.Map: _map,
    frames.MapPair: _map_pair,
    frames.Expect: _expect,
    frames.Close: _close,
    frames.Keep: _keep,
    frames.Remember: _remember,
    frames.Recall: _recall,
    frames.Forget: _forget,
}
