"""What can be turned in a story before it runs: settings of the NAT, and traits of its parties.

nat.timeouts.udp=30s         a setting, as everywhere
parties.pbx.comedia=true     a trait: a word of the party's table in the scenario
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from appliance.settings.hints import nearest
from appliance.sim.scenario import Scenario, ScenarioError, check

PREFIX = "parties."


def split(sets: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """`KEY=VALUE` texts: those for settings, and the traits of parties by key."""
    settings: list[str] = []
    traits: dict[str, str] = {}
    for each in sets:
        key, _, value = each.partition("=")
        if key.startswith(PREFIX):
            traits[key] = value
        else:
            settings.append(each)
    return settings, traits


def turned(scenario: Scenario, traits: Mapping[str, Any]) -> Scenario:
    """The same story with other traits; values may be text. Raises ScenarioError with the nearest
    word, or with what the value must be."""
    parties = dict(scenario.parties)
    for key, value in traits.items():
        _, _, rest = key.partition(".")
        name, _, trait = rest.partition(".")
        if name not in parties:
            raise ScenarioError(f"{key}: {name!r} is no party{nearest(name, [*parties])}")
        table = parties[name]
        words = [word for word in table.__struct_fields__ if word not in ("address", "side")]
        if trait not in words:
            raise ScenarioError(f"{key}: {name} has no trait {trait!r}{nearest(trait, words)}")
        written = {**msgspec.to_builtins(table), trait: value}
        try:
            parties[name] = msgspec.convert(written, type(table), strict=False)
        except msgspec.ValidationError as error:
            raise ScenarioError(f"{key}={value}: {str(error).partition(' - at ')[0]}") from None
    other = msgspec.structs.replace(scenario, parties=parties)
    try:
        check(other)
    except ValueError as error:
        raise ScenarioError(f"{', '.join(traits)}: {error}") from None
    return other
