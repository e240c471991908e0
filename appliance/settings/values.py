"""A setting's value as people read it. Who draws it need load nothing that tells of packets."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.settings.duration import duration_text


def short_value(value: object) -> str:
    """A setting's value in as few characters as it takes. Fractions are durations, in seconds."""
    if isinstance(value, float):
        return duration_text(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(short_value, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {short_value(each)}" for key, each in value.items()) or "none"
    if value is None or value == "":
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
