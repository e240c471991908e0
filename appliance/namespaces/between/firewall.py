"""Does the machine's own firewall drop what its bridges carry? Looking, never touching.

With the module `br_netfilter` (Docker and Kubernetes load it) frames from one port of a bridge to
another pass iptables, as if they were routed. Docker also sets the policy of FORWARD to DROP. Both
together drop what machines send to each other, and to the appliance: everything looks right, and
nothing comes.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from appliance.wires import netns

BRIDGED_FRAMES = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
TABLES_OF_OLD = Path("/proc/net/ip_tables_names")
"""Those of iptables as it was before nftables; only root may read it."""


def sees_bridged_frames() -> bool:
    """Do frames between two ports of a bridge pass iptables here?"""
    return _read(BRIDGED_FRAMES).strip() == "1"


def dropping_chain() -> str:
    """What drops everything that is forwarded and not allowed, by its name; empty: nothing does.
    Raises CommandError when that cannot be seen."""
    if "filter" in _read(TABLES_OF_OLD).split():  # (to ask otherwise would make the table)
        rules = netns.run(["iptables-legacy", "-S", "FORWARD"])
        if "-P FORWARD DROP" in rules:
            return "iptables' FORWARD"
    for entry in json.loads(netns.run(["nft", "-j", "list", "chains"]))["nftables"]:
        chain: dict[str, Any] = entry.get("chain", {})
        is_asked = chain.get("hook") == "forward" and chain.get("family") in ("ip", "inet")
        if is_asked and chain.get("policy") == "drop":
            return f"{chain['family']} {chain['table']} {chain['name']}"
    return ""


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text("ascii")
    return ""
