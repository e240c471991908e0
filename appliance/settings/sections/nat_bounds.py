"""`[nat.timeouts]` and `[nat.limits]`: how long the NAT remembers, and how much."""

from __future__ import annotations

from appliance.settings.kinds import Seconds, SecondsByPort, Whole
from appliance.settings.setting import live

_COUNT = Whole(1, 10_000_000)

TIMEOUTS = (
    live(
        "nat.timeouts.udp_unanswered",
        Seconds(),
        120.0,
        "UDP, nothing came back yet",
        "RFC 4787 REQ-5",
    ),
    live("nat.timeouts.udp", Seconds(), 300.0, "UDP, both directions seen", "RFC 4787 REQ-5c"),
    live("nat.timeouts.tcp_established", Seconds(), 7440.0, "TCP, established", "RFC 5382 REQ-5"),
    live(
        "nat.timeouts.tcp_transitory",
        Seconds(),
        240.0,
        "TCP, opening or closing",
        "RFC 5382 REQ-5",
    ),
    live(
        "nat.timeouts.tcp_closing",
        Seconds(words=("auto",)),
        "auto",
        "TCP, closing or reset; auto: as tcp_transitory",
        "RFC 7857 2.1",
    ),
    live("nat.timeouts.icmp", Seconds(), 60.0, "ICMP queries (ping)", "RFC 5508 REQ-2"),
    live(
        "nat.timeouts.fragments",
        Seconds(),
        30.0,
        "the rest of a datagram must have come by then",
        "RFC 791 3.2",
    ),
    live(
        "nat.timeouts.udp_by_port",
        SecondsByPort(),
        {53: 30.0},
        "UDP, by remote port, in the place of the two above",
        "RFC 4787 REQ-5a",
    ),
)

LIMITS = (
    live("nat.limits.flows", _COUNT, 65536, "flows in all", "RFC 6888 REQ-5"),
    live("nat.limits.flows_per_host", _COUNT, 8192, "flows of one host", "RFC 6888 REQ-4"),
    live(
        "nat.limits.ports_per_host",
        Whole(0, 10_000_000),
        0,
        "external ports of one host; 0 = as many as its flows and expectations may need",
        "RFC 6888 REQ-4",
    ),
    live(
        "nat.limits.resting_ports",
        Whole(0, 65536),
        65536,
        "ports at rest (see nat.port_rest), for each protocol and external address",
        "RFC 6888 REQ-8",
    ),
    live(
        "nat.limits.unanswered_per_host",
        _COUNT,
        2048,
        "flows of one host that nobody has answered yet",
    ),
    live("nat.limits.expectations", _COUNT, 4096, "expectations that ALGs hold open"),
    live("nat.limits.expectations_per_host", _COUNT, 512, "the same, of one host"),
    live(
        "nat.limits.expectations_per_parent",
        _COUNT,
        8,
        "the same, of one call or registration (counted in mappings)",
    ),
    live(
        "nat.limits.waiting_syns",
        Whole(0, 65536),
        256,
        "unsolicited SYNs that are remembered for six seconds",
        "RFC 5382 REQ-4",
    ),
    live(
        "nat.limits.fragments",
        Whole(1, 65536),
        64,
        "datagrams that wait for the rest of their fragments",
        "RFC 4787 REQ-14a",
    ),
    live("nat.limits.fragments_per_host", Whole(1, 65536), 8, "the same, from one address"),
    live("nat.limits.fragment_pieces", Whole(2, 8192), 64, "fragments of one datagram"),
    live("nat.limits.fragment_bytes", Whole(65536, 1 << 30), 1 << 20, "bytes of all of them"),
    live(
        "nat.limits.icmp_per_second",
        Whole(0, 1_000_000),
        100,
        "ICMP messages that the NAT sends by itself; 0 = none",
        "RFC 1812 4.3.2.8",
    ),
    live(
        "nat.limits.icmp_per_second_per_target", Whole(0, 1_000_000), 10, "the same, to one address"
    ),
    live(
        "nat.limits.new_flows_per_second_per_host",
        Whole(0, 10_000_000),
        1000,
        "with a burst of twice that; 0 = no limit",
        "RFC 6888 REQ-4",
    ),
)
