"""What did that router do, and which faults do the same?

    off, the correct module      do they let out what the router did? then nothing is named
    each fault, alone            the fewer differences are left, the more certain
    the best and one more        as long as that leaves fewer

Where none of that explains everything, the router may be another kind of NAT, or choose ports in a
way of its own, as Linux does that is told a range: then ours takes the ports that it is seen to
have chosen, and what it does with them is judged.

A fault is named only if with it fewer differences are left than without, and as few as with any
other: so what cannot be seen in these captures is not named. Nothing is named where too much is
left. What is said as evidence are packets that the router let out and the correct module would not
have, or the other way round, and that the fault explains.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import islice
from typing import NamedTuple

from alg.base import Application
from alg.registry import MODULES, poor
from appliance.forensics.gaps import mark, older_streams
from appliance.forensics.retracing import (
    Strayed,
    Trace,
    differences,
    let_out,
    retrace,
    sampled,
    settings_of,
)
from appliance.forensics.sides import (
    Looks,
    Mapped,
    Seen,
    Sides,
    announced,
    mappings,
    preserves_ports,
)
from appliance.journal.plain import clean
from appliance.journal.readable import readable
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Side

MOST_EVIDENCE = 3
"""Sentences for a fault."""
MOST_TOGETHER = 4
"""Faults of one router."""
MOST_LEFT = 0.25
"""Of all packets: where more are not explained, what explains some of them is chance."""
MOST_CANDIDATES = 12
"""That are tried together: those that help most alone."""


class Kind(NamedTuple):
    """Of NAT: settings, and whether it chooses the ports that the router is seen to have chosen."""

    settings: tuple[str, ...] = ()
    has_its_ports: bool = False


USUAL = Kind()
OTHER_SETTINGS = (
    ("nat.filtering=endpoint-independent",),
    ("nat.filtering=address-and-port-dependent",),
    ("nat.mapping=address-and-port-dependent", "nat.filtering=address-and-port-dependent"),
)
OTHER_NATS = (
    *(Kind(each) for each in OTHER_SETTINGS),
    *(Kind(each, has_its_ports=True) for each in ((), *OTHER_SETTINGS)),
)
"""Kinds that are tried when none of the usual kind explains everything."""
_LONGEST = 120
_MOST_LINES = 2
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Named:
    """A fault that does what the router did. `left` differences are left with it."""

    name: str
    left: int
    evidence: tuple[str, ...]


@dataclass(slots=True)
class Diagnosis:
    """`module` comes nearest to what the router did: `off`, the correct one, or the poor one with
    the faults `together`. It lets out `explained` of the `packets` that the router let out; `left`
    are those that only one of the two let out. `correct` is what the correct module would have
    done, `kind` what kind of NAT it is. `is_told`: would no ALG have done something else than the
    correct module? `older_streams` began before any message that was seen."""

    application: Application
    kind: Kind
    module: str
    left: int
    explained: int
    packets: int
    correct: Trace
    mapped: Sequence[Mapped]
    is_told: bool
    older_streams: int
    faults: list[Named] = field(default_factory=list)
    together: list[str] = field(default_factory=list)


def diagnose(
    sides: Sides, application: Application, ports: Sequence[int], sets: Sequence[str]
) -> Diagnosis:
    """Try them all. `sets` are settings that are known of the router. Raises ConfigError."""
    return _Search(sides, application, ports, tuple(sets)).found()


class _Search:
    """The packets, and what has been tried with them."""

    def __init__(
        self,
        sides: Sides,
        application: Application,
        ports: Sequence[int],
        sets: tuple[str, ...],
    ) -> None:
        self.sides = sides
        self.application = application
        self.mapped = mappings(sides)
        self.ports = ports
        mark(sides, ports)
        self.came: list[Seen] = sampled(sides, ports)
        self.routers = let_out(sides, self.came)
        self.keeps_ports = preserves_ports(self.mapped)
        self.its_ports = [*self.mapped, *announced(sides, self.mapped)]
        slot = f"alg.{application.name}"
        listed = ", ".join(map(str, ports))
        self.sets = (f"{slot}.ports=[{listed}]", f"{slot}.observe=false", *sets)

    def found(self) -> Diagnosis:
        module = poor(self.application.name)
        kind, plain = self._usual_kind()
        least = min(map(self.left, plain.values()))
        tried = {} if not least else self._each_fault(kind)
        if least and min(map(self.left, tried.values()), default=least) > 0:
            other = self._other_kind(kind, plain)
            if other is not kind:
                kind, plain = other, self._plain(other)
                least = min(map(self.left, plain.values()))
                tried = self._each_fault(kind) if least else {}
        correct = plain[self.application.name]
        spec, nearest = min(plain.items(), key=lambda each: self.left(each[1]))
        diagnosis = Diagnosis(
            self.application, kind, spec, least, self._explained(nearest), self.routers.total(),
            correct, self.mapped, plain["off"].out != correct.out,
            older_streams(self.sides, self.ports),
        )  # fmt: skip
        fewest = min(map(self.left, tried.values()), default=least)
        better = {
            name: trace for name, trace in tried.items() if self.left(trace) == fewest < least
        }
        ranked = [*better]
        if module is None or not ranked:
            return diagnosis
        helpful = sorted(
            (name for name in tried if self.left(tried[name]) < least),
            key=lambda name: self.left(tried[name]),
        )
        together, trace = self._together(helpful[:MOST_CANDIDATES], tried, kind)
        if self.left(trace) > MOST_LEFT * diagnosis.packets:
            return diagnosis
        diagnosis.module, diagnosis.together = module.name, together
        diagnosis.left, diagnosis.explained = self.left(trace), self._explained(trace)
        diagnosis.faults = [self._named(name, tried[name], correct) for name in ranked]
        diagnosis.faults += [
            self._named(name, tried[name], correct) for name in together if name not in ranked
        ]
        return diagnosis

    # --- trying --------------------------------------------------------------------------------

    def trace(self, spec: str, kind: Kind = USUAL, within: Counter[Looks] | None = None) -> Trace:
        """Raises Strayed as `retrace`."""
        slot = f"alg.{self.application.name}.module={spec}"
        settings = settings_of(self.sides, (*self.sets, *kind.settings, slot))
        until = self.sides.seen[-1].t if self.sides.seen else 0.0
        names = self.mapped if self._are_ports_free(spec) else ()
        ports = self.its_ports if kind.has_its_ports else ()
        tells = spec == self.application.name
        return retrace(self.came, settings, names, until, tells, ports, within)

    def _are_ports_free(self, spec: str) -> bool:
        return not self.keeps_ports or _chooses_ports(spec)

    def left(self, trace: Trace) -> int:
        return differences(trace.out, self.routers)

    def _explained(self, trace: Trace) -> int:
        return (trace.out & self.routers).total()

    def _each_fault(self, kind: Kind) -> dict[str, Trace]:
        """The traces of all faults; if some explain everything, only of those. (To find these is
        quick: the others let something else out soon.)"""
        module = poor(self.application.name)
        if module is None:
            return {}
        specs = {name: f"{module.name}:{name}" for name in module.faults}
        found: dict[str, Trace] = {}
        for name, spec in specs.items():
            within = None if self._are_ports_free(spec) else self.routers
            with contextlib.suppress(Strayed):
                found[name] = self.trace(spec, kind, within)
        whole = {name: trace for name, trace in found.items() if not self.left(trace)}
        return whole or {
            name: found[name] if name in found else self.trace(spec, kind)
            for name, spec in specs.items()
        }

    def _with(self, others: Sequence[str], name: str, kind: Kind) -> Trace:
        """One more fault beside these others."""
        module = poor(self.application.name)
        assert module is not None
        return self.trace(f"{module.name}:{','.join((*others, name))}", kind)

    def _plain(self, kind: Kind) -> dict[str, Trace]:
        """No ALG, and the correct module."""
        return {spec: self.trace(spec, kind) for spec in ("off", self.application.name)}

    def _merit(self, traces: Iterable[Trace]) -> tuple[int, int]:
        """Of those that explain most, with the fewest packets of their own."""
        return max((self._explained(each), -self.left(each)) for each in traces)

    def _usual_kind(self) -> tuple[Kind, dict[str, Trace]]:
        """Where most ports are others outside, it is no fault that they are."""
        plain = self._plain(USUAL)
        if self.keeps_ports or not min(map(self.left, plain.values())):
            return USUAL, plain
        other = Kind(has_its_ports=True)
        its = self._plain(other)
        is_better = self._merit(its.values()) > self._merit(plain.values())
        return (other, its) if is_better else (USUAL, plain)

    def _other_kind(self, usual: Kind, plain: Mapping[str, Trace]) -> Kind:
        """The kind that explains most with no fault or with the correct module, if it is more."""
        best, most = usual, self._merit(plain.values())
        has_others = any(each.internal.port != each.external.port for each in self.its_ports)
        for kind in OTHER_NATS:
            if kind.has_its_ports <= has_others and kind.has_its_ports >= usual.has_its_ports:
                merit = self._merit(self._plain(kind).values())
                if merit > most:
                    best, most = kind, merit
        return best

    def _together(
        self, candidates: Sequence[str], tried: Mapping[str, Trace], kind: Kind
    ) -> tuple[list[str], Trace]:
        """The best fault, and others that explain what it leaves. (One that helps beside it helps
        alone as well, nearly always.)"""
        chosen = [candidates[0]]
        nearest = tried[chosen[0]]
        while self.left(nearest) and len(chosen) < MOST_TOGETHER:
            traces = {
                name: self._with(chosen, name, kind) for name in candidates if name not in chosen
            }
            name = min(traces, key=lambda each: self.left(traces[each]), default=None)
            if name is None or self.left(traces[name]) >= self.left(nearest):
                break
            chosen.append(name)
            nearest = traces[name]
        return chosen, nearest

    # --- telling -------------------------------------------------------------------------------

    def _named(self, name: str, trace: Trace, correct: Trace) -> Named:
        sentences = _evidence(trace, correct, self.routers, self._times())
        return Named(name, self.left(trace), tuple(islice(sentences, MOST_EVIDENCE)))

    def _times(self) -> dict[Looks, float]:
        return {each.looks: each.t for each in reversed(self.sides.seen) if not each.came}


def _chooses_ports(spec: str) -> bool:
    """Does a fault leave ports to chance? Ours has other dice."""
    name, _, faults = spec.partition(":")
    rows = [MODULES[name].faults[each] for each in faults.split(",") if each]
    return any({"port", "rtcp_port", "behavior", "serves"} & {*row.decisions} for row in rows)


def _evidence(
    trace: Trace, correct: Trace, routers: Counter[Looks], when: dict[Looks, float]
) -> Iterator[str]:
    """What the fault explains and the correct module does not."""
    only_routers, only_correct = routers - correct.out, correct.out - routers
    ours, right = trace.out, correct.out
    explained = sorted(
        (looks for looks in only_routers if ours[looks] > right[looks]),
        key=lambda each: when[each],
    )
    missing = sorted(
        (looks for looks in only_correct if ours[looks] < right[looks]),
        key=lambda each: correct.when[each],
    )
    used: set[Looks] = set()
    for looks in explained:
        twin = _twin(looks, missing, used)
        if twin is None:
            yield f"At {when[looks]:.3f} s {_what(looks)} was let out; a correct ALG lets out none."
        else:
            used.add(twin)
            yield f"At {when[looks]:.3f} s {_what(looks)}: {_difference(looks, twin)}."
    for looks in missing:
        if looks not in used:
            at = correct.when[looks]
            yield f"At {at:.3f} s {_what(looks)} was not let out; a correct ALG lets it out."


def _twin(looks: Looks, missing: Sequence[Looks], used: set[Looks]) -> Looks | None:
    """The same packet as the correct module lets it out."""
    fitting = [
        other
        for other in missing
        if other not in used
        and (other.side, other.protocol, other.more) == (looks.side, looks.protocol, looks.more)
        and other.carries[:8] == looks.carries[:8]
        and (other.source.address, other.destination.address)
        == (looks.source.address, looks.destination.address)
    ]
    return fitting[0] if fitting else None


def _what(looks: Looks) -> str:
    """`the INVITE to 203.0.113.9:5060 on the outside`."""
    line = looks.carries.partition(b"\r\n")[0].decode("latin-1")
    is_text = looks.protocol in (UDP, TCP) and line.isprintable() and " " in line
    name = (
        f"“{clean(readable(line), 60)}”"
        if is_text
        else f"a packet ({PROTOCOL_NAMES[looks.protocol]})"
    )
    ends = f"from {looks.source} to {looks.destination}"
    return f"{name} {ends} on the {'inside' if looks.side is Side.INSIDE else 'outside'}"


def _difference(ours: Looks, right: Looks) -> str:
    """What is another than the correct module has it."""
    if (ours.source, ours.destination) != (right.source, right.destination):
        return f"a correct ALG lets it out from {right.source} to {right.destination}"
    if ours.is_sound != right.is_sound:
        return "its checksum is wrong"
    old, new = (each.carries.split(b"\r\n") for each in (right, ours))
    found = [
        tuple(
            clean(readable(b" / ".join(lines).decode("latin-1")), _LONGEST)
            for lines in (old[start:end], new[other:last])
        )
        for kind, start, end, other, last in SequenceMatcher(None, old, new, False).get_opcodes()
        if kind != "equal"
    ]
    # A length says little: it is other because something else is.
    found.sort(key=lambda texts: not any(map(_ADDRESS.search, texts)))
    if not found:
        return "its bytes are others"
    return "; ".join(_has(*texts) for texts in found[:_MOST_LINES])


def _has(wanted: str, there: str) -> str:
    if not there:
        return f"lacks “{wanted}”, which a correct ALG leaves there"
    return f"has “{there}” where a correct ALG writes {f'“{wanted}”' if wanted else 'nothing'}"
