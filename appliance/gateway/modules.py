"""From a SPEC to a module: ours are made in this process, anybody else's runs in a worker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alg import registry
from alg.base import Alg
from alg.spec import is_foreign
from appliance.gateway.workers.module import ForeignModule
from appliance.gateway.workers.workshop import Workshop


def load(spec: str, faults: Sequence[str], application: str, workshop: Workshop) -> Alg:
    """The module that `spec` names, for the slot of an application. Raises SpecError."""
    if not is_foreign(spec):
        return registry.load(spec, faults, application)
    path, _, class_name = spec.partition(":")
    return ForeignModule(Path(path), class_name, application, workshop)
