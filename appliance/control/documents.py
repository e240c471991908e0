"""What `show` answers: documents, JSON-able, from an engine as it is now.

Long lists are iterators over records: whoever sends them can pause between two. A record that is
no longer there when its turn comes is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from appliance.engine import Engine
from appliance.gateway.lookout import Hints
from appliance.gateway.shares import MOST_BYTES
from appliance.journal.counters import Use
from appliance.journal.narrator import ends_of, parent_text
from appliance.settings.rfc import report
from nat.mapping import Expectation, Flow, Mapping

SIDES = ("inside", "outside")


def show(engine: Engine, what: str, now: float) -> object:
    """The document called `what`. Raises KeyError for one that does not exist."""
    return DOCUMENTS[what](engine, now)


def flows(engine: Engine, now: float) -> Iterator[dict[str, object]]:
    """Every flow that is alive."""
    for flow in list(engine.nat.table.flows.values()):
        if flow.is_alive(now):
            yield flow_row(flow, now, engine.hints)


def mappings(engine: Engine, now: float) -> Iterator[dict[str, object]]:
    """Every mapping that something keeps alive."""
    for at_endpoint in list(engine.nat.table.mappings.by_external.values()):
        for mapping in at_endpoint:
            until = _lives_until(mapping)
            if until > now:
                yield _mapping(mapping, until, now)


def expectations(engine: Engine, now: float) -> list[dict[str, object]]:
    """Whom ALGs let in, and until when."""
    return [
        expectation_row(each, now)
        for each in engine.nat.table.expectations.values()
        if each.deadline > now
    ]


def calls(engine: Engine, now: float) -> list[dict[str, object]]:
    """The calls and registrations that were followed, of each ALG that follows any."""
    return engine.conversations.document(now)


def settings(engine: Engine, _: float) -> dict[str, object]:
    """Every setting, with where its value came from."""
    return {
        key: {"value": value, "origin": engine.settings.origins[key]}
        for key, value in engine.settings.values.items()
    }


def rfc(engine: Engine, _: float) -> list[dict[str, object]]:
    """Which requirements of the RFCs the settings meet."""
    return report(engine.settings)


def counters(engine: Engine, now: float) -> dict[str, object]:
    """Where everything went that was received, and how much of each limit is in use."""
    table = engine.nat.table
    wires = dict(zip(SIDES, engine.datapath.counters, strict=True))
    return {
        "wires": {
            name: {**wire.document(), "own": engine.nat.own_icmp.sent[side]}
            for side, (name, wire) in enumerate(wires.items())
        },
        "drops": {
            name: {drop.reason: count for drop, count in wire.drops.items()}
            for name, wire in wires.items()
        },
        "kernel": _kernel_drops(engine),
        "flows": {
            "now": len(table.flows),
            "high_water": table.high_water.marks.get("flows", 0),
            "limit": engine.nat.behavior.limits.flows,
        },
        "limits": _limits(engine, now),
        "memory": {name: use._asdict() for name, use in _memory(engine)},
        "alg": {name: dict(slot.counters) for name, slot in engine.slots.items()},
        "faults": {name: dict(slot.bitten) for name, slot in engine.slots.items() if slot.bitten},
        "hints": dict(engine.hints.counters),
    }


def _kernel_drops(engine: Engine) -> dict[str, dict[str, int]]:
    """What the kernel dropped of each wire before it came to the program, and after the program had
    sent it; of wires whose kernel tells. None of it is in the other counters."""
    told = {side: dropped() for side, dropped in engine.kernel_drops.items()}
    return {side: drops._asdict() for side, drops in told.items() if drops is not None}


def _limits(engine: Engine, now: float) -> dict[str, dict[str, int]]:
    """Each limit of state: in use now, at most so far, allowed (0: no limit)."""
    nat = engine.nat
    kept = (nat.table, nat.table.mappings.assignment, nat.reassembler)
    marks = {limit: mark for each in kept for limit, mark in each.high_water.marks.items()}
    return {
        name: {
            "now": used,
            "high_water": marks.get(name, 0),
            "limit": getattr(nat.behavior.limits, name),
        }
        for name, used in nat.usage(now).items()
    }


def _memory(engine: Engine) -> Iterator[tuple[str, Use]]:
    """What is kept for later, in bytes: in use now, at most so far, allowed."""
    log, shares = engine.log, engine.datapath.streams.shares
    yield "events", Use(log.bytes, log.high_water, log.most_bytes)
    yield "streams", Use(shares.kept, shares.high_water, MOST_BYTES)
    for name, slot in engine.slots.items():
        bounds = slot.bounds
        yield f"modules_{name}", Use(bounds.used, bounds.high_water, bounds.most)
    for name, ask in engine.kept.items():
        yield name, ask()


DOCUMENTS: dict[str, Callable[[Engine, float], object]] = {
    "flows": flows,
    "mappings": mappings,
    "calls": calls,
    "expectations": expectations,
    "counters": counters,
    "settings": settings,
    "rfc": rfc,
}


def flow_row(flow: Flow, now: float, hints: Hints) -> dict[str, object]:
    """One row of `show flows`; `timer` is the one that it lives under (of `nat.timeouts`, or an
    ALG's), `alg` the module that handles it now, `hint` what was said of it because none does."""
    slot, hint = flow.outbound.slot, hints.of(flow.id)
    return {
        "id": flow.id,
        **ends_of(flow.mapping),
        "remote": str(flow.remote),
        "state": flow.state,
        "expires_in": round(flow.expires_at() - now, 3),
        "timer": flow.timer.name,
        "opened_by": flow.opened_by,
        "alg": slot.handler if slot else None,
        "packets_out": flow.outbound.packets,
        "packets_in": flow.inbound.packets,
        "bytes_out": flow.outbound.bytes,
        "bytes_in": flow.inbound.bytes,
        "mapping": flow.mapping.id,
        "hint": hint.sentence if hint else "",
    }


def _lives_until(mapping: Mapping) -> float:
    """On the clock of `now`; what is closed has no time left, a forward no end of its own."""
    if mapping.owned:
        return inf
    ends = [mapping.held_until]
    ends += [flow.expires_at() for flow in mapping.flows()]
    ends += [expectation.deadline for expectation in mapping.expectations]
    return max(ends)


def _mapping(mapping: Mapping, until: float, now: float) -> dict[str, object]:
    """`expires_in` is null for what has no end of its own (a forward)."""
    return {
        "id": mapping.id,
        **ends_of(mapping),
        "flows": sum(flow.is_alive(now) for flow in mapping.flows()),
        "expires_in": None if until == inf else round(until - now, 3),
        "opened_by": mapping.opened_by,
    }


def expectation_row(expectation: Expectation, now: float) -> dict[str, object]:
    """One row of `show expectations`."""
    mapping = expectation.mapping
    return {
        "id": expectation.id,
        **ends_of(mapping),
        "remote": None if expectation.remote is None else str(expectation.remote),
        "parent": parent_text(expectation.parent),
        "reason": expectation.reason,
        "expires_in": round(expectation.deadline - now, 3),
    }
