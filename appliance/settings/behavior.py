"""From settings, which people write, to the behaviour that the NAT follows.

The one place where the words of the configuration become the numbers and members of
`nat/behavior.py`. Everything has been checked before (`kinds.py`, `consistency.py`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from appliance.settings.table import Settings
from nat.behavior import (
    Behavior,
    Dependence,
    Forward,
    Limits,
    PortPolicy,
    Refusal,
    Static,
    Timeouts,
)
from nat.endpoint import PROTOCOL_NUMBERS, Endpoint, Network, parse_address


def behavior_of(settings: Settings, rng: random.Random) -> Behavior:
    """What the settings ask of the NAT. `rng` decides random ports."""
    values = settings.values
    gateway = values["inside.gateway"]
    tcp_filtering = values["nat.tcp_filtering"]
    return Behavior(
        networks=[Network.parse(text) for text in values["inside.networks"]],
        external=[parse_address(text) for text in values["outside.external"]],
        gateway=parse_address(gateway) if gateway else None,
        mapping=Dependence.named(values["nat.mapping"]),
        filtering=Dependence.named(values["nat.filtering"]),
        tcp_filtering=None if tcp_filtering == "as-udp" else Dependence.named(tcp_filtering),
        ports=PortPolicy(values["nat.ports"]),
        port_range=tuple(values["nat.port_range"]),
        port_rest=values["nat.port_rest"],
        overloading=values["nat.overloading"],
        poisoning=values["nat.poisoning"],
        paired=values["nat.pooling"] == "paired",
        parity=values["nat.parity"],
        hairpin=values["nat.hairpin"],
        refresh_inbound=values["nat.refresh_inbound"],
        keep_renumbered=values["nat.renumbering"] == "keep",
        eviction=values["nat.eviction"] == "unanswered-first",
        refusal=Refusal(values["nat.refusal"]),
        answer_syns=values["nat.answer_syns"],
        mss_clamp=values["nat.mss_clamp"],
        untranslated=[Network.parse(text) for text in values["nat.no_translate"]],
        timeouts=_timeouts(settings.section("nat.timeouts")),
        limits=Limits(**settings.section("nat.limits")),
        statics=[_static(rule) for rule in values["nat.static"]],
        forwards=[_forward(rule) for rule in values["nat.forward"]],
        mtu=(values["inside.mtu"], values["outside.mtu"]),
        rng=rng,
    )


def _timeouts(section: Mapping[str, Any]) -> Timeouts:
    closing = section["tcp_closing"]
    return Timeouts(**{**section, "tcp_closing": None if closing == "auto" else closing})


def _static(rule: Mapping[str, str]) -> Static:
    return Static(parse_address(rule["internal"]), parse_address(rule["external"]))


def _forward(rule: Mapping[str, str]) -> Forward:
    return Forward(
        PROTOCOL_NUMBERS[rule["protocol"]],
        Endpoint.parse(rule["external"]),
        Endpoint.parse(rule["internal"]),
    )
