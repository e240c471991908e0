"""A name server for the machines inside and for the lab, on real sockets.

    forwarding.py   what becomes of each question, without a socket or a clock ★ read first
    serving.py      the sockets: UDP and TCP, on one address
    hosts.py        the names that it knows by itself, as people write them
    own.py          the same as zones

What it answers by itself is `appliance/parties/zone.py`'s, the same as in the simulation.
"""
