"""Text that is safe to draw.

Whoever sends a packet chooses its bytes. Drawn as they are, they could clear the screen, write the
clipboard, turn text round or become a clickable link. `wire_text` is the only way to the screen:
what passes it is a `WireText`, in which every character that is not plain ink has become a visible
picture, one for one, so that offsets into the text still mean what they meant. (Which characters
those are is decided in one place for screen and plain text alike: `journal.sentences.clean`.)

The other half of the rule is markup. A `WireText` may contain `[bold]` or `[@click=app.quit]`,
which is ordinary SIP; so nothing here is ever parsed as markup: `tui/widgets/drawn.py` alone turns
lines into what Textual draws, without reading them.
"""

from __future__ import annotations

from appliance.journal.plain import clean

SHOWN = 256
"""Characters of one text that are shown at most; the rest becomes an ellipsis."""


class WireText(str):
    """A string that went through `wire_text`. Never make one in another way."""

    __slots__ = ()


def wire_text(text: str, limit: int = SHOWN) -> WireText:
    """`text` with every character that is not plain ink as a visible picture, cut to `limit`.

    One character in is one character out, up to the cut, whose mark is an ellipsis.
    """
    if isinstance(text, WireText) and len(text) <= limit:
        return text
    return WireText(clean(text, limit))
