"""What a module of somebody's own may decide in the NAT's place, and what it is told for it.

A decision point of `nat/policy.py` comes with facts that are parts of the running NAT. A worker
gets copies of what is plain data in them, and a wish that asks the appliance whether a port is
free. Three points are not for strangers:

    behavior      is a change of all settings at once
    victim        is about every flow that there is
    untranslated  lets packets leave as they are
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.gateway.workers.frames import AskWish, Decide
from nat.endpoint import Endpoint
from nat.mapping import Flow, Mapping
from nat.policy import POINTS, AddressWish, PortWish, ReverseWish

OURS = frozenset(("behavior", "victim", "untranslated"))
MOST_SIBLINGS = 64
MOST_CHOICES = 256


class NotForStrangers(ValueError):
    """A worker's module may not decide this, or nobody may. The text is a sentence."""


def check(points: Sequence[str]) -> None:
    """Raises NotForStrangers."""
    for point in points:
        if point not in POINTS:
            raise NotForStrangers(f"{point!r} is not a decision point of the NAT")
        if point in OURS:
            raise NotForStrangers(f"{point!r} is not for a module of somebody's own to decide")


# --- what a module sees ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MappingSeen:
    """A mapping, as a module of somebody's own is told of it."""

    protocol: int
    internal: Endpoint
    external: Endpoint


@dataclass(frozen=True, slots=True)
class FlowSeen:
    """A flow, as a module of somebody's own is told of it."""

    id: int
    mapping: MappingSeen
    remote: Endpoint


@dataclass(frozen=True, slots=True)
class PortWishSeen:
    """`nat.policy.PortWish`: what it answers, the appliance answers."""

    protocol: int
    internal: Endpoint
    ask: Callable[[AskWish], Any]

    def is_free(self, port: int) -> bool:
        return bool(self.ask(AskWish("is_free", port)))

    def was_given_up(self, port: int) -> bool:
        return bool(self.ask(AskWish("was_given_up", port)))

    def at_random(self, parity: bool = True) -> int | None:
        port: int | None = self.ask(AskWish("at_random", int(parity)))
        return port


@dataclass(frozen=True, slots=True)
class ReverseWishSeen:
    """`nat.policy.ReverseWish`, with at most 64 of the host's other endpoints."""

    mapping: MappingSeen
    remote: Endpoint
    others: list[Endpoint]

    def siblings(self) -> list[Endpoint]:
        return self.others


# --- in the appliance ------------------------------------------------------------------


def packed(point: str, normal: object, facts: Sequence[Any]) -> Decide:
    """A decision as it is put to a worker."""
    return Decide(point, normal, [_packed(fact) for fact in facts])


def _packed(fact: Any) -> object:
    if isinstance(fact, AddressWish):
        return [fact.internal, list(fact.choices)[:MOST_CHOICES], fact.known]
    if isinstance(fact, PortWish):
        return [fact.protocol, fact.internal]
    if isinstance(fact, ReverseWish):
        return [_packed(fact.mapping), fact.remote, fact.siblings()[:MOST_SIBLINGS]]
    if isinstance(fact, Flow):
        return [fact.id, _packed(fact.mapping), fact.remote]
    if isinstance(fact, Mapping):
        return [fact.protocol, fact.internal, fact.external]
    return fact


def granted(wish: Any, question: AskWish) -> object:
    """What a `PortWish` answers. Raises ValueError when the decision is about something else."""
    if not isinstance(wish, PortWish):
        raise ValueError("there is no port to ask about")
    if question.question == "is_free":
        return wish.is_free(question.argument)
    if question.question == "was_given_up":
        return wish.was_given_up(question.argument)
    return wish.at_random(bool(question.argument))


# --- in the worker ---------------------------------------------------------------------


def unpacked(question: Decide, ask: Callable[[AskWish], Any]) -> tuple[object, list[object]]:
    """The normal answer and the facts, as the functions of `nat/policy.py` get them."""
    facts: list[Any] = question.facts
    normal: Any = question.normal
    match question.point:
        case "external_address":
            internal, choices, known = facts[0]
            return normal, [AddressWish(Endpoint(*internal), choices, known)]
        case "port" | "rtp_port" | "rtcp_port":
            protocol, internal = facts[0]
            return normal, [PortWishSeen(protocol, Endpoint(*internal), ask)]
        case "serves":
            return normal, [_mapping(facts[0]), Endpoint(*facts[1])]
        case "halfway":
            return normal, [Endpoint(*facts[0])]
        case "reverse":
            mapping, remote, others = facts[0]
            siblings = [Endpoint(*each) for each in others]
            wish = ReverseWishSeen(_mapping(mapping), Endpoint(*remote), siblings)
            return Endpoint(*normal), [wish]
        case "cuts_on_rst" | "cuts_on_icmp":
            number, mapping, remote = facts[0]
            return normal, [FlowSeen(number, _mapping(mapping), Endpoint(*remote))]
    return normal, facts


def _mapping(facts: Any) -> MappingSeen:
    protocol, internal, external = facts
    return MappingSeen(protocol, Endpoint(*internal), Endpoint(*external))
