"""`glassnat alg`: the modules, the faults, and one message through a module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from re import findall
from typing import Any

import click
import msgspec

from alg import compare, edits, registry
from alg.base import Alg, Application, Edits, Finding, Reading, Refuse, Unavailable
from alg.spec import is_foreign
from appliance.cli.base import (
    JSON_OPTION,
    USAGE,
    Command,
    F,
    Failure,
    Group,
    OneOf,
    emit,
    emit_json,
    narrate,
)
from appliance.cli.endpoints import EndpointType, PairType
from appliance.cli.messages import fit, lint, message_options, take
from appliance.cli.words import modules_and_faults, offer, profiles, specs
from appliance.gateway import bites, modules
from appliance.gateway.trial import Situation, Trial
from appliance.gateway.workers.module import ModuleFailed
from appliance.gateway.workers.workshop import Workshop
from appliance.journal.hexdump import dump, spelled
from appliance.journal.narrator import parent_text
from appliance.journal.plain import clean
from appliance.journal.readable import readable
from appliance.journal.rows import ChangeOf, is_text
from appliance.journal.sentences import table
from appliance.journal.wording import Worded, word
from appliance.settings import files as configuration
from appliance.settings.hints import nearest, shown
from appliance.settings.table import Settings
from nat.endpoint import PROTOCOL_NAMES, Direction, Endpoint
from nat.mapping import Expectation


@click.group(cls=Group, short_help="Modules, faults, and one message through them.")
def alg() -> None:
    """Application-layer gateways: which there are, what is wrong with the bad one, and one message
    through any of them."""


@alg.command("list")
@JSON_OPTION
def list_all(as_json: bool) -> None:
    """List the modules, and the faults of those that are wrong on purpose."""
    modules = [
        {"name": module.name, "title": module.title, "does": module.does}
        for module in registry.MODULES.values()
    ]
    faults = [
        _fault(module.name, name) for module in registry.MODULES.values() for name in module.faults
    ]
    if as_json:
        emit_json({"modules": modules, "faults": faults})
        return
    for line in table(modules, {"name": "MODULE", "does": "DOES"}):
        emit(line)
    emit("")
    for line in table(faults, {"name": "FAULT", "module": "OF", "does": "DOES"}):
        emit(line)
    narrate("\nUse one: --alg sip-poor:FAULT,FAULT   More about one: glassnat alg show FAULT")


COLUMNS = ("does", "seen_in", "breaks", "look_at", "kind", "rfc")
"""What is told of a fault beside its name and module."""


def _fault(module: str, name: str) -> dict[str, str]:
    fault = registry.MODULES[module].faults[name]
    return {"name": name, "module": module, **{key: getattr(fault, key) for key in COLUMNS}}


def _faults_called(name: str) -> list[dict[str, str]]:
    """The fault that is meant by `FAULT` or `MODULE:FAULT`, if there is one."""
    module, _, fault = name.rpartition(":")
    return [
        _fault(each.name, fault)
        for each in registry.MODULES.values()
        if fault in each.faults and module in ("", each.name)
    ]


@alg.command("show")
@click.argument("name", shell_complete=offer(modules_and_faults))
@JSON_OPTION
def show_one(name: str, as_json: bool) -> None:
    """Explain a module or a fault."""
    faults = _faults_called(name)
    if faults:
        known = faults[0]
    elif name in registry.MODULES:
        module = registry.MODULES[name]
        known = {"name": name, "title": module.title, "does": module.does}
    else:
        names = [word for each in registry.MODULES.values() for word in (each.name, *each.faults)]
        hint = nearest(name, names) or "; see: glassnat alg list"
        raise Failure(f"{shown(name)} is neither a module nor a fault{hint}", USAGE)
    if as_json:
        emit_json(known)
        return
    for key, value in known.items():
        if value:
            emit(f"{key.replace('_', ' '):<8}  {value}")


def _endpoint_option(name: str, default: str, text: str) -> Callable[[F], F]:
    return click.option(
        f"--{name}",
        type=EndpointType(),
        default=default,
        show_default=True,
        metavar="ENDPOINT",
        help=text,
    )


@alg.command("diff", cls=Command, short_help="One message through a module, with reasons.")
@message_options
@click.option(
    "--alg",
    "spec",
    metavar="SPEC",
    default="sip",
    show_default=True,
    shell_complete=offer(specs),
    help="The module.",
)
@_endpoint_option("internal", "192.168.20.100:5060", "The inside host.")
@_endpoint_option("external", "203.0.113.1:5060", "What the world sees of it.")
@_endpoint_option("remote", "203.0.113.9:5060", "The other party.")
@click.option(
    "--direction",
    type=OneOf("direction", ("out", "in")),
    default="out",
    show_default=True,
    help="Which way the message goes.",
)
@click.option(
    "--transport",
    type=OneOf("transport", ("udp", "tcp")),
    help="By default the first that the module's protocol has.",
)
@click.option(
    "--map",
    "presets",
    type=PairType(),
    multiple=True,
    metavar="INTERNAL=EXTERNAL",
    help="A mapping that the NAT has already; of two addresses, one of all ports (1:1).",
)
@click.option("--config", "config_file", metavar="FILE", help="The NAT's configuration.")
@click.option(
    "--profile", metavar="NAME", shell_complete=offer(profiles), help="The NAT's profile."
)
@click.option(
    "--set",
    "sets",
    metavar="KEY=VALUE",
    multiple=True,
    help="E.g. alg.sip.received=learn or nat.ports=random.",
)
@click.option("--raw", is_flag=True, help="Write the bytes that would leave, nothing else.")
@JSON_OPTION
def diff(
    file: str,
    number: int | None,
    config_file: str | None,
    profile: str | None,
    sets: tuple[str, ...],
    raw: bool,
    as_json: bool,
    **situation: Any,
) -> int:
    """Send one message through a module: before, after, and the reason for each change.

    The module answers as in an empty NAT with the ports policy of the settings, plus what --map
    presets.

    FILE may be what you have: a message with the line ends of any editor, indented or quoted, out
    of sngrep, Wireshark's "Follow", tcpdump -A, or the logs of Asterisk and Kamailio, several
    messages at once, a pcap or pcapng. What stands around a message is taken away, and said; the
    message itself is never changed. An inside address that the message or the capture names takes
    the place of the default of --internal.

    \b
    Examples:
      glassnat alg diff invite.txt
      glassnat alg diff call.pcap --message 3
      tcpdump -A -n -r call.pcap | glassnat alg diff - --alg off
      glassnat alg diff invite.txt --alg sip-poor:no-sdp
      glassnat alg diff invite.txt --set nat.ports=sequential
      glassnat alg diff - --direction in --map 192.168.20.100:4000=203.0.113.1:4000 < answer.txt
    """
    if config_file is None:
        settings = configuration.defaults(profile, sets)
    else:
        settings = configuration.load(config_file, profile, sets)
    spec = situation.pop("spec")
    message, application, excerpt = take(file, number, spec, settings)
    way = excerpt.way if excerpt else None
    situation = fit(situation, message, application, way)
    situation["transport"] = situation["transport"] or _transport(application, settings)
    run = _Run.of(message, spec, application, _situation(**situation), settings)
    if raw:
        sys.stdout.buffer.write(run.after)
        return 0
    if as_json:
        emit_json(run.document())
        return 0
    for line in run.lines():
        emit(line)
    narrate(run.summary())
    return 0


def _situation(
    direction: str, presets: Sequence[tuple[Endpoint, Endpoint]], **ends: Any
) -> Situation:
    return Situation(Direction(direction), presets=dict(presets), **ends)


alg.add_command(lint)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a module made of a message, and what the correct one would have."""

    message: bytes
    after: bytes
    verdict: str
    note: str
    changes: Sequence[compare.Comparison]
    findings: Sequence[Finding]
    context: Trial

    @classmethod
    def of(
        cls,
        message: bytes,
        spec: str,
        application: Application,
        situation: Situation,
        settings: Settings,
    ) -> _Run:
        """Run the module in a NAT of its own, and the correct one in another."""
        module = _load(spec, application, settings)
        correct = application.correct()
        context = Trial(situation, settings, application.name, module)
        answer, note = _inspect(module, message, context)
        active = answer.edits if isinstance(answer, Edits) else ()
        ideal: Edits | None = None
        if is_foreign(spec) or module.name != correct.name:
            twin = Trial(situation, settings, application.name, correct)
            right, _ = _inspect(correct, message, twin)
            ideal = right if isinstance(right, Edits) else Edits()
        expected = None if ideal is None else ideal.edits
        changes = compare.changes(message, module, active, correct, expected, application)
        if isinstance(answer, Edits):
            note = compare.note(replace(answer, note=note), ideal)
        if unused := bites.idle(message, spec, application, situation, settings):
            said = bites.sentence(unused, registry.MODULES[module.name])
            note = f"{note}; {said}" if note else said
        if not active and (hint := _ports_hint(application, situation, settings)):
            note = f"{note}; {hint}" if note else hint
        dropped = isinstance(answer, Refuse)
        after = b"" if dropped else edits.apply(message, active)
        wanted = after if expected is None else edits.apply(message, expected)
        damage = compare.damage(message, after, wanted, application.findings)
        return cls(message, after, _verdict(answer), note, changes, damage, context)

    def document(self) -> dict[str, Any]:
        """As JSON. A message that is no text has its words beside its bytes, if there are any."""
        worded = self._worded()
        return {
            "verdict": self.verdict,
            "before": self.message.decode("latin-1"),
            "after": self.after.decode("latin-1"),
            "note": self.note,
            **({"lines": worded.lines} if worded else {}),
            "expectations": [_expectation(each) for each in self.context.expectations],
            "changes": [msgspec.to_builtins(each) for each in self.changes],
            "findings": [msgspec.to_builtins(each) for each in self.findings],
        }

    def _worded(self) -> Worded | None:
        text, after = self.message.decode("latin-1"), self.after.decode("latin-1")
        return word(self.context.application, text, after, self.changes)

    def lines(self) -> list[str]:
        """Every line of the message; what was changed, or should have been, with its reason."""
        text, worded = self.message.decode("latin-1"), self._worded()
        if worded is not None:
            lines = _text_lines(worded.before, worded.changes)
        elif is_text(text):
            lines = _text_lines(text, self.changes)
        else:
            lines = list(self._byte_rows(text))
        return lines + [
            click.style(f"DAMAGE {each.name}: {each.sentence} ({each.rfc})", fg="red")
            for each in self.findings
        ]

    def _byte_rows(self, text: str) -> Iterator[str]:
        """A message that is no text, as a hex dump."""
        for before, after, changes in dump(text, self.changes):
            if before == after:
                yield from (f"{'!' if changes else ' '} {row}".rstrip() for row in before)
            else:
                yield from (click.style(f"- {row}", fg="red") for row in before)
                yield from (click.style(f"+ {row}", fg="green") for row in after)
            for each in changes:
                yield _reason(each, is_binary=True)

    def summary(self) -> str:
        """One line of narration."""
        counts: dict[str, int] = {}
        for each in self.changes:
            counts[each.verdict] = counts.get(each.verdict, 0) + 1
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        note = f" ({clean(self.note)})" if self.note else ""
        opened = len(self.context.expectations)
        return f"{self.verdict}{note}: {told or 'no changes'}; {opened} expectations opened"


