"""What must change in FTP's commands and replies behind a NAT, and what must be opened for them?
Everything about FTP is here: parser, rules, reasons. Read `correct.py` first, then `message.py`.
"""
