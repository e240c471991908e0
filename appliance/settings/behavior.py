"""From settings to the behaviour that the NAT follows.

The values are in the form that the NAT works with since they were parsed (`kinds.py`), and have
been checked (`checks.py`); here each gets its place in `nat/behavior.py`.
"""

from __future__ import annotations

import random

from appliance.settings.table import Settings
from nat.behavior import Behavior, Limits, Timeouts


def behavior_of(settings: Settings, rng: random.Random) -> Behavior:
    """What the settings ask of the NAT. `rng` decides random ports."""
    return Behavior(
        networks=list(settings["inside.networks"]),
        external=list(settings["outside.external"]),
        gateway=settings["inside.gateway"],
        mapping=settings["nat.mapping"],
        filtering=settings["nat.filtering"],
        tcp_filtering=settings["nat.tcp_filtering"],
        ports=settings["nat.ports"],
        port_range=settings["nat.port_range"],
        port_rest=settings["nat.port_rest"],
        overloading=settings["nat.overloading"],
        poisoning=settings["nat.poisoning"],
        paired=settings["nat.pooling"],
        parity=settings["nat.parity"],
        hairpin=settings["nat.hairpin"],
        refresh_inbound=settings["nat.refresh_inbound"],
        keep_renumbered=settings["nat.renumbering"],
        eviction=settings["nat.eviction"],
        refusal=settings["nat.refusal"],
        answer_syns=settings["nat.answer_syns"],
        mss_clamp=settings["nat.mss_clamp"],
        untranslated=list(settings["nat.no_translate"]),
        timeouts=_timeouts(settings),
        limits=Limits(**settings.section("nat.limits")),
        statics=list(settings["nat.static"]),
        forwards=list(settings["nat.forward"]),
        mtu=(settings["inside.mtu"], settings["outside.mtu"]),
        rng=rng,
    )


def _timeouts(settings: Settings) -> Timeouts:
    """`auto` is the NAT's own default."""
    section = settings.section("nat.timeouts")
    return Timeouts(**{key: value for key, value in section.items() if value != "auto"})
