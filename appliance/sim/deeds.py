"""What a module made of a field of a message, and what belongs there: in a sentence.

Causes begin with it, and of a run that ended well it is told as harmless.
"""

from __future__ import annotations

from collections.abc import Iterable

from appliance.journal.events import Change, MessagePassed
from appliance.journal.hexdump import spelled
from appliance.journal.plain import clean
from appliance.journal.readable import readable
from appliance.journal.rows import is_text
from appliance.journal.sentences import place_of

HARMLESS = "it is harmless here: everybody is heard"
STILL_HEARS = "still hears"
"""Said of who hears somebody while nobody is to be heard: that is not harmless."""
NO_ALG = "The ALG is off, and none is needed: everybody is heard."
NO_ALG_BEFORE = "The ALG was off, and none was needed: everybody was heard."


def deed(message: MessagePassed, row: Change, is_past: bool = False) -> str:
    """What a module made of a field, and what belongs there; without a full stop. `is_past`: there
    is another module now."""
    what = whose(message.summary)
    place = place_of(row.field)
    texts = (row.before, row.after, row.expected or "")
    before, after, wanted = (_in_words(message, row, text) for text in texts)
    if row.before == row.after:
        return f"{left(message, row, is_past)}, where a correct ALG writes {wanted}"
    if row.before == row.expected:
        if not before:
            return f"The module {message.module} slipped {after} into the {place} of {what}"
        if not after:
            return f"The module {message.module} lost {before} from the {place} of {what}"
        return (
            f"The module {message.module} wrote {after} into the {place} of {what}, "
            f"where {before} must stay"
        )
    return (
        f"The module {message.module} wrote {after} into the {place} of {what}, "
        f"where {wanted} belongs"
    )


def left(message: MessagePassed, row: Change, is_past: bool = False) -> str:
    """That a module left a field as it was, without a judgement and a full stop."""
    before = _in_words(message, row, row.before)
    place = f"the {place_of(row.field)} of {whose(message.summary)}"
    if message.module != "off":
        return f"The module {message.module} left {before} in {place}"
    was = f"was off: {before} stayed" if is_past else f"is off: {before} stays"
    return f"The ALG {was} in {place}"


def _in_words(message: MessagePassed, row: Change, text: str) -> str:
    return clean(readable(text) if is_text(message.before) else spelled(row.field, text), 60)


def whose(summary: str) -> str:
    """A message by its summary, as part of a sentence."""
    return f"the {clean(readable(summary))}" if summary else "a message"


def no_alg(slot: str, passed: Iterable[MessagePassed], is_past: bool = False) -> str:
    """Of a run in which everybody is heard and nobody reads a protocol: it needs no ALG. Others may
    have one that is needed. `is_past`: there is an ALG now."""
    if all(each.module == "off" for each in passed):
        return NO_ALG_BEFORE if is_past else NO_ALG
    return f"No ALG reads {slot.upper()}, and none is needed: everybody is heard."
