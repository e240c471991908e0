"""Between two bridges: what `glassnat up`, `down` and `status` do around an appliance.

In this order: `plan.py` (what is made, and why two namespaces), `step.py`, `bridges.py` (what there
is, and what is refused), `wishes.py` (from the command line to a plan), `record.py` (written down
first), `work.py` (doing), `undo.py` (how each thing goes away again), `background.py` (the process
that stays), `ports.py` (until packets pass). While it is up: `renumber.py`. What may be added:
`dhcp.py`, `pinning.py`, `uplink.py`. What may be in the way: `firewall.py`.
"""
