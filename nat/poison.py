"""Port poisoning: what an unsolicited packet takes away from its own sender on Linux.

Linux remembers a packet that comes in for the router itself, though no program listens there: from
then on "this remote talks to this port of mine" is taken. When an inside host with that source port
sends to the remote a moment later, preserving the port would make the two indistinguishable, and
another port is chosen. Two hosts that punch holes towards each other:

    0.0 s   remote:7000 sends to our port 4500    nothing is mapped there; taken for remote:7000
    0.1 s   inside:4500 sends to another remote   port 4500, as always
    0.2 s   inside:4500 sends to remote:7000      port 4502; the remote waits for 4500 in vain

So a NAT that preserves ports all day changes one exactly then, and testers of RFC 3489 call it
symmetric.
"""

from __future__ import annotations

from collections import Counter

from nat.endpoint import FiveTuple

MOST = 1024
"""Remembered at once. A stranger who sends more only makes the NAT behave better."""
MOST_OF_ONE_REMOTE = 32
"""Remembered of one remote endpoint, whose address anybody may forge: fewer than the ports that are
tried for a flow to it (`assignment.py`), so that its port can be changed and it is not refused."""

Remote = tuple[int, int, int]


class Poisoned:
    """The tuples (as packets from outside arrive) that are taken, the oldest first."""

    def __init__(self) -> None:
        self._seen: dict[FiveTuple, float] = {}
        self._of_remote: Counter[Remote] = Counter()

    def __len__(self) -> int:
        return len(self._seen)

    def remember(self, key: FiveTuple, lifetime: float, now: float) -> None:
        """`key` came unsolicited; it is remembered for `lifetime` seconds after the last time."""
        self._forget_old(lifetime, now)
        remote = _remote_of(key)
        if key in self._seen:
            del self._seen[key]  # to stand behind all others again
        elif len(self._seen) >= MOST or self._of_remote[remote] >= MOST_OF_ONE_REMOTE:
            return
        else:
            self._of_remote[remote] += 1
        self._seen[key] = now

    def is_taken(self, key: FiveTuple, lifetime: float, now: float) -> bool:
        """Did `key` come unsolicited, less than `lifetime` seconds ago?"""
        return key in self._seen and self._seen[key] + lifetime > now

    def _forget_old(self, lifetime: float, now: float) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] + lifetime > now:
                break
            del self._seen[oldest]
            remote = _remote_of(oldest)
            self._of_remote[remote] -= 1
            if not self._of_remote[remote]:
                del self._of_remote[remote]


def _remote_of(key: FiveTuple) -> Remote:
    protocol, source, _, source_port, _ = key
    return protocol, source, source_port