def _transport(application: Application, settings: Settings) -> str:
    """What its messages come over when nobody says it: TCP for a protocol that has no choice."""
    transports = settings.section(f"alg.{application.name}").get("transports", ("tcp",))
    return str(transports[0])


def _ports_hint(application: Application, situation: Situation, settings: Settings) -> str:
    """What to give when neither end has a port that the protocol is looked for on; else empty."""
    ports = settings.section(f"alg.{application.name}")["ports"]
    internal, remote = situation.internal, situation.remote
    if internal.port in ports or remote.port in ports:
        return ""
    return (
        f"{application.name.upper()} is looked for on port {', '.join(map(str, ports))}: give "
        f"--remote {remote._replace(port=ports[0])}, or --internal "
        f"{internal._replace(port=ports[0])} when the server is inside"
    )


def _load(spec: str, application: Application, settings: Settings) -> Alg:
    try:
        name = application.name
        faults = settings.section(f"alg.{name}").get("faults", ())
        return modules.load(spec, faults, name, Workshop())
    except registry.SpecError as error:
        raise Failure(f"--alg: {error} (see: glassnat alg list)", USAGE) from None


def _expectation(expectation: Expectation) -> dict[str, object]:
    mapping, remote = expectation.mapping, expectation.remote
    return {
        "protocol": PROTOCOL_NAMES[mapping.protocol],
        "external": str(mapping.external),
        "internal": str(mapping.internal),
        "remote": None if remote is None else str(remote),
        "parent": parent_text(expectation.parent),
        "reason": expectation.reason,
        "expires_in": expectation.deadline,
    }


