"""What a module asked to be remembered. A module has no state of its own: so what it learns from a
message that fails is forgotten with the message.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

REMEMBERED = 10_000


class Memory:
    """Values by key, the oldest first to go. Times in seconds."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[Any, float]] = OrderedDict()

    def recall(self, key: Hashable, now: float) -> Any:
        """The value, or None when there is none or its time is over."""
        value, deadline = self._values.get(key, (None, 0.0))
        return value if deadline > now else None

    def remember(self, key: Hashable, value: Any, deadline: float) -> None:
        """Keep a value until `deadline`, if need be in the place of the oldest."""
        self._values[key] = (value, deadline)
        self._values.move_to_end(key)
        while len(self._values) > REMEMBERED:
            self._values.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        self._values.pop(key, None)


_FORGOTTEN = object()


class Notes:
    """A memory as one message sees it: what it writes is kept back until the commit."""

    def __init__(self, memory: Memory, now: float) -> None:
        self._memory = memory
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
                self._memory.remember(key, value, deadline)
