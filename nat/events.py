"""What the NAT tells its observer. Past tense, one method for each thing that can happen.

Packets of a known flow are no events; counters count them. The records that are passed are the
live ones: an observer reads what it needs and keeps nothing.
"""

from __future__ import annotations

from nat.fragments import Gone
from nat.mapping import Expectation, Flow, Leg, Mapping, Why


class Observer:
    """Watches a NAT and does nothing; subclasses override what they care about."""

    def leg_made(self, leg: Leg) -> None:
        """The outbound leg of a new flow, or a leg for a single packet. Here the appliance gives
        it, and the inbound one with it, the ALG that its packets are for."""

    def mapping_opened(self, mapping: Mapping, now: float) -> None: ...

    def mapping_refreshed(self, mapping: Mapping, last: float, now: float) -> None:
        """A flow of the mapping came due and had been used meanwhile, `last` at last."""

    def mapping_expired(self, mapping: Mapping, why: Why, now: float) -> None: ...

    def flow_opened(self, flow: Flow, now: float) -> None: ...

    def flow_reopened(self, flow: Flow) -> None:
        """A TCP connection that was over begins anew between the same endpoints."""

    def flow_expired(self, flow: Flow, why: Why, now: float) -> None: ...

    def expectation_opened(self, expectation: Expectation, now: float) -> None: ...

    def expectation_used(self, expectation: Expectation, remote: str, now: float) -> None: ...

    def expectation_closed(self, expectation: Expectation, why: Why, now: float) -> None: ...

    def fragments_gone(self, gone: Gone, now: float) -> None:
        """Fragments that were held are part of a datagram that goes on, or given up."""
