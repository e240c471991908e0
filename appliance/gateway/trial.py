"""One message through a module in a NAT of its own: what `glassnat alg diff` asks.

The NAT is a real one with the configured behaviour and nothing in it but the flow that carries the
message and the mappings that were preset. So an answer here is the answer that the appliance would
give to a first message.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from alg.base import Alg
from appliance.gateway.context import LiveContext, Memory
from appliance.settings.behavior import behavior_of
from appliance.settings.table import Settings
from nat.behavior import Behavior, Forward
from nat.conntrack import Conntrack
from nat.endpoint import PROTOCOL_NUMBERS, TCP, UDP, Direction, Endpoint
from nat.events import Observer
from nat.expectation import Expectation
from nat.mapping import Leg
from nat.policy import Decide, Decisions

SEED = 0
"""Random ports are the same in every run, and the same for the module and the correct one."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the message is met: whose it is, which way it goes, and what is mapped already."""

    direction: Direction
    internal: Endpoint
    external: Endpoint
    remote: Endpoint
    transport: str = "udp"
    presets: Mapping[Endpoint, Endpoint] = field(default_factory=dict)

    def mappings(self) -> dict[Endpoint, Endpoint]:
        """Internal to external; that of the message itself is one of them."""
        return {**self.presets, self.internal: self.external}


class Trial(LiveContext):
    """An AlgContext for one message. `module` may decide in the NAT's place, as faults do."""

    def __init__(self, situation: Situation, settings: Settings, module: Alg) -> None:
        self.tables = Conntrack(_behavior(situation, settings, module), Observer())
        super().__init__(
            self.tables,
            _leg(self.tables, situation),
            Memory(),
            settings.section(f"alg.{module.application}"),
            0.0,
        )

    @property
    def expectations(self) -> list[Expectation]:
        """What the module has opened."""
        return list(self.tables.expectations.values())

    def map_pair(self, internal: Endpoint) -> Endpoint:
        """RTP and RTCP. Who has preset a mapping for the first means its neighbour as well."""
        first = self.tables.pinned.get((UDP, internal))
        second = internal._replace(port=internal.port + 1)
        if first is not None and (UDP, second) not in self.tables.pinned:
            above = first.external._replace(port=first.external.port + 1)
            if above.port < 65536 and not self.tables.mappings_at(UDP, above):
                self.tables.behavior.forwards.append(Forward(UDP, above, second))
                self.tables.settings_changed(0.0)
        return super().map_pair(internal)


def _behavior(situation: Situation, settings: Settings, module: Alg) -> Behavior:
    behavior = behavior_of(settings, random.Random(SEED))
    others = [each for each in behavior.external if each != situation.external.address]
    presets = [
        Forward(protocol, external, internal)
        for internal, external in situation.mappings().items()
        for protocol in (UDP, TCP)
    ]
    decisions: Mapping[str, Decide] = getattr(module, "decisions", {})
    chosen = replace(
        behavior,
        external=[situation.external.address, *others],
        forwards=[*behavior.forwards, *presets],
        decisions=Decisions(decisions),
    )
    return chosen.decisions.behavior(chosen)


def _leg(tables: Conntrack, situation: Situation) -> Leg:
    """The way of a packet that carries the message."""
    protocol = PROTOCOL_NUMBERS[situation.transport]
    mapping = tables.pinned[protocol, situation.internal]
    flow = tables.open_flow(mapping, situation.remote, "packet", 0.0)
    tables.choose_timer(flow)
    return flow.outbound if situation.direction is Direction.OUT else flow.inbound
