"""What was found out about a router, as JSON, as a profile, and as a page for its vendor."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from alg.registry import MODULES
from appliance.forensics.diagnosis import MOST_LEFT, Diagnosis
from appliance.forensics.observed import Observed
from appliance.forensics.sides import Mapped, Sides
from appliance.journal.plain import clean
from appliance.journal.readable import readable
from appliance.settings.hints import counted
from nat.endpoint import PROTOCOL_NAMES, Direction, Side

_LONGEST_LINE = 200
MOST_FIELDS = 6
MOST_MESSAGES = 50
"""On the page: of more messages with differences, the first."""


def document(sides: Sides, diagnosis: Diagnosis, messages: Sequence[Observed]) -> dict[str, Any]:
    """As JSON."""
    return {
        "mappings": [_mapping(each) for each in diagnosis.mapped],
        "messages": [_message(each) for each in messages],
        "unpaired": {str(side): sides.unpaired(side) for side in Side},
        "clock_offset": sides.offset,
        "module": diagnosis.module,
        "unexplained": diagnosis.left,
        "explained": diagnosis.explained,
        "packets": diagnosis.packets,
        "faults": [
            {"name": each.name, "unexplained": each.left, "evidence": list(each.evidence)}
            for each in diagnosis.faults
        ],
        "profile": profile(diagnosis),
        "notes": [*notes(diagnosis)],
    }


def document_of_one(told: Sequence[str]) -> dict[str, Any]:
    """As JSON, what was `told` of one side alone: no message was seen on both."""
    return {"mappings": [], "messages": [], "faults": [], "notes": [*told]}


def notes(diagnosis: Diagnosis) -> Iterator[str]:
    """What these captures cannot tell."""
    if diagnosis.older_streams:
        streams = counted(diagnosis.older_streams, "stream")
        yield (
            f"{streams} of packets had begun before the first message that both captures have: "
            "nothing captured tells what was done to the messages that began them. Capture from "
            "before the phone registers until after the call."
        )


def _mapping(each: Mapped) -> dict[str, Any]:
    return {
        "protocol": PROTOCOL_NAMES[each.protocol],
        "internal": str(each.internal),
        "external": str(each.external),
        "remotes": sorted(map(str, each.remotes)),
        "first": each.first,
        "last": each.last,
        "packets_out": each.packets_out,
        "packets_in": each.packets_in,
        "longest_silence": round(each.longest_silence, 6),
        "shortest_end": None if each.shortest_end is None else round(each.shortest_end, 6),
    }


def _message(each: Observed) -> dict[str, Any]:
    return {
        "t": each.t,
        "direction": each.direction.value,
        "before": each.came.decode("latin-1"),
        "after": None if each.left is None else each.left.decode("latin-1"),
        "changes": [msgspec.to_builtins(change) for change in each.changes],
    }


def profile(diagnosis: Diagnosis) -> str:
    """Settings that do the same, as a file has them."""
    rows = ['title = "As the router in the captures"']
    tables: dict[str, list[str]] = {}
    for assignment in diagnosis.kind.settings:
        key, _, value = assignment.partition("=")
        table, _, name = key.rpartition(".")
        tables.setdefault(table, []).append(f"{name} = {json.dumps(value)}")
    slot = tables.setdefault(f"alg.{diagnosis.application.name}", [])
    slot.append(f"module = {json.dumps(diagnosis.module)}")
    if diagnosis.together:
        slot.append(f"faults = {json.dumps(diagnosis.together)}")
    for table, lines in tables.items():
        rows += ["", f"[{table}]", *lines]
    return "\n".join(rows) + "\n"


def sentences(sides: Sides, diagnosis: Diagnosis, messages: Sequence[Observed]) -> Iterator[str]:
    """What there is to say, a line each."""
    inside, outside = (sides.unpaired(side) for side in Side)
    yield (
        f"{counted(len(sides.seen), 'packet')}; without a partner {inside} inside and {outside} "
        f"outside; the outside's clock is {sides.offset:+.3f} s"
    )
    for each in diagnosis.mapped:
        said = f"{each.internal} was {each.external} outside ({PROTOCOL_NAMES[each.protocol]})"
        if each.shortest_end is not None:
            said += f", and no more after {each.shortest_end:.1f} s of silence"
        elif each.longest_silence >= 1.0:
            said += f", and still after {each.longest_silence:.1f} s of silence"
        yield said
    yield f"{counted(len(messages), 'message')}; fields: {_fields(messages)}"
    yield _verdict(diagnosis)
    yield from notes(diagnosis)
    for fault in diagnosis.faults:
        rest = f"; {fault.left} packets are left" if fault.left else ""
        yield f"{fault.name}: {MODULES[_poor(diagnosis)].faults[fault.name].does}{rest}"
        yield from (f"    {sentence}" for sentence in fault.evidence)


def _poor(diagnosis: Diagnosis) -> str:
    return diagnosis.module.partition(":")[0]


def _verdict(diagnosis: Diagnosis) -> str:
    most = f"{diagnosis.explained} of {counted(diagnosis.packets, 'packet')} that it let out"
    left = f"; this explains {most}" if diagnosis.left else ""
    if diagnosis.kind.has_its_ports:
        left = f", with the ports that the router is seen to have chosen{left}"
    if diagnosis.left > MOST_LEFT * diagnosis.packets:
        nearest = "no ALG" if diagnosis.module == "off" else f"the module {diagnosis.module}"
        return f"The router does what no fault here does; {nearest} comes nearest{left}."
    if diagnosis.faults:
        return f"The router does what {diagnosis.module}:{','.join(diagnosis.together)} does{left}."
    if not diagnosis.is_told:
        return (
            "Nothing captured tells what the router does to messages: in those that both captures "
            f"have there is nothing to edit, so no ALG and the correct module do the same{left}."
        )
    if diagnosis.module == "off":
        return f"The router does what no ALG does: it leaves messages alone{left}."
    return f"The router does what the correct module does{left}."


def _fields(messages: Sequence[Observed]) -> str:
    """How many were changed, by the correct module's opinion, and those that are not right."""
    judged: dict[str, Counter[str]] = {}
    for change in (change for each in messages for change in each.changes):
        judged.setdefault(change.verdict, Counter())[change.field] += 1
    told = []
    for verdict, fields in judged.items():
        named = ", ".join(f"{field} {count}" for field, count in fields.most_common(MOST_FIELDS))
        more = ", …" if len(fields) > MOST_FIELDS else ""
        told.append(
            f"{fields.total()} {verdict}" + ("" if verdict == "ok" else f" ({named}{more})")
        )
    return ", ".join(told) or "none changed"