def _inspect(module: Alg, message: bytes, context: Trial) -> tuple[Edits | Refuse, str]:
    """The module's answer and a note. A module that fails leaves the message as it is."""
    try:
        answer = module.inspect(message, context)
        if isinstance(answer, Refuse):
            return answer, module.explain(answer.rule).sentence
        edits.apply(message, answer.edits)
    except Unavailable as refusal:
        context.rollback()
        return Edits(), f"left alone: {refusal}"
    except ModuleFailed as failure:
        context.rollback()
        return Edits(), f"the module failed: {failure}"
    except Exception as error:  # it may be anybody's code
        context.rollback()
        return Edits(), f"the module failed: {type(error).__name__}: {error}"
    return answer, answer.note


def _verdict(answer: Edits | Refuse) -> str:
    if isinstance(answer, Refuse):
        return "dropped"
    if answer.edits:
        return "rewritten"
    return "unchanged" if answer.reading is Reading.MESSAGE else answer.reading.value


def _text_lines(text: str, changes: Sequence[ChangeOf]) -> list[str]:
    rows = findall(r"[^\n]*\n|[^\n]+", text)  # no line ends at \x85, which is half of an Å
    starts = [0, *accumulate(map(len, rows))]
    lines: list[str] = []
    for start, row in zip(starts, rows, strict=False):
        here = [each for each in changes if start <= each.span[0] < start + len(row)]
        lines += _row(row, start, here)
    beyond = [each for each in changes if each.span[0] >= len(text)]
    return lines + [_reason(each) for each in beyond]


