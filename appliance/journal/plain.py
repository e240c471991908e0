"""Text from anywhere, made harmless: what is drawn, told or written passes one of these.

Nothing is imported here, since every command needs it, also those that are to be over at once.
"""

from __future__ import annotations

LONGEST = 256
"""Characters of one text that are shown at most."""


def clean(text: str, longest: int = LONGEST) -> str:
    """`text` with every character that is not plain ink as a visible picture, cut to `longest`.

    C0 controls become their Unicode pictures (ESC is `␛`); C1, DEL, bidirectional and other
    invisible characters become `␦`. One character in is one character out, up to the cut.
    """
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return cut if cut.isprintable() else "".join(map(_visible, cut))


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "␦"


def continued(sentence: str) -> str:
    """A sentence as it goes on behind a colon: with a small letter, unless an abbreviation or the
    like begins it."""
    is_word = sentence[:1].isupper() and not sentence[1:2].isupper()
    return sentence[:1].lower() + sentence[1:] if is_word else sentence


def printable(text: str) -> str:
    """JSON in ASCII, with the one control character escaped that JSON lets stand as it is. (All of
    them stand in strings: between these there are only marks and digits.)"""
    return text.replace("\x7f", "\\u007f")


def split_endpoint(text: str) -> tuple[str, str | None]:
    """The text of an endpoint as address and port; None where it has no port.

    An address of IPv6 is full of colons: with a port it stands in brackets (RFC 3986 3.2.2).
    """
    bracketed, _, port = text.rpartition("]:")
    if bracketed.startswith("["):
        return bracketed[1:], port
    address, colon, port = text.partition(":")
    return (address, port) if colon and ":" not in port else (text, None)


def is_somebody(endpoint: str) -> bool:
    """Does it stand for a host? Packets that cannot be read have the unspecified address (RFC 6890)
    of either family, and those that are told together may have none in common."""
    return split_endpoint(endpoint)[0] not in ("", "0.0.0.0", "::")