def page(sides: Sides, diagnosis: Diagnosis, messages: Sequence[Observed]) -> str:
    """For a ticket to the router's vendor."""
    return "\n".join(_page(sides, diagnosis, messages)) + "\n"


def _page(sides: Sides, diagnosis: Diagnosis, messages: Sequence[Observed]) -> Iterator[str]:
    yield "# What the router changes"
    yield ""
    yield _verdict(diagnosis)
    yield ""
    for note in notes(diagnosis):
        yield _plain(note)
        yield ""
    yield f"Fields of messages that it changed: {_plain(_fields(messages))}."
    yield ""
    for fault in diagnosis.faults:
        row = MODULES[_poor(diagnosis)].faults[fault.name]
        yield f"## {fault.name}"
        yield ""
        yield f"{row.does} {row.breaks} ({row.rfc})"
        yield ""
        yield from (f"* {_plain(sentence)}" for sentence in fault.evidence)
        yield ""
    yield "## Mappings"
    yield ""
    yield "| protocol | inside | outside | packets out | in |"
    yield "|---|---|---|---|---|"
    for each in diagnosis.mapped:
        name = PROTOCOL_NAMES[each.protocol]
        yield (
            f"| {name} | {each.internal} | {each.external} | {each.packets_out} "
            f"| {each.packets_in} |"
        )
    differing = [
        each for each in messages if any(change.verdict != "ok" for change in each.changes)
    ]
    for message in differing[:MOST_MESSAGES]:
        yield ""
        yield from _table(message)
    yield ""
    yield "## A profile that does the same"
    yield ""
    yield "```toml"
    yield profile(diagnosis).rstrip("\n")
    yield "```"


def _table(each: Observed) -> Iterator[str]:
    line = each.came.partition(b"\r\n")[0].decode("latin-1")
    way = "outwards" if each.direction is Direction.OUT else "inwards"
    yield f"## {each.t:.3f} s, {way}: {_plain(clean(readable(line), _LONGEST_LINE))}"
    yield ""
    yield "| field | came | was let out | is right | |"
    yield "|---|---|---|---|---|"
    for change in each.changes:
        texts = (change.before, change.after, change.expected or "")
        cells = " | ".join(_plain(clean(readable(text), _LONGEST_LINE)) for text in texts)
        source = f" ({change.rfc})" if change.rfc else ""
        reason = f"{change.verdict}: {change.reason}{source}"
        yield f"| {_plain(change.field)} | {cells} | {_plain(reason)} |"


def _plain(text: str) -> str:
    """Text that cannot be taken for a mark of the page."""
    return "".join(f"\\{each}" if each in "\\`*_<>#|[]" else each for each in text)
