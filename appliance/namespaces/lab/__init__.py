"""The lab: a story among network namespaces, with the real appliance and real sockets.

In this order: `rooms.py` (the namespaces, and the appliance's configuration), `sockets.py` (a party
on real sockets), `streams.py` (its TCP connections), `stage.py` (all parties, the script and the
judge), `programs.py` (somebody's own program in a party's place).
"""
