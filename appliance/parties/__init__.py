"""The doubles: a phone, a PBX, later a STUN server, a mirror, an attacker.

Each is a pure state machine, so the same phone makes calls in the simulation and on real sockets.
Read in this order: party, machine, sipua, signalling, transactions, rtp, call, agent, phone,
pbx.
"""
