"""`[nat]`: how the NAT behaves, and the rules that people make for single hosts."""

from __future__ import annotations

from appliance.settings.kinds import Choice, Flag, ListOf, PortRange, Records, Seconds
from appliance.settings.network_kinds import Address, EndpointText, Prefix
from appliance.settings.setting import Setting, live
from nat.behavior import Dependence, Forward, PortPolicy, Refusal, Static
from nat.endpoint import TCP, UDP

DEPENDENCE = {
    word: Dependence.named(word)
    for word in ("endpoint-independent", "address-dependent", "address-and-port-dependent")
}
"""From the least to the most that is remembered of a remote endpoint."""

NAT = (
    live(
        "nat.mapping",
        Choice(DEPENDENCE),
        "endpoint-independent",
        "how much of the remote endpoint a mapping depends on",
        "RFC 4787 4.1",
    ),
    live(
        "nat.filtering",
        Choice(DEPENDENCE),
        "address-dependent",
        "who may answer through a mapping",
        "RFC 4787 5",
    ),
    live(
        "nat.tcp_filtering",
        Choice({"as-udp": None, **DEPENDENCE}),
        "as-udp",
        "who may answer or connect through a mapping of TCP, if not as nat.filtering says",
        "RFC 5382 REQ-3",
    ),
    live(
        "nat.ports",
        Choice({policy.value: policy for policy in PortPolicy}),
        "preserve",
        "how an external port is chosen",
        "RFC 4787 4.2.1",
    ),
    live(
        "nat.port_range",
        PortRange(),
        [1024, 65535],
        "external ports to choose from",
        "RFC 4787 4.2.2",
    ),
    live(
        "nat.overloading",
        Flag(),
        False,
        "may one external port serve several mappings? (Linux does)",
        "RFC 4787 REQ-3",
    ),
    live(
        "nat.poisoning",
        Flag(),
        False,
        "does an unsolicited packet take its port away from flows to its sender? (Linux does)",
    ),
    live(
        "nat.pooling",
        Choice({"paired": True, "arbitrary": False}),
        "paired",
        "does a host always appear under the same one of several external addresses?",
        "RFC 4787 REQ-2",
    ),
    live("nat.parity", Flag(), True, "even ports stay even, odd ports odd", "RFC 4787 REQ-4"),
    live(
        "nat.hairpin",
        Flag(),
        True,
        "may inside hosts reach each other by their external endpoints?",
        "RFC 4787 REQ-9",
    ),
    live(
        "nat.refresh_inbound",
        Flag(),
        False,
        "does inbound traffic keep a mapping alive?",
        "RFC 4787 REQ-6a",
    ),
    live(
        "nat.port_rest",
        Seconds(low=0.0),
        120.0,
        "a released external port rests this long before another host gets it",
        "RFC 6888 REQ-8",
    ),
    live("nat.mss_clamp", Flag(), False, "cut the TCP segment size in SYNs down to the MTU"),
    live(
        "nat.refusal",
        Choice({refusal.value: refusal for refusal in Refusal}),
        "prohibited",
        "what a host hears when there is no room for its flow: ICMP code 13, code 1, or nothing",
        "RFC 5508 REQ-8, RFC 6888 REQ-11",
    ),
    live(
        "nat.answer_syns",
        Flag(),
        True,
        "does an unsolicited SYN get ICMP port unreachable after six seconds?",
        "RFC 5382 REQ-4",
    ),
    live(
        "nat.eviction",
        Choice({"off": False, "unanswered-first": True}),
        "off",
        "does a full table forget an unanswered flow to make room? (Linux does)",
        "RFC 6888 REQ-11",
    ),
    live(
        "nat.renumbering",
        Choice({"flush": False, "keep": True}),
        "flush",
        "what becomes of flows whose external address is taken away",
    ),
    Setting(
        "nat.no_translate",
        ListOf(Prefix()),
        [],
        "remotes that are reached without translation: they see inside addresses",
        "RFC 6888 REQ-6",
        sample=["198.51.100.0/24"],
    ),
    live(
        "nat.static",
        Records(Static, {"internal": Address(), "external": Address()}),
        [],
        "1:1: this host has this external address to itself",
        "RFC 2663 4.1.1",
        sample=[{"internal": "192.168.20.10", "external": "203.0.113.10"}],
    ),
    live(
        "nat.forward",
        Records(
            Forward,
            {
                "protocol": Choice({"udp": UDP, "tcp": TCP}),
                "external": EndpointText(),
                "internal": EndpointText(),
            },
        ),
        [],
        "port forwarding: strangers may open flows to this inside endpoint",
        sample=[
            {
                "protocol": "udp",
                "external": "203.0.113.1:5060",
                "internal": "192.168.20.10:5060",
            }
        ],
    ),
)
