"""What did that router do, and which faults do the same?

    off, the correct module      do they let out what the router did? then nothing is named
    each fault, alone            the fewer differences are left, the more certain
    the best and one more        as long as that leaves fewer

A fault is named only if with it fewer differences are left than without, and as few as with any
other: so what cannot be seen in these captures is not named. Nothing is named where too much is
left. What is said as evidence are packets that the router let out and the correct module would not
have, or the other way round, and that the fault explains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import islice

from alg.base import Application
from alg.registry import MODULES, poor
from appliance.forensics.retracing import Trace, differences, let_out, retrace, sampled, settings_of
from appliance.forensics.sides import Looks, Mapped, Seen, Sides, mappings, preserves_ports
from appliance.journal.sentences import clean
from nat.endpoint import PROTOCOL_NAMES, TCP, UDP, Side

MOST_EVIDENCE = 3
"""Sentences for a fault."""
MOST_TOGETHER = 4
"""Faults of one router."""
MOST_LEFT = 0.25
"""Of all packets: where more are not explained, what explains some of them is chance."""
MOST_CANDIDATES = 12
"""That are tried together: those that help most alone."""
OTHER_NATS = (
    ("nat.filtering=endpoint-independent",),
    ("nat.filtering=address-and-port-dependent",),
    ("nat.mapping=address-and-port-dependent", "nat.filtering=address-and-port-dependent"),
)
"""Kinds of NAT that are tried when none of the usual kind explains everything."""
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
    the faults `together`. `left` is how many packets it does not explain, of `packets`; `correct`
    is what the correct module would have done, `kind` what kind of NAT it is, as settings."""

    application: Application
    kind: tuple[str, ...]
    module: str
    left: int
    packets: int
    correct: Trace
    mapped: Sequence[Mapped]
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
        self.came: list[Seen] = sampled(sides, ports)
        self.routers = let_out(sides, self.came)
        self.keeps_ports = preserves_ports(self.mapped)
        slot = f"alg.{application.name}"
        listed = ", ".join(map(str, ports))
        self.sets = (f"{slot}.ports=[{listed}]", f"{slot}.observe=false", *sets)

    def found(self) -> Diagnosis:
        module = poor(self.application.name)
        plain = {spec: self.trace(spec) for spec in ("off", self.application.name)}
        kind: tuple[str, ...] = ()
        least = min(map(self.left, plain.values()))
        tried = {} if not least else self._each_fault((), ())
        if least and min(map(self.left, tried.values()), default=least) > 0:
            kind = self._kind_of_nat(least)
            if kind:
                plain = {spec: self.trace(spec, kind) for spec in plain}
                least = min(map(self.left, plain.values()))
                tried = self._each_fault((), kind) if least else {}
        correct = plain[self.application.name]
        spec = min(plain, key=lambda each: self.left(plain[each]))
        diagnosis = Diagnosis(
            self.application, kind, spec, least, self.routers.total(), correct, self.mapped
        )
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
        together, left = self._together(helpful[:MOST_CANDIDATES], fewest, kind)
        if left > MOST_LEFT * diagnosis.packets:
            return diagnosis
        diagnosis.module, diagnosis.together, diagnosis.left = module.name, together, left
        diagnosis.faults = [self._named(name, tried[name], correct) for name in ranked]
        diagnosis.faults += [
            self._named(name, tried[name], correct) for name in together if name not in ranked
        ]
        return diagnosis

    # --- trying --------------------------------------------------------------------------------

    def trace(self, spec: str, kind: Sequence[str] = ()) -> Trace:
        slot = f"alg.{self.application.name}.module={spec}"
        settings = settings_of(self.sides, (*self.sets, *kind, slot))
        is_free = not self.keeps_ports or _chooses_ports(spec)
        until = self.sides.seen[-1].t if self.sides.seen else 0.0
        names = self.mapped if is_free else ()
        return retrace(self.came, settings, names, until, spec == self.application.name)

    def left(self, trace: Trace) -> int:
        return differences(trace.out, self.routers)

    def _each_fault(
        self, others: Sequence[str], kind: Sequence[str], names: Sequence[str] | None = None
    ) -> dict[str, Trace]:
        """The traces of each fault, or of these, with these others."""
        module = poor(self.application.name)
        if module is None:
            return {}
        return {
            name: self.trace(f"{module.name}:{','.join((*others, name))}", kind)
            for name in names or module.faults
            if name not in others
        }

    def _kind_of_nat(self, least: int) -> tuple[str, ...]:
        """The kind that explains most with no fault or with the correct module, if it is more."""
        best: tuple[str, ...] = ()
        for kind in OTHER_NATS:
            for spec in ("off", self.application.name):
                left = self.left(self.trace(spec, kind))
                if left < least:
                    best, least = kind, left
        return best

    def _together(
        self, candidates: Sequence[str], left: int, kind: Sequence[str]
    ) -> tuple[list[str], int]:
        """The best fault, and others that explain what it leaves. (One that helps beside it helps
        alone as well, nearly always.)"""
        chosen = [candidates[0]]
        while left and len(chosen) < MOST_TOGETHER:
            others = [name for name in candidates if name not in chosen]
            traces = self._each_fault(chosen, kind, others)
            name = min(traces, key=lambda each: self.left(traces[each]), default=None)
            if name is None or self.left(traces[name]) >= left:
                break
            chosen.append(name)
            left = self.left(traces[name])
        return chosen, left

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
    name = f"“{clean(line, 60)}”" if is_text else f"a packet ({PROTOCOL_NAMES[looks.protocol]})"
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
            clean(b" / ".join(lines).decode("latin-1"), _LONGEST)
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
