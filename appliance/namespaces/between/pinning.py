"""One port, one address: an inside address belongs to the network card that used it first.

The NAT sees packets without Ethernet, so whoever sends with a neighbour's address is that neighbour
to it. Where the packets still have their frames, in the private namespace behind the bridge, they
can be told apart: a filter at the veth's end remembers which card came with an address, and drops
what comes with it from another, packets and ARP alike. An address that nobody has used for an hour
is free again.

Strategy: two sets, since one cannot ask a set of pairs for a half. `owners` has address and card,
`owned` the address alone. When a set is full nobody new gets in.
"""

from __future__ import annotations

import json

from appliance.namespaces.between.step import BRIDGE_END, Step
from appliance.wires import netns as namespaces
from appliance.wires.netns import CommandError

PROGRAM = "nft"
REMEMBERED = 65_536
"""Addresses at most."""
MEMORY = f"flags dynamic,timeout; timeout 1h; size {REMEMBERED};"
RULES = f"""
table netdev glassnat {{
 set owners {{ type ipv4_addr . ether_addr; {MEMORY} }};
 set owned {{ type ipv4_addr; {MEMORY} }};
 chain from-bridge {{
  type filter hook ingress device "{BRIDGE_END}" priority 0; policy accept;
  ip saddr 0.0.0.0 accept;
  arp saddr ip 0.0.0.0 accept;
  ip saddr . ether saddr @owners
   update @owners {{ ip saddr . ether saddr }} update @owned {{ ip saddr }} accept;
  ip saddr @owned counter drop;
  ether type ip add @owned {{ ip saddr }} add @owners {{ ip saddr . ether saddr }} accept;
  ether type ip counter drop;
  arp saddr ip . arp saddr ether @owners arp saddr ip . ether saddr @owners accept;
  arp saddr ip @owned counter drop;
  ether type arp add @owned {{ arp saddr ip }} add @owners {{ arp saddr ip . ether saddr }} accept;
  ether type arp counter drop;
 }};
}}"""


def step(netns: str) -> Step:
    """The filter, in a namespace that is made for it."""
    return Step(("ip", "netns", "exec", netns, PROGRAM, " ".join(RULES.split())))


def dropped(netns: str) -> int | None:
    """How many frames the filter has dropped so far, packets and ARP; None where there is none, or
    nobody may look. (The appliance itself cannot tell: they never come to it.)"""
    try:
        listed = namespaces.run(
            namespaces.within(netns, [PROGRAM, "-j", "list", "table", "netdev", "glassnat"])
        )
    except CommandError:
        return None
    return sum(
        int(part["counter"]["packets"])
        for entry in json.loads(listed)["nftables"]
        for part in entry.get("rule", {}).get("expr", ())
        if "counter" in part
    )
