"""One row of the table of settings. The rows are in `sections/`, the whole table in `table.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.settings.kinds import Kind


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration.

    `default` and `sample` are plain values, as a file has them; `sample` is what the commented
    sample shows, when that is more telling than the default. `source`: the rule that asks for it.
    `live`: may change while packets flow.
    """

    key: str
    kind: Kind
    default: Any
    help: str
    source: str = ""
    live: bool = False
    sample: Any = None


def live(
    key: str, kind: Kind, default: Any, text: str, source: str = "", sample: Any = None
) -> Setting:
    """A setting that may change while packets flow."""
    return Setting(key, kind, default, text, source, live=True, sample=sample)
