"""Aiming a fault: saying in which messages it happens.

Written after the fault's name: `no-sdp@method=INVITE@direction=out@nth=2@code=200`. Without an aim
a fault happens wherever it can.
"""

from __future__ import annotations

from dataclasses import dataclass

from nat.endpoint import Direction

KEYS = ("method", "direction", "nth", "code")


class AimError(ValueError):
    """An aim that cannot be read; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Aim:
    """Everything that is not None must fit. `nth` counts the messages that fit the rest, from 1."""

    method: str | None = None
    direction: Direction | None = None
    nth: int | None = None
    code: int | None = None

    def fits(self, method: str, direction: Direction, code: int | None) -> bool:
        """Does the message fit all conditions but `nth`? For that one messages must be counted."""
        return (
            self.method in (None, method)
            and self.direction in (None, direction)
            and self.code in (None, code)
        )


def parse(text: str) -> tuple[str, Aim]:
    """`FAULT@KEY=VALUE@...` as the fault's name and its aim. Raises AimError."""
    name, *conditions = text.split("@")
    values: dict[str, str] = {}
    for condition in conditions:
        key, equals, value = condition.partition("=")
        if key not in KEYS or not equals or not value:
            raise AimError(f"{condition!r} is not an aim; there are {', '.join(KEYS)}, as nth=2")
        values[key] = value
    return name, Aim(
        values["method"].upper() if "method" in values else None,
        _direction(values.get("direction")),
        _number("nth", values.get("nth")),
        _number("code", values.get("code")),
    )


def _direction(text: str | None) -> Direction | None:
    if text is None:
        return None
    try:
        return Direction(text)
    except ValueError:
        raise AimError(f"direction={text} is not an aim; there are out and in") from None


def _number(key: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and int(text) > 0):
        raise AimError(f"{key}={text} is not an aim; {key} is a number from 1 on")
    return int(text)
