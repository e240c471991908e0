"""The same datapath with no kernel and no wall clock.

Everything here stands *around* the NAT: a clock that jumps, links that delay, hosts in memory, and
somebody who keeps the score. What happens to a packet is decided by the same engine as on real
wires. Read in this order: clock, segment, incoming, tcp_states, tcp, packets,
host, network, outcome, scenario, simulation; then axes, matrix, difference, which play many.
"""
