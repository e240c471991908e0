"""Which module a SPEC names: `off`, `sip`, `ftp-poor:FAULT,FAULT`, or `path/to/file.py:Class`.

Registration is two tables: the applications, and their modules. A module of somebody's own needs no
registration: a file and a class with the methods of `alg.base.Alg` will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from alg import tftp
from alg.base import Alg, Application
from alg.dns.application import DNS
from alg.dns.correct import Dns
from alg.dns_poor import faults as dns_faults
from alg.dns_poor.poor import DnsPoor
from alg.fault import Fault, UnknownFault
from alg.ftp.application import FTP
from alg.ftp.correct import Ftp
from alg.ftp_poor import faults as ftp_faults
from alg.ftp_poor.poor import FtpPoor
from alg.hint import Sign
from alg.off import Off
from alg.sip.application import SIP
from alg.sip.correct import Sip
from alg.sip_poor import faults as sip_faults
from alg.sip_poor.aim import AimError
from alg.sip_poor.poor import SipPoor
from alg.spec import is_foreign

APPLICATIONS: Mapping[str, Application] = {each.name: each for each in (SIP, FTP, DNS)}
"""Each has a slot in the appliance; a new one is a row here."""

SIGNS: Mapping[str, Sequence[Sign]] = {
    **{each.name: each.signs for each in APPLICATIONS.values()},
    "tftp": tftp.SIGNS,
}
"""How traffic is told that nobody reads, also that of protocols that have no module."""


class Module(NamedTuple):
    """A built-in module, as `alg list` shows it. `application` is empty for one that reads nothing
    and fits every slot; `faults` are those that it can be given, by name."""

    name: str
    application: str
    title: str
    does: str
    make: Callable[[Sequence[str]], Alg]
    faults: Mapping[str, Fault[Any]] = {}

    @property
    def takes_faults(self) -> bool:
        return bool(self.faults)


class SpecError(ValueError):
    """A SPEC that names nothing. The text is a sentence with the nearest valid value."""


MODULES: dict[str, Module] = {
    "off": Module(
        "off",
        "",
        "No ALG",
        "Leaves every message alone, which is often best.",
        lambda faults: Off(),
    ),
    "sip": Module(
        "sip",
        "sip",
        "The correct SIP ALG",
        "Translates exactly the tokens that are endpoints of the inside host, and opens pinholes.",
        lambda faults: Sip(),
    ),
    "sip-poor": Module(
        "sip-poor",
        "sip",
        "A SIP ALG that is wrong on purpose",
        "Does what the correct one does, except for the faults that are switched on.",
        SipPoor,
        sip_faults.FAULTS,
    ),
    "ftp": Module(
        "ftp",
        "ftp",
        "The correct FTP ALG",
        "Translates the endpoints of data connections of the inside host, and opens them once.",
        lambda faults: Ftp(),
    ),
    "ftp-poor": Module(
        "ftp-poor",
        "ftp",
        "An FTP ALG that is wrong on purpose",
        "Does what the correct one does, except for the faults that are switched on.",
        FtpPoor,
        ftp_faults.FAULTS,
    ),
    "dns": Module(
        "dns",
        "dns",
        "The correct DNS ALG",
        "Translates addresses that an inside host has to itself, in answers and in their names.",
        lambda faults: Dns(),
    ),
    "dns-poor": Module(
        "dns-poor",
        "dns",
        "A DNS ALG that is wrong on purpose",
        "Does what the correct one does, except for the faults that are switched on.",
        DnsPoor,
        dns_faults.FAULTS,
    ),
}


def load(spec: str, faults: Sequence[str] = (), application: str = "") -> Alg:
    """The built-in module that `spec` names, for the slot of an application (by default its own).
    `faults` are those of the scenario or profile, for a poor module that names none itself. Raises
    SpecError, also for a module of somebody's own: those are never loaded into the process that
    asks (`appliance/gateway/modules.py`)."""
    name, colon, rest = spec.partition(":")
    if is_foreign(spec):
        raise SpecError(f"{spec!r} runs in a process of its own")
    fitting = names(application) if application else list(MODULES)
    module = MODULES.get(name)
    if module is None:
        there_are = f"there are {', '.join(fitting)} and path/to/file.py:Class"
        raise SpecError(f"{spec!r} is not a module{nearest(name, fitting, there_are)}")
    if name not in fitting:
        there_are = ", ".join(fitting)
        raise SpecError(f"{name!r} does not read {application.upper()}; there are {there_are}")
    if colon and not module.takes_faults:
        takes_them = poor(application or module.application or SIP.name)
        hint = f"; did you mean '{takes_them.name}:{rest}'?" if takes_them else ""
        raise SpecError(f"{name!r} takes no faults{hint}")
    try:
        return module.make(faults_of(spec, faults))
    except UnknownFault as unknown:
        hint = nearest(str(unknown), module.faults, "`glassnat alg list` shows them all")
        raise SpecError(f"{str(unknown)!r} is not a fault of {name}{hint}") from None
    except AimError as error:
        raise SpecError(str(error)) from None


def faults_of(spec: str, own: Sequence[str] = ()) -> list[str]:
    """The faults that a SPEC switches on, as they are written there, or else its slot's `own`; none
    where the module takes none."""
    name, colon, rest = spec.partition(":")
    module = MODULES.get(name)
    if module is None or not module.takes_faults:
        return []
    return [part for each in (rest.split(",") if colon else own) if (part := str(each).strip())]


def names(application: str) -> list[str]:
    """The built-in modules that may stand in the slot of an application."""
    return [each.name for each in MODULES.values() if each.application in ("", application)]


def poor(application: str) -> Module | None:
    """The module of an application that takes faults, if there is one."""
    own = (each for each in MODULES.values() if each.application == application)
    return next((each for each in own if each.takes_faults), None)


def application_of(spec: str, message: bytes = b"") -> Application:
    """The application that a SPEC is for. For one that fits every slot, and for a module of
    somebody's own, it is the one that can read `message` best; SIP when none can."""
    module = MODULES.get(spec.partition(":")[0])
    if module and module.application:
        return APPLICATIONS[module.application]
    return max(APPLICATIONS.values(), key=lambda each: each.soundness(message))


def nearest(word: str, valid: Iterable[str], otherwise: str) -> str:
    """The end of an error's sentence: the valid value most like `word`, or what else to say."""
    close = get_close_matches(word, list(valid), n=1, cutoff=0.66)
    return f"; did you mean {close[0]!r}?" if close else f"; {otherwise}"


def message_name(payload: bytes) -> tuple[str, str]:
    """A message in a word or two, and the name of its conversation, where its protocol is told by
    the first line; empty texts for anything else. The texts come from the network."""
    for application in APPLICATIONS.values():
        if application.first_line is not None and application.first_line.match(payload):
            return application.summary(payload)
    return "", ""
