"""What must change in DNS questions and answers behind a NAT? Everything about DNS is here: the
walk over a message, rules, reasons. Read `correct.py` first, then `message.py`.
"""
