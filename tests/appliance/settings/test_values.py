"""Values in as few characters as it takes."""

from __future__ import annotations

import pytest

from appliance.journal.plain import clean
from appliance.settings.values import short_value

HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\n\x9b31m\u202etxt\x7f[bold]"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (30.0, "30s"),
        (7440.0, "2h4m"),
        ("sip", "sip"),
        (["203.0.113.1", "203.0.113.2"], "203.0.113.1, 203.0.113.2"),
        ([], "none"),
        ({"53": 30.0}, "53: 30s"),
        (True, "true"),
        (8192, "8192"),
        (None, "none"),
        (HOSTILE, "␛]0;owned␇␛[2J␍␊␦31m␦txt␡[bold]"),
        ({"x\x1b": "y\x1b"}, "x␛: y␛"),
    ],
)
def test_values_of_settings_are_short_and_clean(value: object, shown: str) -> None:
    assert clean(short_value(value)) == shown
