"""All faults by name."""

from __future__ import annotations

from alg.fault import Fault
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
from alg.sip_poor.case import Case

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
"""The files that faults stand in, a new one too: first those in messages, then those behind
them."""

FAULTS: dict[str, Fault[Case]] = {fault.name: fault for kind in KINDS for fault in kind.FAULTS}
