"""The correct SIP ALG. Read this file first, then `rewriting.py`.

A message is read completely before anything is done; then each step does one thing to it. The
steps are a tuple, so that a bad ALG (`alg/sip_poor/`) can be described by the step that it leaves
out. This module has no state: what it must know later it asks its context to remember.

    bytes ─► message.parse ─► parts.read ─► the steps, over one Rewriting ─► Edits
             where all parts  what an ALG     each adds edits, and asks the
             stand            looks at        context to map, expect, keep

What is right, and why, is in `docs/rules.md`, rule by rule; the steps cite them by name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from alg.base import AlgContext, Edits, Reading, Reason, Refuse
from alg.sip import dialogs, headers, offers, parts, pinholes, register
from alg.sip.message import Malformed, NotSip, parse
from alg.sip.rewriting import Rewriting
from alg.stream import RIGHT, Manners
from nat.policy import Decide

Step = Callable[[Rewriting], None]

STEPS: tuple[Step, ...] = (
    headers.translate,
    register.follow,
    register.keep_signalling,
    dialogs.begin,
    offers.translate,
    dialogs.follow,
    pinholes.renew,
)
"""The order matters. A call is begun before its description is translated, so that what is
opened for it has a call to belong to; it is followed later, because a final answer may close what
the description in it has just renewed; and what is left of it then stays open for as long as the
answer says."""


class Sip:
    """What every field should become (RFC 3261, 3264, 3581, 3605, 8866)."""

    name = "sip"
    application = "sip"
    decisions: Mapping[str, Decide] = {}
    manners: Manners = RIGHT

    def __init__(self, steps: tuple[Step, ...] = STEPS) -> None:
        self.steps = steps

    def inspect(self, message: bytes, context: AlgContext) -> Edits | Refuse:
        """Never raises for any bytes (rule pass-unchanged)."""
        try:
            parsed = parse(message)
            found = parts.read(parsed)
        except NotSip as reason:
            return Edits(reading=Reading.OPAQUE, note=str(reason))
        except Malformed as reason:
            return Edits(reading=Reading.MALFORMED, note=str(reason))
        work = Rewriting(parsed, found, context)
        for step in self.steps:
            step(work)
        edits = tuple(sorted(work.edits, key=lambda edit: edit.start))
        return Edits(edits, note=work.note, not_opened=tuple(work.not_opened))

    def explain(self, rule: str) -> Reason:
        """Raises KeyError for what is no rule of `reasons.toml`."""
        return reasons()[rule]


@cache
def reasons() -> dict[str, Reason]:
    """The sentences behind the rules, from the one file that a teacher may translate."""
    text = Path(__file__).with_name("reasons.toml").read_text(encoding="utf-8")
    return {
        rule: Reason(entry["sentence"], entry["rfc"]) for rule, entry in tomllib.loads(text).items()
    }
