"""How far the two ends of an edited TCP stream have come apart.

A position is a count of bytes (the SYN is 0, so the data begin at 1) and never wraps. It is told as
*sent* by the sender of the stream, and as *shown* to its receiver. A cut says: from here on, the
two differ by so much.

    sent     1          513          1313      REGISTER … 512 bytes, INVITE … 800 bytes
    shown    1          509          1305      each has become four bytes shorter
    cuts     (0, 0)     (513, 509)   (1313, 1305)
"""

from __future__ import annotations

from bisect import bisect_right

MOST_CUTS = 1000
"""Retransmissions come from near the end of a stream, so of more than these the oldest go."""


class Positions:
    """Sent positions to shown ones and back. Looking one up takes the logarithm of the cuts."""

    def __init__(self) -> None:
        self._sent = [0]
        self._shown = [0]
        self.is_untouched = True
        """Are all positions the same on both sides, and have always been?"""

    def cut(self, sent: int, shown: int) -> None:
        """From the sent position on, which is shown at `shown`, the difference is another one."""
        self.is_untouched = False
        self._sent.append(sent)
        self._shown.append(shown)
        if len(self._sent) > MOST_CUTS:
            self._forget(MOST_CUTS // 2)

    def forget_before(self, sent: int) -> None:
        """Nobody will ask for positions before this one any more."""
        if len(self._sent) > 1 and self._sent[1] <= sent:
            self._forget(bisect_right(self._sent, sent) - 1)

    def _forget(self, count: int) -> None:
        del self._sent[:count]
        del self._shown[:count]

    def shown(self, position: int) -> int:
        """Where a sent position is shown: the last cut before it says by how much they differ."""
        cut = max(0, bisect_right(self._sent, position) - 1)
        return self._shown[cut] + position - self._sent[cut]

    def sent(self, position: int) -> int:
        """What was sent at a shown position."""
        cut = max(0, bisect_right(self._shown, position) - 1)
        return self._sent[cut] + position - self._shown[cut]

    @property
    def ahead(self) -> int:
        """How many bytes more have been shown than were sent, by now."""
        return self._shown[-1] - self._sent[-1]
