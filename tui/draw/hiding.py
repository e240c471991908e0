"""What is left of a message when nobody is to be told yet what is right and wrong about it."""

from __future__ import annotations

import msgspec

from appliance.journal.events import Change, MessagePassed

HIDDEN = "Hidden while you predict: h shows it."


def without_verdicts(message: MessagePassed) -> MessagePassed:
    """The same message with only those changes that were made, and no word on any of them."""
    made = [_bare(change) for change in message.changes if change.before != change.after]
    return msgspec.structs.replace(message, changes=made, note="")


def _bare(change: Change) -> Change:
    return msgspec.structs.replace(change, expected=None, verdict="info", reason="", rfc="")
