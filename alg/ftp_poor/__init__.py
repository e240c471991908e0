"""How do FTP ALGs go wrong? Three faults, each to be switched on alone. Read `faults.py` first."""
