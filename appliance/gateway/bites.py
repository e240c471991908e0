"""Has a fault done anything? A fault that is switched on spoils only messages that have what it
spoils: of a hundred it may bite in two, or in none.

It has bitten a message when the module's answer, or what it asked of the NAT, is not what the
correct module would have answered and asked. A fault that decides in the place of the NAT has
bitten when its decision was another one than the NAT's own (`slot.py` counts those).

What is not counted: faults that set the NAT otherwise as long as they are switched on (`behavior`),
and those in how TCP streams are read. With several faults at work on one message, all that may have
caused the difference are counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from alg import edits, registry
from alg.base import Application, Edits, Refuse, Unavailable
from appliance.gateway.context import Asked
from appliance.gateway.trial import Situation, Trial
from appliance.settings.table import Settings

Answer = Edits | Refuse


def bitten(
    answer: Answer, asked: Sequence[Asked], correct: Answer | None, would_ask: Sequence[Asked]
) -> tuple[str, ...]:
    """The faults that have bitten a message. `correct` is what the correct module answered, if it
    was run; without it, those whose names stand at edits."""
    if not answer.faults or isinstance(answer, Refuse):
        return answer.faults
    if correct is None:
        rules = {edit.rule for edit in answer.edits}
        return tuple(fault for fault in answer.faults if fault in rules)
    is_same = _written(answer) == _written(correct) and list(asked) == list(would_ask)
    return () if is_same else answer.faults


def _written(answer: Answer) -> object:
    if isinstance(answer, Refuse):
        return None
    return [(each.start, each.end, each.replacement) for each in answer.edits]


def idle(
    message: bytes, spec: str, application: Application, situation: Situation, settings: Settings
) -> list[str]:
    """The faults of a SPEC that change nothing about this message: without each of them alone, the
    same leaves and the same is opened. Raises alg.registry.SpecError."""
    name = spec.partition(":")[0]
    own = settings.section(f"alg.{application.name}").get("faults", ())
    faults = registry.faults_of(spec, own)
    if not faults:
        return []
    result = _result(message, name, faults, application, situation, settings)
    return [
        fault.partition("@")[0]
        for at, fault in enumerate(faults)
        if result
        == _result(message, name, faults[:at] + faults[at + 1 :], application, situation, settings)
    ]


def _result(
    message: bytes,
    name: str,
    faults: Sequence[str],
    application: Application,
    situation: Situation,
    settings: Settings,
) -> object:
    """All that can be seen of a message through a module with these faults."""
    module = registry.load(f"{name}:{','.join(faults)}", (), application.name)
    context = Trial(situation, settings, application.name, module)
    try:
        answer = module.inspect(message, context)
        after = None if isinstance(answer, Refuse) else edits.apply(message, answer.edits)
    except (Unavailable, edits.BadEdit) as failure:
        return str(failure)
    opened = [(each.mapping.external, each.remote, each.terms) for each in context.expectations]
    return after, opened, context.asked


def sentence(faults: Sequence[str], known: registry.Module) -> str:
    """What to say of faults that have changed nothing about a message."""
    here = [name for name in faults if known.faults[name].acts_on_messages]
    elsewhere = [name for name in faults if name not in here]
    said = [f"nothing here for {' or '.join(here)} to spoil"] if here else []
    if elsewhere:
        verb = "acts" if len(elsewhere) == 1 else "act"
        said.append(f"{' and '.join(elsewhere)} {verb} on packets, not on this message")
    return "; ".join(said)
