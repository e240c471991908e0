"""How do DNS ALGs go wrong? Each fault is to be switched on alone. Read `faults.py` first."""
