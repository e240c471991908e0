"""A place for a module. A flow on an ALG's port carries a *slot*, not a module: changing the module
during a call changes what stands in the slot, for flows that exist too.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from math import inf
from typing import Any

from alg import registry
from alg.base import Alg, Application
from alg.fault import Decider
from alg.off import Off
from appliance.gateway import modules
from appliance.gateway.memory import Bounds, Memory
from appliance.gateway.rehearsal import Ledger
from appliance.gateway.workers.module import ForeignModule
from appliance.gateway.workers.workshop import Workshop
from nat.endpoint import PROTOCOL_NUMBERS
from nat.policy import Decide

COUNTED = (
    *("seen", "rewritten", "unchanged", "opaque", "malformed"),
    *("refused", "errors", "let_go", "not_opened"),
)

MOST_MOVED = 1000
SETS_THE_NAT = "behavior"
"""The decision that is taken when settings change, not when a packet passes."""


class Slot:
    """The place of one application: a module, its settings, its memory and its counters. `moved`
    are the names of conversations that came to another state since somebody looked."""

    def __init__(
        self,
        application: Application,
        settings: Mapping[str, Any],
        workshop: Workshop | None = None,
    ) -> None:
        """Raises alg.registry.SpecError."""
        self.application = application
        self._workshop = workshop or Workshop()
        self._prepared: tuple[str, object, Alg] | None = None
        self.correct = application.correct()
        self.follower = application.follower() if application.follower else None
        self.moved: deque[str] = deque(maxlen=MOST_MOVED)
        self.module: Alg = Off()
        self.spec = "off"
        self.settings = settings
        self.bounds = Bounds()
        self.memory = Memory(self.bounds)
        self.shadow_memory = Memory(self.bounds)
        self.ledger = Ledger()
        self.errors_by_flow: dict[int, int] = {}
        self.counters = dict.fromkeys(COUNTED, 0)
        self.bitten: Counter[str] = Counter()
        """How often each fault has changed something (`bites.py`); also those that are switched on
        and have not yet."""
        self.configure(settings)

    @property
    def name(self) -> str:
        """The application's: also that of its section in the settings, `[alg.NAME]`."""
        return self.application.name

    @property
    def is_off(self) -> bool:
        """Is the module in it `off`?"""
        return isinstance(self.module, Off)  # anybody may call a module "off"

    @property
    def is_foreign(self) -> bool:
        """Is the module in it somebody's own?"""
        return isinstance(self.module, ForeignModule)

    @property
    def handler(self) -> str | None:
        """The name of the module in it; None for `off`, which handles nothing."""
        return None if self.is_off else self.module.name

    @property
    def observes(self) -> bool:
        """Is the correct module run dry beside the active one?"""
        is_correct = self.module.name == self.correct.name and not self.is_foreign
        return bool(self.settings.get("observe")) and not is_correct

    def prepare(self, settings: Mapping[str, Any]) -> Alg:
        """The module that these settings ask for, to be put in by `configure`. Raises
        alg.registry.SpecError."""
        spec, faults = str(settings["module"]), settings.get("faults", ())
        module = self.module
        if isinstance(module, ForeignModule) and spec == self.spec:
            module.restart()  # somebody sets it again
            self.errors_by_flow.clear()
        else:
            module = modules.load(spec, faults, self.name, self._workshop)
        self._prepared = spec, faults, module
        return module

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Take over changed settings. Raises alg.registry.SpecError."""
        spec = str(settings["module"])
        faults = settings.get("faults", ())
        if (spec, faults) != (self.spec, self.settings.get("faults", ())) or spec == "off":
            known = self._prepared
            is_prepared = known is not None and known[:2] == (spec, faults)
            module = known[2] if known and is_prepared else self.prepare(settings)
            if isinstance(self.module, ForeignModule) and module is not self.module:
                self.module.close()
            self.module, self._prepared = module, None
            if len(self.memory):  # who only watches now must know the calls that are running
                self.memory, self.shadow_memory = self.shadow_memory, self.memory
            self.memory.clear()
            self.errors_by_flow.clear()
            switched_on = [each.partition("@")[0] for each in registry.faults_of(spec, faults)]
            self.bitten = Counter({**dict.fromkeys(switched_on, 0), **+self.bitten})
        self.spec, self.settings = spec, settings

    def look(self, now: float) -> bool:
        """Look after a module of somebody's own; True when it decides at other points."""
        if not isinstance(self.module, ForeignModule):
            return False
        loads = self.module.loads
        decides_elsewhere = self.module.look(now)
        if self.module.loads != loads:  # its author may have mended it
            self.errors_by_flow.clear()
        return decides_elsewhere

    @property
    def next_look(self) -> float:
        """When `look` has something to do; inf: never, as things are."""
        return self.module.next_look if isinstance(self.module, ForeignModule) else inf

    def complaints(self) -> list[str]:
        """Failures of the module that no message was about, each told once."""
        if not isinstance(self.module, ForeignModule):
            return []
        told, self.module.complaints = self.module.complaints, []
        return told

    def decisions(self) -> dict[str, Decide]:
        """What the module decides in the place of the NAT (`nat/policy.py`). Where it raises, the
        NAT decides and the failure is counted."""
        return {
            point: self._guarded(point, decide) for point, decide in self.module.decisions.items()
        }

    def _guarded(self, point: str, decide: Decide) -> Decide:
        fault = decide.fault if isinstance(decide, Decider) and point != SETS_THE_NAT else ""

        def guarded(normal: Any, *facts: object) -> Any:
            try:
                answer = decide(normal, *facts)
                if fault and answer != normal:
                    self.bitten[fault] += 1
            except Exception:  # whatever a module does, the NAT goes on
                self.counters["errors"] += 1
                return normal
            return answer

        return guarded

    def ports(self) -> set[tuple[int, int]]:
        """(protocol, port) pairs that this application is looked for on, on the remote or the
        internal end."""
        return {
            (PROTOCOL_NUMBERS[transport], port)
            for transport in self.settings.get("transports", ("tcp",))
            for port in self.settings["ports"]
        }
