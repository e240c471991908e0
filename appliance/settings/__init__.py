"""What can be chosen, what does a choice mean, and do the choices agree with each other? A row of
`table.py` for each key; files, profiles and `--set` all end there.
"""
