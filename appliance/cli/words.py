"""What the shell is offered when somebody presses Tab: the program's own words, half written.

Each function answers all words of a kind; `offer` makes of it what click asks for. What knows the
words is imported only when they are asked for, so that no command starts later for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click

Words = Callable[[click.Context], Iterable[str]]
Completion = Callable[[click.Context, click.Parameter, str], list[str]]


def offer(words: Words) -> Completion:
    """Those of the words that go on as what was typed begins."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        return [word for word in words(context) if word.startswith(incomplete)]

    return complete


def scenarios(_: click.Context) -> Iterable[str]:
    from appliance.sim.titles import scenario_names

    return scenario_names()


def profiles(_: click.Context) -> Iterable[str]:
    from appliance.settings.files import list_profiles

    return [each["name"] for each in list_profiles()]


def modules_and_faults(_: click.Context) -> Iterable[str]:
    from alg.registry import MODULES

    return [word for each in MODULES.values() for word in (each.name, *each.faults)]


def specs(_: click.Context) -> Iterable[str]:
    from alg.registry import MODULES

    poor = [f"{each.name}:{fault}" for each in MODULES.values() for fault in each.faults]
    return [*MODULES, *poor]


def live_keys(_: click.Context) -> Iterable[str]:
    """The settings that can be changed while the appliance runs."""
    from appliance.settings.table import SETTINGS

    return [key for key, setting in SETTINGS.items() if setting.live]


def values(context: click.Context) -> Iterable[str]:
    """The values of the setting that stands before, if they can be counted."""
    return _values_of(context.params.get("key", ""), context)


def _values_of(key: str, context: click.Context) -> Iterable[str]:
    from appliance.settings.kinds import Choice, Flag, Word
    from appliance.settings.module_kinds import Spec
    from appliance.settings.table import SETTINGS

    kind = SETTINGS[key].kind if key in SETTINGS else None
    if isinstance(kind, Spec):
        fitting = kind.modules
        return [word for word in specs(context) if word.partition(":")[0] in fitting]
    if isinstance(kind, Word | Choice):
        return kind.choices
    return ("true", "false") if isinstance(kind, Flag) else ()


def assignments(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """`KEY=` as long as the key is being typed, then `KEY=VALUE`."""
    from appliance.settings.table import SETTINGS

    key, equals, _value = incomplete.partition("=")
    if equals:
        words = [f"{key}={value}" for value in _values_of(key, context)]
    else:
        words = [f"{each}=" for each in SETTINGS]
    return [word for word in words if word.startswith(incomplete)]


def axes(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """`KEY=` as long as the key is being typed, then `KEY=VALUE,VALUE`: the last value."""
    from appliance.settings.table import SETTINGS
    from appliance.sim.axes import ALG, ALL, PROFILE, SEED, traits
    from appliance.sim.stories import list_scenarios

    key, equals, written = incomplete.partition("=")
    if not equals:
        # click gives up reading a line at its end, where an option has no value yet
        named = context.params.get("scenarios") or context.args
        turned = [key for story in list_scenarios() if story.name in named for key in traits(story)]
        words = [f"{each}=" for each in (ALG, PROFILE, SEED, *SETTINGS, *dict.fromkeys(turned))]
    else:
        known = _values_of(key, context)
        if key == ALG:
            known = (ALL, *specs(context))
        elif key == PROFILE:
            known = profiles(context)
        before, comma, _last = written.rpartition(",")
        words = [f"{key}={before}{comma}{value}" for value in known]
    return [word for word in words if word.startswith(incomplete)]


def appliances(_: click.Context) -> Iterable[str]:
    from appliance.control.client import running

    return running()


def appliances_up(_: click.Context) -> Iterable[str]:
    from appliance.namespaces.between.record import names

    return names()


def labs_up(_: click.Context) -> Iterable[str]:
    """The scenarios that are up among namespaces."""
    from appliance.namespaces.between.record import names
    from appliance.namespaces.lab.rooms import PREFIX

    return [name.removeprefix(PREFIX) for name in names() if name.startswith(PREFIX)]


def protocols(_: click.Context) -> Iterable[str]:
    from appliance.control.filters import PROTOCOLS

    return PROTOCOLS


def states(context: click.Context) -> Iterable[str]:
    """Of flows; of calls, if those are to be shown."""
    from appliance.control.filters import FLOW_STATES, call_states

    return call_states() if context.params.get("what") == "calls" else FLOW_STATES


def message_numbers(context: click.Context) -> Iterable[str]:
    """Of the messages in the file that stands before; none for stdin."""
    from alg.registry import APPLICATIONS
    from appliance.forensics.messages.reading import LARGEST_FILE, read
    from appliance.settings.files import defaults

    # click gives up reading a line at its end, where an option has no value yet
    file = context.params.get("file") or next(iter(context.args), "-")
    path, settings = Path(file), defaults()
    if not path.is_file():
        return ()
    with path.open("rb") as stream:
        data = stream.read(LARGEST_FILE)
    ports = {name: settings.section(f"alg.{name}")["ports"] for name in APPLICATIONS}
    found = read(data, APPLICATIONS.values(), ports)
    return [str(number) for number in range(1, len(found.excerpts) + 1)]
