"""Writes the parts of the manual that are tables of the program: `python docs/generate.py`.

The pages of stories (`docs/pitfalls.py`) take half a minute; `python docs/generate.py STORY` writes
only that one's.

A page marks where a table belongs; what stands between the two marks is replaced:

    <!-- generated: tcp-states -->
    ...
    <!-- /generated -->

So a table in the manual cannot differ from the table in the source; `tests/test_docs.py` checks
that this program would change nothing. The lines `Tests:` in `rules.md` and `promises.md` are
written from what the tests cite (`docs/citations.py`).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # also when started as a program, from anywhere

from alg.base import Reason  # noqa: E402
from alg.dns.correct import reasons as dns_reasons  # noqa: E402
from alg.dns_poor.faults import FAULTS as DNS_FAULTS  # noqa: E402
from alg.ftp.correct import reasons as ftp_reasons  # noqa: E402
from alg.ftp_poor.faults import FAULTS as FTP_FAULTS  # noqa: E402
from alg.sip.correct import reasons  # noqa: E402
from alg.sip.judging import stays  # noqa: E402
from alg.sip_poor.faults import FAULTS  # noqa: E402
from appliance.parties.kinds import KINDS, kind_of  # noqa: E402
from appliance.parties.traits import Trait, traits_of  # noqa: E402
from appliance.settings.files import setting_text  # noqa: E402
from appliance.settings.setting import Setting  # noqa: E402
from appliance.settings.table import SETTINGS  # noqa: E402
from appliance.sim.scenario import Turns  # noqa: E402
from appliance.sim.stories import list_scenarios  # noqa: E402
from docs import pitfalls, seen  # noqa: E402
from docs.citations import with_tests  # noqa: E402
from nat.drop import Drop  # noqa: E402
from nat.tcp import TRANSITIONS, Segment, TcpState  # noqa: E402
from tui.keys import KEYS  # noqa: E402

PLACE = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)

ARROWS = {"OUT": "out", "IN": "in"}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |\n" for line in lines)


def settings() -> str:
    """Every setting, a table for each section of the file."""
    sections: dict[str, list[Setting]] = {}
    for setting in SETTINGS.values():
        sections.setdefault(setting.key.rpartition(".")[0], []).append(setting)
    return "\n".join(_section(name, listed) for name, listed in sections.items())


def _section(name: str, listed: Sequence[Setting]) -> str:
    title = f"### `[{name}]`" if name else "### At the top of the file"
    rows = [
        (
            f"`{setting.key}`",
            _choices(setting),
            f"`{setting_text(setting, setting.default)}`",
            "yes" if setting.live else "",
            setting.help + (f" ({setting.source})" if setting.source else ""),
        )
        for setting in listed
    ]
    return f"{title}\n\n{table(('key', 'values', 'default', 'live', 'meaning'), rows)}"


def _choices(setting: Setting) -> str:
    """What may be written, from the setting's own JSON Schema."""
    return _described(setting.kind.schema(), "duration" if _is_duration(setting) else "text")


def _is_duration(setting: Setting) -> bool:
    return "anyOf" in setting.kind.schema()


def _described(schema: dict[str, Any], otherwise: str) -> str:
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "anyOf" in schema:
        words = [f"`{each['const']}`" for each in schema["anyOf"] if "const" in each]
        return ", ".join(["duration", *words])
    if "examples" in schema:
        return ", ".join([*(f"`{word}`" for word in schema["examples"]), "…"])
    kind = schema["type"]
    if kind == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    if kind == "array":
        return f"list of: {_described(schema['items'], otherwise)}"
    if "properties" in schema:
        return "table: " + ", ".join(f"`{key}`" for key in schema["properties"])
    return {"boolean": "`true`, `false`", "object": "table: port = duration"}.get(kind, otherwise)


def traits() -> str:
    """Every trait of a party, and which kinds have it: a row for each meaning of a word."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for kind, row in KINDS.items():
        for trait in traits_of(row.traits):
            cells = (_type_of(trait), _default_of(trait), trait.about)
            kinds.setdefault((trait.name, *cells), []).append(kind)
    shown = _shown_by()
    return table(
        ("trait", "of", "values", "default", "what it is for, and where it comes from", "seen in"),
        (
            (
                f"`{name}`",
                "all" if len(who) == len(KINDS) else ", ".join(who),
                *cells,
                min((shown[kind, name] for kind in who if (kind, name) in shown), default=NOWHERE)[
                    2
                ],
            )
            for (name, *cells), who in kinds.items()
        ),
    )


NOWHERE = (0, 0, "")


def _shown_by() -> dict[tuple[str, str], tuple[int, int, str]]:
    """By kind and trait the story in which it is best seen: where it is listed to be turned, or
    else where it is turned, or else where it is not as it is by default. Before the name stand
    these ranks, and the story's place on the shelf."""
    shown: dict[tuple[str, str], tuple[int, int, str]] = {}
    for place, story in enumerate(list_scenarios()):
        turns: list[Turns] = [*story.steps, *story.expect.values()]
        turned = {key for each in turns for key in each.set}
        for name, party in story.parties.items():
            for trait in traits_of(type(party)):
                key = f"parties.{name}.{trait.name}"
                if key in story.knobs:
                    rank = 0
                elif key in turned:
                    rank = 1
                elif getattr(party, trait.name) != trait.default:
                    rank = 2
                else:
                    continue
                found = (rank, place, f"[`{story.name}`](pitfalls/{story.name}.md)")
                about = (kind_of(party), trait.name)
                shown[about] = min(found, shown.get(about, found))
    return shown


