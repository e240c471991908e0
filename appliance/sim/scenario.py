"""Scenarios: a story with parties, a script and an expected outcome, as data.

A scenario is a folder under `appliance/scenarios/` with a `scenario.toml`, which this file reads,
and a `guide.md` for the person in front of it. A party's table has the words of its class in
`appliance/parties/`; `[settings]` is written like a configuration file.
"""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from importlib.resources import files
from typing import Any, Literal

import msgspec

from nat.endpoint import Endpoint, Side, parse_address


class ScenarioError(ValueError):
    """A scenario that does not exist or cannot be read. The text is a sentence."""


class PartyTable(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """What all parties have: which side of the NAT they are on, and where.

    See `Habits` in `appliance/parties/agent.py`; with `port_unreachable` their host answers
    datagrams to closed ports by an ICMP error.
    """

    address: str
    side: Literal["inside", "outside"]
    sip_port: int = 5060
    answer_after: float | None = 2.0  # seconds
    comedia: bool = False
    transport: Literal["udp", "tcp"] = "udp"
    segment: int = 0  # bytes of a message in one TCP segment; 0: as many as fit
    port_unreachable: bool = False

    @property
    def wire(self) -> Side:
        return Side[self.side.upper()]


class PhoneTable(PartyTable, tag="phone", kw_only=True):
    """See `appliance/parties/phone.py`."""

    registrar: str
    rtp_port: int = 4000
    expires: int = 3600  # seconds


class PbxTable(PartyTable, tag="pbx", kw_only=True):
    """See `appliance/parties/pbx.py`."""

    users: list[str]
    rtp_port: int = 10000
    force_rport: bool = False
    qualify: float = 0.0  # seconds
    max_expires: int = 3600  # seconds


class Act(msgspec.Struct, forbid_unknown_fields=True):
    """At `at` seconds a person tells a party to `do` something, perhaps to somebody (`whom`)."""

    at: float
    party: str
    do: str
    whom: str = ""


class Links(msgspec.Struct, forbid_unknown_fields=True):
    """One-way delays between the hosts and the NAT, in seconds."""

    inside: float = 0.001
    outside: float = 0.010


class Expectation(msgspec.Struct, forbid_unknown_fields=True):
    """What must come of it with one ALG module; `evidence` names counts that must be equal."""

    outcome: str
    evidence: dict[str, int] = {}


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A whole story. `expect` is by ALG SPEC, `duration` is in seconds."""

    title: str
    lesson: str
    duration: float
    parties: dict[str, PhoneTable | PbxTable]
    script: list[Act]
    name: str = ""
    guide: str = ""
    seed: int = 1
    settings: dict[str, Any] = {}
    links: Links = msgspec.field(default_factory=Links)
    expect: dict[str, Expectation] = {}


def list_scenarios() -> list[Scenario]:
    """All scenarios that come with the program, by name."""
    return [load_scenario(name) for name in _names()]


def load_scenario(name: str) -> Scenario:
    """The scenario of this name. Raises ScenarioError with the nearest name."""
    names = _names()
    if name not in names:
        close = get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
        raise ScenarioError(f"{name[:60]!r} is not a scenario; {hint}")
    folder = files("appliance").joinpath("scenarios", name)
    scenario = read_scenario(folder.joinpath("scenario.toml").read_text("utf-8"), name)
    scenario.guide = folder.joinpath("guide.md").read_text("utf-8")
    return scenario


def read_scenario(text: str, name: str) -> Scenario:
    """A scenario from its TOML. Raises ScenarioError, with the name and what is wrong where."""
    try:
        scenario = msgspec.convert(tomllib.loads(text), Scenario)
        scenario.name = name
        check(scenario)
    except ValueError as error:  # both TOMLDecodeError and msgspec.ValidationError are
        raise ScenarioError(f"scenario {name!r}: {error}") from None
    return scenario


def _names() -> list[str]:
    folder = files("appliance").joinpath("scenarios")
    return sorted(
        entry.name for entry in folder.iterdir() if entry.joinpath("scenario.toml").is_file()
    )


def check(scenario: Scenario) -> None:
    """What the types cannot say. Raises ValueError."""
    for name, party in scenario.parties.items():
        parse_address(party.address)
        if party.segment < 0:
            raise ValueError(f"party {name!r}: no segment has {party.segment} bytes")
        if isinstance(party, PhoneTable):
            Endpoint.parse(party.registrar)
        elif not party.users:
            raise ValueError(f"party {name!r} has no users")
    for act in scenario.script:
        if act.party not in scenario.parties:
            close = get_close_matches(act.party, scenario.parties, n=1, cutoff=0.0)
            raise ValueError(f"script: {act.party!r} is no party; did you mean {close[0]!r}?")
        if not 0 <= act.at <= scenario.duration:
            raise ValueError(f"script: {act.at} s is not within the {scenario.duration} s it lasts")
