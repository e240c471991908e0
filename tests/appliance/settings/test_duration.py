"""Durations are read strictly and written so that they can be read again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.settings.duration import duration_text, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (30, 30.0),
        (0.5, 0.5),
        ("30", 30.0),
        ("30s", 30.0),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("2h4m", 7440.0),
        ("500ms", 0.5),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        ("1d", 86400.0),
        ("0", 0.0),
    ],
)
def test_a_duration_is_a_number_or_a_text_with_units(
    written: int | float | str, seconds: float
) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    ["", "soon", "-5", "5 m", "m5", "5m2h", "5m5m", "1..5s", ".", "s", "5x", "nan", "inf", "1e9",
     "٣s", "5M", "9" * 5000, True, None, [], math.nan, math.inf, -1, 10**400],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example_of_what_is_right(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_duration(duration_text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(300.0, "5m"), (7440.0, "2h4m"), (0.5, "500ms"), (0.0, "0s"), (90.0, "1m30s")],
)
def test_the_text_is_the_short_one(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_what_is_no_duration_is_still_written_somehow() -> None:
    assert duration_text(math.inf) == "infs"
    assert duration_text(-1.0) == "-1.0s"
