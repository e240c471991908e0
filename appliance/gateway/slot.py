"""A place for a module. A flow on an ALG's port carries a *slot*, not a module: changing the module
during a call changes what stands in the slot, for flows that exist too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from alg import registry
from alg.base import Alg, Application
from alg.foreign import Foreign
from alg.off import Off
from appliance.gateway.budget import FOREIGN_SECONDS, OutOfTime, time_budget
from appliance.gateway.memory import Bounds, Memory
from appliance.gateway.rehearsal import Ledger
from nat.endpoint import PROTOCOL_NUMBERS
from nat.policy import Decide

COUNTED = ("seen", "rewritten", "unchanged", "opaque", "malformed", "refused", "errors", "let_go")


class Slot:
    """The place of one application: a module, its settings, its memory and its counters."""

    def __init__(self, application: Application, settings: Mapping[str, Any]) -> None:
        """Raises alg.registry.SpecError."""
        self.application = application
        self.correct = application.correct()
        self.follower = application.follower() if application.follower else None
        self.module: Alg = Off()
        self.spec = "off"
        self.settings = settings
        self.bounds = Bounds()
        self.memory = Memory(self.bounds)
        self.shadow_memory = Memory(self.bounds)
        self.ledger = Ledger()
        self.errors_by_flow: dict[int, int] = {}
        self.counters = dict.fromkeys(COUNTED, 0)
        self.configure(settings)

    @property
    def name(self) -> str:
        """The application's: also that of its section in the settings, `[alg.NAME]`."""
        return self.application.name

    @property
    def is_off(self) -> bool:
        """Is the module in it `off`?"""
        return self.module.name == "off"

    @property
    def handler(self) -> str | None:
        """The name of the module in it; None for `off`, which handles nothing."""
        return None if self.is_off else self.module.name

    @property
    def observes(self) -> bool:
        """Is the correct module run dry beside the active one?"""
        return bool(self.settings.get("observe")) and self.module.name != self.correct.name

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take over changed settings. Raises alg.registry.SpecError."""
        spec = str(settings["module"])
        faults = settings.get("faults", ())
        if (spec, faults) != (self.spec, self.settings.get("faults", ())) or spec == "off":
            self.module = registry.load(spec, faults, self.name)
            self.memory.clear()
            self.errors_by_flow.clear()
        self.spec, self.settings = spec, settings

    def budget(self) -> AbstractContextManager[None]:
        """How long the module may take for a message: one that is not ours is watched."""
        is_foreign = isinstance(self.module, Foreign)
        return time_budget(FOREIGN_SECONDS) if is_foreign else nullcontext()

    def decisions(self) -> dict[str, Decide]:
        """What the module decides in the place of the NAT (`nat/policy.py`). Where it raises, the
        NAT decides and the failure is counted."""
        return {point: self._guarded(decide) for point, decide in self.module.decisions.items()}

    def _guarded(self, decide: Decide) -> Decide:
        def guarded(normal: Any, *facts: object) -> Any:
            try:
                with self.budget():
                    return decide(normal, *facts)
            except (Exception, OutOfTime):  # whatever a module does, the NAT goes on
                self.counters["errors"] += 1
                return normal

        return guarded

    def ports(self) -> set[tuple[int, int]]:
        """(protocol, port) pairs that this application is looked for on, on the remote or the
        internal end."""
        return {
            (PROTOCOL_NUMBERS[transport], port)
            for transport in self.settings.get("transports", ("tcp",))
            for port in self.settings["ports"]
        }
