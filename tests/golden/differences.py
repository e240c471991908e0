"""The differences between the kernel's SIP ALG and the correct one, and the page that tells them.

`python -m tests.golden.differences > docs/kernel-differences.md` writes the page.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from itertools import zip_longest
from pathlib import Path

from alg.edits import apply
from alg.sip.correct import Sip
from appliance.gateway.trial import Trial
from tests.golden.pairs import FOLDER, Pair, pairs
from tests.support.conversation import small_nat

FILE = FOLDER / "kernel" / "differences.toml"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "kernel-differences.md"
ELSEWHERE = frozenset(("transport", "internal", "external"))

HEAD = """# What Linux's SIP ALG does differently

Linux has a SIP ALG of its own (nf_conntrack_sip and nf_nat_sip, 2006 to today); it is in most
home routers. The messages of `tests/golden/` that pass at its place in the network ({compared} of
{all}) were sent through it and through ours, one after the other, with the same mapping for
signalling and every other port preserved. {same} leave both alike, byte for byte, and make the same
expectations. The others are here, each with the reason why ours does otherwise.

`tests/host/test_kernel_alg.py` sends them again (as root, where the kernel has the helper) and
fails when a line of this page is not true any more. Measured on Linux 6.18 with nftables
(`ct helper` type "sip", masquerade); all parameters of the module at their defaults.

In the examples `-` is ours and `+` the kernel's. An expectation is shown as
the port outside and who may send to it.
"""


@dataclass
class Difference:
    """One, with the pairs that show it."""

    title: str
    reason: str
    arrives: dict[str, list[str] | None] = field(default_factory=dict)
    """By pair, the lines that are not as ours; None where nothing arrives."""
    opens: dict[str, list[str]] = field(default_factory=dict)
    """By pair, the expectations that there are afterwards."""


@cache
def differences() -> list[Difference]:
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [
        Difference(
            entry["title"],
            entry["reason"],
            {
                name: None if lines == "nothing" else lines
                for name, lines in entry.get("arrives", {}).items()
            },
            entry.get("opens", {}),
        )
        for entry in document["difference"]
    ]


def comparable() -> list[Pair]:
    """The pairs that can be sent through the kernel's: over UDP, from the usual endpoints."""
    return [
        pair
        for pair in pairs().values()
        if not any(ELSEWHERE & set(each.values) for each in (*pair.history, pair))
    ]


def ours(pair: Pair) -> tuple[bytes, list[str]]:
    """What leaves, and the expectations, where no port but that of the signalling is mapped yet."""
    start, left = _empty_nat(pair), b""
    for each in (*pair.history, pair):
        context = start.facing(each.direction, each.remote)
        answer = Sip().inspect(each.before, context)
        left = apply(each.before, answer.edits)  # type: ignore[union-attr]
        context.commit()
    expectations = {
        (known.mapping.external.port, "anyone" if known.remote is None else str(known.remote))
        for known in start.expectations
    }
    return left, sorted(f"{port} <- {who.removesuffix(':0')}" for port, who in expectations)


def other_lines(message: bytes, than: bytes) -> list[str]:
    """The lines of a message that another does not have, in order."""
    left = _lines(than)
    found = []
    for line in _lines(message):
        if line in left:
            left.remove(line)
        else:
            found.append(line)
    return found


def page() -> str:
    """`docs/kernel-differences.md`."""
    compared, named = comparable(), set()
    for known in differences():
        named |= set(known.arrives) | set(known.opens)
    same = len(compared) - len(named)
    text = HEAD.format(compared=len(compared), all=len(pairs()), same=same)
    return text + "".join(_section(known) for known in differences())


def _section(known: Difference) -> str:
    names = dict.fromkeys([*known.arrives, *known.opens])
    shown = ", ".join(f"`{name}`" for name in names)
    return f"\n## {known.title}\n\n{known.reason}\n\n{_example(known)}\nSeen in: {shown}.\n"


def _example(known: Difference) -> str:
    name = next(iter([*known.arrives, *known.opens]))
    message, expectations = ours(pairs()[name])
    lines = []
    if name in known.arrives:
        theirs = known.arrives[name]
        if theirs is None:
            lines.append("+ (nothing arrives)")
        else:
            own = _own_lines(message, theirs)
            for mine, other in zip_longest(own, theirs):
                lines += [f"{sign} {line}" for sign, line in (("-", mine), ("+", other)) if line]
    if name in known.opens:
        lines.append(f"- expectations: {', '.join(expectations) or 'none'}")
        lines.append(f"+ expectations: {', '.join(known.opens[name]) or 'none'}")
    return "```diff\n" + "\n".join(lines) + "\n```\n"


def _own_lines(message: bytes, theirs: list[str]) -> list[str]:
    """Our lines in the place of theirs: those about the same."""
    found = []
    own = _lines(message)
    for line in theirs:
        match = next((one for one in own if _key(one) == _key(line)), None)
        if match and match != line:
            found.append(match)
            own.remove(match)
    return found


def _key(line: str) -> str:
    """What a line is about: the name before ":" or "=", or nothing for a fold."""
    return line.replace("=", ":").partition(":")[0].strip()


def _lines(message: bytes) -> list[str]:
    return message.decode("latin-1").replace("\r\n", "\n").split("\n")


def _empty_nat(pair: Pair) -> Trial:
    context = pair.context()
    return small_nat(
        context.direction,
        context.internal,
        context.external,
        context.remote,
        settings=context.settings,
    )


if __name__ == "__main__":
    print(page(), end="")
