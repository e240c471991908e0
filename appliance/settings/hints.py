"""What to say of a wrong value: the value itself, short and harmless, and the nearest right one.

Used wherever people write words (settings, filters, names of appliances, commands) and are told
how many there are of something.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence


def shown(value: object) -> str:
    """A value in an error message: short, one line, ASCII, whatever it was."""
    try:
        text = json.dumps(value, default=str)
    except (ValueError, RecursionError):  # a number of thousands of digits, a nest of brackets
        return "this"
    return text if len(text) <= 60 else text[:57] + "..."


LIKE_ENOUGH = 0.66
"""How much like a choice a word must be to be named as what may have been meant: two letters of
three that are right, in their order."""


def nearest(word: str, choices: Sequence[str]) -> str:
    """`"; did you mean "x"?"` for the choice that looks most like `word`, or nothing."""
    close = difflib.get_close_matches(word[:80].lower(), choices, n=1, cutoff=LIKE_ENOUGH)
    return f'; did you mean "{close[0]}"?' if close else ""


def one_of(word: object, choices: Sequence[str]) -> str:
    """The sentence for what is not among the choices."""
    hint = nearest(word, choices) if isinstance(word, str) else ""
    return f"{shown(word)} is not known; one of: {', '.join(choices)}{hint}"


_TYPES = {
    "bool": "true or false",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
"""What msgspec calls a type, and people."""


def wrong_type(error: str, value: object) -> str:
    """The sentence for a value of another type than is wanted, from msgspec's, which may say
    something else as well."""
    found = re.fullmatch(r"Expected `([\w |]+)`(?:, got `\w+`)?", error)
    if found is None:
        return f"{error}: {shown(value)}"
    wanted = " or ".join(_TYPES.get(each, each) for each in found[1].split(" | "))
    return f"must be {wanted}, not {shown(value)}"


def counted(count: int, noun: str) -> str:
    """`1 flow`, `2 flows`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
