"""The documents of `show` as text: what JSON has in full, as a person wants to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from appliance.cli.base import emit, emit_json, narrate
from appliance.control.filters import ONE_CALL
from appliance.journal.plain import clean
from appliance.journal.sentences import table
from appliance.settings import files as configuration
from appliance.settings.duration import duration_text
from appliance.settings.table import SETTINGS

LONGEST_REASON = 1000

COLUMNS: dict[str, dict[str, str]] = {
    "flows": {
        "id": "ID",
        "protocol": "PROTO",
        "internal": "INTERNAL",
        "external": "EXTERNAL",
        "remote": "REMOTE",
        "state": "STATE",
        "expires_in": "EXPIRES IN",
        "opened_by": "OPENED BY",
        "alg": "ALG",
        "packets_out": "OUT",
        "packets_in": "IN",
    },
    "mappings": {
        "protocol": "PROTO",
        "internal": "INTERNAL",
        "external": "EXTERNAL",
        "flows": "FLOWS",
        "expires_in": "EXPIRES IN",
    },
    "calls": {
        "call": "CALL",
        "kind": "KIND",
        "caller": "CALLER",
        "callee": "CALLEE",
        "state": "STATE",
        "since": "SINCE",
        "messages": "MESSAGES",
        "expires_in": "EXPIRES IN",
        "inferred": "INFERRED",
    },
    "expectations": {
        "protocol": "PROTO",
        "external": "EXTERNAL",
        "internal": "INTERNAL",
        "remote": "REMOTE",
        "expires_in": "EXPIRES IN",
        "reason": "REASON",
    },
}


CALL_COLUMNS = {
    "announced": {
        "media": "ANNOUNCED",
        "party": "BY",
        "side": "SIDE",
        "own": "OWN",
        "shown": "AS THE OTHER SIDE READ IT",
    },
    "flows": {"carries": "FLOW", **COLUMNS["flows"]},
    "expectations": COLUMNS["expectations"],
}
"""The tables of `show call ID`."""

LIMIT_COLUMNS = {"name": "LIMITS", "now": "NOW", "high_water": "HIGH-WATER", "limit": "LIMIT"}


def lines(what: str, answer: Any) -> Iterator[str]:
    """The document `show WHAT` as lines of text."""
    if what == "rfc":
        return _rfc_lines(answer)
    if what == "settings":
        return _settings_lines(answer)
    if what == ONE_CALL:
        return _call_lines(answer)
    return _counters_lines(answer) if what == "counters" else _list_lines(what, answer)


def _rfc_lines(requirements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each requirement; below what is not met, why."""
    for each in requirements:
        mark = click.style("✓", fg="green") if each["met"] else click.style("✗", fg="red")
        name, level, title = (clean(str(each[key])) for key in ("id", "level", "title"))
        yield f"{mark} {name:<18} {level:<11}  {title}"
        if not each["met"]:
            yield f"{'':4}because {clean(str(each['why']), LONGEST_REASON)}"
    met = sum(bool(each["met"]) for each in requirements)
    narrate(f"{met} of {len(requirements)} are met; tests and reasons of each: --json")


def _call_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """How the call stands, who announced what, and all that the NAT has open for it."""
    people = f"{answer['caller']} to {answer['callee']}"
    yield clean(f"{answer['kind']} {answer['call']}: {people}, {answer['state']}", LONGEST_REASON)
    yield clean(str(answer["verdict"]), LONGEST_REASON)
    for warning in answer.get("warnings", ()):
        yield clean(f"warning: {warning}", LONGEST_REASON)
    for silence in answer.get("inferred", ()):
        said = f"inferred: {silence.get('party')} hears nothing: {silence.get('sentence')}"
        yield clean(said, LONGEST_REASON)
    if answer["kind"] == "call":
        yield clean(f"media: {answer['packets_out']} packets out, {answer['packets_in']} in")
    for name, columns in CALL_COLUMNS.items():
        if answer[name]:
            yield ""
            yield from table([_row(row) for row in answer[name]], columns)
    yield from _hint_lines(answer["flows"])


