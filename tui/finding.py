"""What somebody looks for, typed after `/`: words that must all occur, `!word` for one that must
not. Capitals do not matter."""

from __future__ import annotations


def fits(text: str, wanted: str) -> bool:
    """Does the text have all that is wanted, and nothing that is not?"""
    text = text.lower()
    for word in wanted.lower().split():
        unwanted = word.startswith("!") and len(word) > 1
        if (word[unwanted:] in text) == unwanted:
            return False
    return True