def _type_of(trait: Trait) -> str:
    words = {"null": "none", "boolean": "`true`, `false`", "array": "list", "object": "table"}
    return ", ".join(words.get(word, word) for word in trait.values.split(" | "))


def _default_of(trait: Trait) -> str:
    """As a story would write it."""
    if trait.default is not None:
        return f"`{json.dumps(trait.default)}`"
    return "none" if "null" in trait.values else "must be given"


def tcp_states() -> str:
    """The transitions of `nat/tcp.py`: a row for each state, a column for each segment."""
    columns = list(Segment)
    heads = ["state", "timer", *(_segment(segment) for segment in columns)]
    rows = [
        [
            f"**{state.value}**",
            f"`{state.timer}`",
            *(_state(changes.get(segment)) for segment in columns),
        ]
        for state, changes in TRANSITIONS.items()
    ]
    return table(heads, rows)


def tcp_picture() -> str:
    """The same as a state diagram."""
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR", "    [*] --> OPENING: SYN out"]
    for state, changes in TRANSITIONS.items():
        for target in dict.fromkeys(changes.values()):
            segments = ", ".join(_segment(each) for each, to in changes.items() if to is target)
            lines.append(f"    {state.name} --> {target.name}: {segments}")
    return "\n".join([*lines, "```"]) + "\n"


def _segment(segment: Segment) -> str:
    flag, _, direction = segment.name.partition("_")
    return f"{'other' if flag == 'DATA' else flag} {ARROWS[direction]}"


def _state(state: TcpState | None) -> str:
    return state.value if state else ""


def drops() -> str:
    """Every reason for which a packet is refused."""
    return table(
        ("reason", "in words", "rule"),
        ((f"`{drop.reason}`", drop.sentence, drop.rfc) for drop in Drop),
    )


def rules(reasons: Mapping[str, Reason]) -> str:
    """Every rule by which a correct module edits."""
    return table(
        ("rule", "why", "written in"),
        ((f"`{rule}`", why.sentence, why.rfc) for rule, why in reasons.items()),
    )


def places_that_stay() -> str:
    """Why the correct module leaves a place alone."""
    return table(
        ("place", "why", "written in"),
        ((f"`{place}`", why.sentence, why.rfc) for place, why in stays().items()),
    )


def sip_faults() -> str:
    """Every fault of the poor SIP module."""
    return table(
        ("fault", "look at first", "what it does", "what breaks", "seen in"),
        (
            (f"`{each.name}`", each.look_at, each.does, each.breaks, each.seen_in)
            for each in FAULTS.values()
        ),
    )


def ftp_faults() -> str:
    """Every fault of the poor FTP module."""
    return table(
        ("fault", "what it does", "what breaks", "look first at"),
        ((f"`{each.name}`", each.does, each.breaks, each.look_at) for each in FTP_FAULTS.values()),
    )


def dns_faults() -> str:
    """Every fault of the poor DNS module."""
    return table(
        ("fault", "what it does", "what breaks", "look first at", "seen in"),
        (
            (f"`{each.name}`", each.does, each.breaks, each.look_at, each.seen_in)
            for each in DNS_FAULTS.values()
        ),
    )


def keys() -> str:
    """Every key of the screen."""
    where = {"sim": "simulation", "live": "running appliance"}
    return table(
        ("key", "does", "about", "only in"),
        ((f"`{each.key}`", each.does, each.group, where.get(each.modes, "")) for each in KEYS),
    )


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "traits": traits,
    "tcp-states": tcp_states,
    "tcp-picture": tcp_picture,
    "drops": drops,
    "sip-rules": lambda: rules(reasons()),
    "sip-stays": places_that_stay,
    "sip-faults": sip_faults,
    "ftp-rules": lambda: rules(ftp_reasons()),
    "ftp-faults": ftp_faults,
    "dns-rules": lambda: rules(dns_reasons()),
    "dns-faults": dns_faults,
    "keys": keys,
    "symptoms": pitfalls.by_symptom,
    "bites": pitfalls.by_fault,
    "in-both-worlds": seen.in_both_worlds,
}


def filled(page: str) -> str:
    """A page with all its generated parts as the source has them now."""
    return with_tests(PLACE.sub(lambda found: found[1] + PARTS[found[2]]() + found[3], page))


def pages() -> Iterator[Path]:
    return iter(sorted(DOCS.rglob("*.md")))


def write_pitfalls(names: Sequence[str]) -> None:
    """The pages of these stories, and none for a story that is no more."""
    pitfalls.FOLDER.mkdir(exist_ok=True)
    for path in set(pitfalls.FOLDER.iterdir()) - set(map(pitfalls.path_of, pitfalls.names())):
        path.unlink()
    for name in names:
        pitfalls.path_of(name).write_text(pitfalls.page(name), encoding="utf-8")


if __name__ == "__main__":
    write_pitfalls(sys.argv[1:] or pitfalls.names())
    for path in pages():
        text = path.read_text(encoding="utf-8")
        if filled(text) != text:
            path.write_text(filled(text), encoding="utf-8")