def _list_lines(what: str, answer: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A table with a line for each record."""
    if not answer:
        narrate(f"no {what}")
        return
    columns = COLUMNS.get(what) or {key: key.upper() for key in answer[0]}
    yield from table([_row(row) for row in answer], columns)
    yield from _hint_lines(answer)


def _hint_lines(flows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is to be known of flows that no module reads."""
    hinted = [row for row in flows if row.get("hint")]
    if hinted:
        yield ""
    for row in hinted:
        yield clean(f"hint for flow {row['id']}: {row['hint']}", LONGEST_REASON)


def _row(row: Mapping[str, Any]) -> dict[str, object]:
    """A row with its countdown as a person reads it: tenths only where they matter."""
    left = row.get("expires_in")
    if not isinstance(left, int | float):
        return dict(row)
    shown = f"{max(left, 0.0):.1f}s" if left < 60 else duration_text(round(left))
    return {**row, "expires_in": shown}


def _settings_lines(answer: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each setting, with where its value came from."""
    for key, entry in answer.items():
        line = f"{key} = {value_text(key, entry['value'])}"
        yield clean(f"{line:<60} # {entry.get('origin', '')}")


def _counters_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The wires side by side, the drops that there were, what the kernel dropped before and after
    this program, the limits, the ALGs."""
    yield from _side_by_side("WIRES", answer["wires"])
    yield ""
    drops = {side: _not_zero(counted) for side, counted in answer["drops"].items()}
    if any(drops.values()):
        yield from _side_by_side("DROPS", drops)
    else:
        yield "no drops"
    yield ""
    if kernel := answer.get("kernel"):  # an appliance with real wires
        yield from _side_by_side("DROPPED BY THE KERNEL", kernel)
        yield ""
    limits = {"flows": answer["flows"], **answer["limits"]}
    rows = [{"name": name, **use, "limit": use["limit"] or "none"} for name, use in limits.items()]
    yield from table(rows, LIMIT_COLUMNS)
    yield ""
    if memory := answer.get("memory"):
        columns = {**LIMIT_COLUMNS, "name": "BYTES KEPT"}
        yield from table(
            [
                {"name": name, **use, "limit": use["limit"] or "none"}
                for name, use in memory.items()
            ],
            columns,
        )
        yield ""
    yield from _side_by_side("ALGS", answer["alg"])
    for name, bitten in answer.get("faults", {}).items():
        yield ""
        yield from table(
            [{"name": fault, "times": times} for fault, times in bitten.items()],
            {"name": f"FAULTS OF {name.upper()}", "times": "HAVE BITTEN"},
        )
    if hints := answer.get("hints"):
        yield ""
        yield from table(
            [{"name": name, "flows": count} for name, count in hints.items()],
            {"name": "NOT READ", "flows": "FLOWS"},
        )


def _side_by_side(heading: str, groups: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """A column for each group, a row for whatever any of them counts."""
    names = dict.fromkeys(name for counted in groups.values() for name in counted)
    rows = [
        {"name": name, **{group: counted.get(name, 0) for group, counted in groups.items()}}
        for name in names
    ]
    return table(rows, {"name": heading, **{group: group.upper() for group in groups}})


def _not_zero(counted: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counted.items() if count}


def value_text(key: str, value: object) -> str:
    """The value as a configuration would have it; one that lies in a table as it came."""
    if key in SETTINGS:
        return clean(configuration.setting_text(SETTINGS[key], value))
    return clean(json.dumps(value))


def emit_rows(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], as_json: bool) -> None:
    """A list as a table, or all that there is of it as JSON. `columns`: headings, by key."""
    if as_json:
        emit_json(rows)
        return
    for line in table(rows, columns):
        emit(line)