def _row(row: str, start: int, changes: Sequence[ChangeOf]) -> list[str]:
    """One line of the message: as it is, or before and after, with the reasons beneath."""
    after, shift = row, -start
    for change in changes:
        low, high = change.span[0] + shift, change.span[1] + shift
        after = after[:low] + change.after + after[high:]
        shift += len(change.after) - (high - low)
    before_text, after_text = (clean(readable(text.rstrip("\r\n")), 1000) for text in (row, after))
    if before_text == after_text:
        lines = [f"{'!' if changes else ' '} {before_text}".rstrip()]
    else:
        lines = [click.style(f"- {before_text}", fg="red")]
        lines.append(click.style(f"+ {after_text}", fg="green"))
    return lines + [_reason(each) for each in changes]


def _reason(change: ChangeOf, is_binary: bool = False) -> str:
    expected = what = ""
    if is_binary:
        what = spelled(change.field, change.before)
        if change.after != change.before:
            what += f" -> {spelled(change.field, change.after)}"
        what += ". "
    if change.verdict != "ok" and change.expected is not None:
        value = spelled(change.field, change.expected) if is_binary else readable(change.expected)
        expected = f" Expected: {clean(value)}."
    source = f" ({clean(change.rfc)})" if change.rfc else ""
    said = f"{clean(what + change.reason)}{expected}{source}"
    return f"    {change.verdict.upper()} {clean(change.field)}: {said}"
