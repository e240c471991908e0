"""How much of the NAT one inside host, or the outside, may use up (RFC 6888 REQ-4, REQ-5).

What counts, and for whom:

    TokenBucket   so many a second
    Host          what an inside host has in use: its share is charged here
    HighWater     the most that was ever in use at one time, for `show counters`
    IcmpRate      how often the NAT sends something by itself
"""

from __future__ import annotations

import random

from nat.behavior import Limits
from nat.drop import Drop


class TokenBucket:
    """`rate` tokens a second, `burst` of them at most."""

    __slots__ = ("filled_at", "tokens")

    def __init__(self, burst: float, now: float) -> None:
        self.tokens = burst
        self.filled_at = now

    def take(self, rate: float, burst: float, now: float) -> bool:
        """Take a token if there is one. What has flowed in since the last time is added only now,
        so that a bucket at rest costs nothing."""
        elapsed = max(0.0, now - self.filled_at)
        self.tokens = min(burst, self.tokens + elapsed * rate)
        self.filled_at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


class Host:
    """What one inside host has in use, and the external address that it is known by. Forgotten
    with its last mapping: by then its bucket is full."""

    __slots__ = ("bucket", "expectations", "external", "flows", "ports", "unanswered")

    def __init__(self, limits: Limits, now: float) -> None:
        self.flows = 0
        self.unanswered = 0
        self.expectations = 0
        self.ports = 0
        self.external: int | None = None
        self.bucket = TokenBucket(2 * limits.new_flows_per_second_per_host, now)

    def refuses(self, limits: Limits, now: float) -> Drop | None:
        """May this host open one more flow? A token is taken only when all else allows it."""
        if limits.flows_per_host and self.flows >= limits.flows_per_host:
            return Drop.HOST_FLOW_LIMIT
        if limits.unanswered_per_host and self.unanswered >= limits.unanswered_per_host:
            return Drop.HOST_UNANSWERED_LIMIT
        rate = limits.new_flows_per_second_per_host
        if rate and not self.bucket.take(rate, 2 * rate, now):
            return Drop.HOST_RATE_LIMIT
        return None

    @property
    def is_idle(self) -> bool:
        """Has it nothing in use?"""
        return not self.flows and not self.expectations and not self.ports


class Hosts(dict[int, Host]):
    """The inside hosts that have anything in use, by address."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits

    def of(self, address: int, now: float) -> Host:
        """The account of a host; a new one for a host that had nothing in use."""
        host = self.get(address)
        if host is None:
            host = self[address] = Host(self.limits, now)
        return host

    def forget_if_idle(self, address: int) -> None:
        """Let go of a host that has nothing in use."""
        host = self.get(address)
        if host is not None and host.is_idle:
            del self[address]


class HighWater:
    """The most that was ever in use at one time, by the name of the limit."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        self.marks: dict[str, int] = {}

    def reach(self, limit: str, used: int) -> None:
        """So much of a limit is in use now."""
        if used > self.marks.get(limit, 0):
            self.marks[limit] = used

    def reach_flows(self, flows: int, host: Host) -> None:
        """The three limits of flows at once: this is on the road of every new flow."""
        marks = self.marks
        if flows > marks.get("flows", 0):
            marks["flows"] = flows
        if host.flows > marks.get("flows_per_host", 0):
            marks["flows_per_host"] = host.flows
        if host.unanswered > marks.get("unanswered_per_host", 0):
            marks["unanswered_per_host"] = host.unanswered


class IcmpRate:
    """How often the NAT may speak for itself: so often to one address, so often in all.

    How fast a budget fills, and how full it gets, is jittered by a half, so that nobody outside can
    count what is left of it by watching it run out (the SAD DNS attack of 2020 did that to a global
    limit).
    """

    TARGETS = 1024  # addresses that are told apart at a time
    SAME_SIZE = 1.0  # seconds for which budgets keep a size

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._all: TokenBucket | None = None
        self._targets: dict[int, TokenBucket] = {}
        self._share = 1.0  # of its size that a budget may have now
        self._drawn_at: float | None = None

    def __len__(self) -> int:
        """How many addresses are told apart now."""
        return len(self._targets)

    def allows(self, target: int, limits: Limits, now: float) -> bool:
        """May the NAT send one more message to `target`? Both budgets must have a token for it."""
        per_target, in_all = limits.icmp_per_second_per_target, limits.icmp_per_second
        if self._all is None:
            self._all = TokenBucket(in_all, now)
        bucket = self._targets.get(target)
        if bucket is None:
            if len(self._targets) >= self.TARGETS:
                del self._targets[next(iter(self._targets))]
            bucket = self._targets[target] = TokenBucket(per_target, now)
        if self._drawn_at is None or now - self._drawn_at >= self.SAME_SIZE:
            self._share, self._drawn_at = self._rng.uniform(0.5, 1.0), now
        jitter, share = self._rng.uniform(0.5, 1.5), self._share
        return bucket.take(per_target * jitter, per_target * share, now) and self._all.take(
            in_all * jitter, in_all * share, now
        )
