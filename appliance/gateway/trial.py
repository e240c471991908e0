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
from appliance.gateway.context import Context, Tables
from appliance.gateway.memory import Memory
from appliance.settings.behavior import behavior_of
from appliance.settings.table import Settings
from nat.behavior import Forward, Static
from nat.conntrack import Conntrack
from nat.endpoint import PROTOCOL_NUMBERS, TCP, UDP, Direction, Endpoint
from nat.events import Observer
from nat.mapping import Expectation, FlowLeg, OpenedBy
from nat.policy import Policy
from nat.translator import Nat

SEED = 0
"""Random ports are the same in every run, and the same for the module and the correct one."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the message is met: whose it is, which way it goes, and what is mapped already; with
    port 0, a host that has an external address to itself."""

    direction: Direction
    internal: Endpoint
    external: Endpoint
    remote: Endpoint
    transport: str = "udp"
    presets: Mapping[Endpoint, Endpoint] = field(default_factory=dict)


class Trial(Context):
    """An AlgContext for one message of an application. `module` may decide in the NAT's place, as
    faults do. The next message of a conversation has a context of its own over the same NAT: see
    `facing`."""

    def __init__(
        self,
        situation: Situation,
        settings: Settings,
        application: str,
        module: Alg | None = None,
        before: Trial | None = None,
    ) -> None:
        self._situation = situation
        self._trial_settings = settings
        self.application = application
        self._module = module
        self.nat: Nat = before.nat if before else _new_nat(situation, settings, module)
        self.memory: Memory = before.memory if before else Memory()
        table = self.nat.table
        leg = _leg(table, situation)
        self.ground = Tables(table, leg, 0.0)
        own = settings.section(f"alg.{application}")
        super().__init__(self.ground, table, leg, self.memory, own, 0.0)

    def facing(
        self,
        direction: Direction,
        remote: Endpoint | None = None,
        internal: Endpoint | None = None,
    ) -> Trial:
        """The context of the next packet in the same NAT, of this inside endpoint or of another
        that has a mapping; what was asked for here has been committed or rolled back by then."""
        last = self._situation
        situation = replace(
            last,
            direction=direction,
            remote=remote or last.remote,
            internal=internal or last.internal,
        )
        settings, application = self._trial_settings, self.application
        return Trial(situation, settings, application, self._module, before=self)

    @property
    def expectations(self) -> list[Expectation]:
        """What the module has opened."""
        return list(self.nat.table.expectations.values())


def _new_nat(situation: Situation, settings: Settings, module: Alg | None) -> Nat:
    """A NAT in which the given endpoints are mapped as they were preset: a forward fixes what the
    assignment of ports would choose otherwise."""
    behavior = behavior_of(settings, random.Random(SEED))
    others = [each for each in behavior.external if each != situation.external.address]
    own = Forward(PROTOCOL_NUMBERS[situation.transport], situation.external, situation.internal)
    presets = [
        Forward(protocol, external, internal)
        for internal, external in situation.presets.items()
        for protocol in (UDP, TCP)
        if internal.port
    ]
    fixed = [
        Static(internal.address, external.address)
        for internal, external in situation.presets.items()
        if not internal.port
    ]
    chosen = replace(
        behavior,
        external=[situation.external.address, *others],
        statics=[*behavior.statics, *fixed],
        forwards=[*behavior.forwards, *dict.fromkeys((own, *presets))],
    )
    policy = Policy(module.decisions if module else {})
    return Nat(policy.behavior(chosen), Observer(), policy)


def _leg(table: Conntrack, situation: Situation) -> FlowLeg:
    """The way of a packet that carries the message."""
    protocol = PROTOCOL_NUMBERS[situation.transport]
    mapping = table.mappings.pinned[protocol, situation.internal]
    known = [flow for flow in mapping.flows() if flow.remote == situation.remote]
    flow = known[0] if known else table.open_flow(mapping, situation.remote, OpenedBy.PACKET, 0.0)
    table.choose_timer(flow)
    return flow.outbound if situation.direction is Direction.OUT else flow.inbound
