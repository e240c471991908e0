"""All faults by name."""

from __future__ import annotations

from alg.sip_poor import (
    addresses,
    dropped_messages,
    header_numbers,
    mappings,
    media,
    packets,
    pinholes,
    signalling,
    tcp,
    timers,
    via,
)
from alg.sip_poor.fault import Fault

KINDS = (
    addresses,
    via,
    header_numbers,
    dropped_messages,
    media,
    pinholes,
    signalling,
    mappings,
    timers,
    packets,
    tcp,
)
"""The files that faults stand in: first those in messages, then those behind them."""

FAULTS: dict[str, Fault] = {fault.name: fault for kind in KINDS for fault in kind.FAULTS}
