"""All faults by name."""

from __future__ import annotations

from alg.sip_poor import headers, mappings, media, packets, pinholes, signalling, tcp, timers
from alg.sip_poor.fault import Fault

KINDS = (headers, media, pinholes, signalling, mappings, timers, packets, tcp)
"""The files that faults stand in: first those in messages, then those behind them."""

FAULTS: dict[str, Fault] = {fault.name: fault for kind in KINDS for fault in kind.FAULTS}
