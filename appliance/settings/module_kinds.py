"""The kinds of settings that say which ALG module stands in a slot, and what it does wrong.

Which modules there are is declared in one place, `alg/registry.py`. It imports them all, so it is
asked only when a setting names one: most commands have nothing to look up.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.settings.hints import one_of, shown
from appliance.settings.kinds import Kind, Schema

LONGEST_SPEC = 4096


@dataclass(frozen=True, slots=True)
class Spec(Kind):
    """An ALG module for an application: a name, `NAME:FAULT,FAULT` for the poor one, or
    `path/to/file.py:Class`.

    Of somebody's own module only the form is checked, and nothing is imported: it must not run
    before the program has given up its privileges.
    """

    application: str

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or not value.isprintable() or len(value) > LONGEST_SPEC:
            raise ValueError(f"{shown(value)} is not a module; one of: {self._choices}")
        head, colon, tail = value.rpartition(":")
        if colon and head.endswith(".py"):
            if not tail.isidentifier():
                raise ValueError(f"{shown(tail)} is not the name of a class in {shown(head)}")
            return value
        if value.endswith(".py"):
            raise ValueError(f"{shown(value)} lacks its class; write {shown(value + ':MyAlg')}")
        if value != "off":
            self._check_built_in(value)
        return value

    def _check_built_in(self, value: str) -> None:
        name, colon, faults = value.partition(":")
        if name not in self.modules:
            raise ValueError(one_of(name, (*self.modules, "FILE.py:CLASS")))
        if colon and (name != _poor(self.application) or not all(faults.split(","))):
            raise ValueError(f"{shown(value)} is not a module; one of: {self._choices}")
        _check(value, self.application)

    @property
    def modules(self) -> tuple[str, ...]:
        """The built-in modules that may stand in this slot, by name."""
        from alg import registry

        return tuple(registry.names(self.application))

    @property
    def _choices(self) -> str:
        poor = _poor(self.application)
        with_faults = (f"{poor}:FAULT,FAULT",) if poor else ()
        return ", ".join((*self.modules, *with_faults, "FILE.py:CLASS"))

    def schema(self) -> Schema:
        return {"type": "string", "examples": list(self.modules)}


@dataclass(frozen=True, slots=True)
class Fault(Kind):
    """A fault of an application's poor module, aimed or not: `no-sdp`, `no-sdp@method=INVITE`."""

    application: str

    def parse(self, value: object) -> str:
        poor = _poor(self.application)
        if not isinstance(value, str) or not value or len(value) > 128 or "," in value:
            raise ValueError(f"{shown(value)} is not a fault of {poor} (see: glassnat alg list)")
        _check(f"{poor}:{value}", self.application)
        return value

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": 128}


def _poor(application: str) -> str:
    """The module that takes faults; empty where there is none."""
    from alg import registry

    module = registry.poor(application)
    return module.name if module else ""


def _check(spec: str, application: str) -> None:
    """Raises ValueError when a fault, or its aim, is not known."""
    from alg import registry

    try:
        registry.load(spec, (), application)
    except registry.SpecError as error:
        raise ValueError(f"{error} (see: glassnat alg list)") from None
