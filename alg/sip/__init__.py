"""What must change in a SIP message behind a NAT, and what must be opened for it? Everything about
SIP is here: parser, rules, reasons, calls. Read `correct.py` first, then `rewriting.py`.
"""
