"""Durations as people write them: `30`, `"30s"`, `"5m"`, `"2h4m"`, `"500ms"`.

Everywhere inside the program a duration is a float of seconds; these two functions are the only
border. Reading is strict (ASCII digits, units from large to small, each once), so that a typing
error is an error and not a surprising lifetime.
"""

from __future__ import annotations

import math

UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
EXAMPLES = 'write e.g. 30, "30s", "5m" or "2h4m"'
LONGEST_TEXT = 32
"""Characters; longer texts are not durations but attempts to keep a parser busy."""


def parse_duration(value: object) -> float:
    """Seconds from a number, a text of digits, or a text with units.

    Negative, infinite and not-a-number values are refused here; whether zero makes sense is for
    the caller to say. Raises ValueError with a sentence.
    """
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"this is not a duration; {EXAMPLES}")
    try:
        seconds = float(value)
    except OverflowError:
        raise ValueError("the number is too large for a duration") from None
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{seconds} is not a duration; {EXAMPLES}")
    return seconds


def _parse_text(text: str) -> float:
    wrong = ValueError(f'"{text[:LONGEST_TEXT]}" is not a duration; {EXAMPLES}')
    if len(text) > LONGEST_TEXT:
        raise wrong
    number, rest = _split_number(text)
    if not rest:
        return _number(number, wrong)
    seconds = 0.0
    previous = math.inf
    while rest or number:
        unit, rest = _split_unit(rest)
        if unit not in UNITS or UNITS[unit] >= previous:
            raise wrong
        previous = UNITS[unit]
        seconds += _number(number, wrong) * previous
        number, rest = _split_number(rest)
    return seconds


def _split_number(text: str) -> tuple[str, str]:
    end = 0
    while end < len(text) and (text[end] in "0123456789."):
        end += 1
    return text[:end], text[end:]


def _split_unit(text: str) -> tuple[str, str]:
    end = 0
    while end < len(text) and "a" <= text[end] <= "z":
        end += 1
    return text[:end], text[end:]


def _number(digits: str, wrong: ValueError) -> float:
    if digits.count(".") > 1 or not digits.strip("."):
        raise wrong
    return float(digits)


def duration_text(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back: `"2h4m"`, `"90s"` is `"1m30s"`.

    Rounded to milliseconds; what is negative or not finite is written as plain seconds.
    """
    if not math.isfinite(seconds) or seconds < 0:
        return f"{seconds}s"
    milliseconds = round(seconds * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
