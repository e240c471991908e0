"""The kinds of settings that say which ALG module stands in a slot, and what it does wrong."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.settings.hints import one_of, shown
from appliance.settings.kinds import Kind, Schema

LONGEST_SPEC = 4096


@dataclass(frozen=True, slots=True)
class Spec(Kind):
    """An ALG module: a name, `NAME:FAULT,FAULT` for the `poor` one, or `path/to/file.py:Class`.

    Of somebody's own module only the form is checked, and nothing is imported: it must not run
    before the program has given up its privileges.
    """

    names: tuple[str, ...]
    poor: str = ""

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
        name, colon, faults = value.partition(":")
        if name not in self.modules:
            raise ValueError(one_of(name, (*self.modules, "FILE.py:CLASS")))
        if colon and (name != self.poor or not all(faults.split(","))):
            raise ValueError(f"{shown(value)} is not a module; one of: {self._choices}")
        if name != "off":
            _check(value)
        return value

    @property
    def modules(self) -> tuple[str, ...]:
        """The built-in modules that may stand in this slot, by name."""
        return (*self.names, self.poor) if self.poor else self.names

    @property
    def _choices(self) -> str:
        poor = (f"{self.poor}:FAULT,FAULT",) if self.poor else ()
        return ", ".join((*self.modules, *poor, "FILE.py:CLASS"))

    def schema(self) -> Schema:
        return {"type": "string", "examples": list(self.modules)}


@dataclass(frozen=True, slots=True)
class Fault(Kind):
    """A fault of the module `poor`, aimed or not: `no-sdp`, `no-sdp@method=INVITE`."""

    poor: str

    def parse(self, value: object) -> str:
        if not isinstance(value, str) or not value or len(value) > 128 or "," in value:
            sentence = f"{shown(value)} is not a fault of {self.poor}"
            raise ValueError(f"{sentence} (see: glassnat alg list)")
        _check(f"{self.poor}:{value}")
        return value

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": 128}


def _check(spec: str) -> None:
    """Raises ValueError when there is no such module, or a fault or its aim is not known."""
    from alg import registry  # all the modules: most commands have none to look up

    try:
        registry.load(spec)
    except registry.SpecError as error:
        raise ValueError(f"{error} (see: glassnat alg list)") from None
