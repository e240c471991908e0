"""What a module asked to be remembered. A module has no state of its own: so what it learns from a
message that fails is forgotten with the message.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

REMEMBERED = 10_000
"""Values of all hosts together, and of one host:"""
REMEMBERED_OF_A_HOST = 1_000
BYTES = 8 * 1024 * 1024
BYTES_OF_A_HOST = 1024 * 1024


@dataclass(slots=True)
class Bounds:
    """How many bytes one memory or several may take together, and how many they have taken."""

    most: int = BYTES
    of_a_host: int = BYTES_OF_A_HOST
    used: int = 0
    high_water: int = 0


class Memory:
    """Values by key, each charged to the inside host whose message had it remembered. Who asks for
    more than a host's share loses its own oldest. Of too many values of all hosts the oldest go, of
    too many bytes those of the host that has the most. Times in seconds."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._values: OrderedDict[Hashable, tuple[Any, float, int, int]] = OrderedDict()
        self._of_host: dict[int, OrderedDict[Hashable, int]] = {}
        self._bytes_of_host: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._values)

    @property
    def bytes(self) -> int:
        """About how many bytes keys and values take."""
        return self._bytes_of_host.total()

    def recall(self, key: Hashable, now: float) -> Any:
        value, deadline, _, _ = self._values.get(key, (None, 0.0, 0, 0))
        return value if deadline > now else None

    def remember(self, key: Hashable, value: Any, deadline: float, host: int = 0) -> None:
        """`host`: the address of the inside host that this is remembered for."""
        self.forget(key)
        size = size_of(key) + size_of(value)
        self._values[key] = (value, deadline, host, size)
        mine = self._of_host.setdefault(host, OrderedDict())
        mine[key] = size
        self._bytes_of_host[host] += size
        bounds = self._bounds
        bounds.used += size
        while mine and self._is_too_much(len(mine), self._bytes_of_host[host]):
            self.forget(next(iter(mine)))
        while len(self._values) > REMEMBERED:
            self.forget(next(iter(self._values)))
        while self._values and bounds.used > bounds.most:
            richest = max(self._bytes_of_host, key=self._bytes_of_host.__getitem__)
            self.forget(next(iter(self._of_host[richest])))
        bounds.high_water = max(bounds.high_water, bounds.used)

    def _is_too_much(self, values: int, size: int) -> bool:
        """For one host?"""
        return values > REMEMBERED_OF_A_HOST or size > self._bounds.of_a_host

    def clear(self) -> None:
        """Forget everything."""
        for key in list(self._values):
            self.forget(key)

    def forget(self, key: Hashable) -> None:
        _, _, host, size = self._values.pop(key, (None, 0.0, 0, 0))
        mine = self._of_host.get(host)
        if mine is None or mine.pop(key, None) is None:
            return
        self._bytes_of_host[host] -= size
        self._bounds.used -= size
        if not mine:
            del self._of_host[host], self._bytes_of_host[host]


def size_of(value: object) -> int:
    """About how many bytes a key or value takes: texts by their length, and what holds others by
    what it holds (a few levels, since modules remember records and no trees)."""
    return _size_of(value, 4)


def _size_of(value: object, levels: int) -> int:
    size = sys.getsizeof(value, 64)
    if levels and isinstance(value, tuple | list | set | frozenset):
        size += sum(_size_of(each, levels - 1) for each in value)
    elif levels and isinstance(value, dict):
        size += sum(_size_of(each, levels - 1) for pair in value.items() for each in pair)
    return size


_FORGOTTEN = object()


class Notes:
    """A memory as one message of an inside host sees it: what is written waits for the commit."""

    def __init__(self, memory: Memory, host: int, now: float) -> None:
        self._memory = memory
        self._host = host
        self._now = now
        self._written: dict[Hashable, tuple[Any, float]] = {}

    def recall(self, key: Hashable) -> Any:
        if key in self._written:
            value = self._written[key][0]
            return None if value is _FORGOTTEN else value
        return self._memory.recall(key, self._now)

    def remember(self, key: Hashable, value: Any, lifetime: float) -> None:
        self._written[key] = (value, self._now + lifetime)

    def forget(self, key: Hashable) -> None:
        self._written[key] = (_FORGOTTEN, 0.0)

    def commit(self) -> None:
        for key, (value, deadline) in self._written.items():
            if value is _FORGOTTEN:
                self._memory.forget(key)
            else:
                self._memory.remember(key, value, deadline, self._host)
