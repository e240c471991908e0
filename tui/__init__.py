"""The screen: what would one like to see of a NAT at work?

It is a client like any other: it is fed with events and snapshots and knows no engine. `model.py`
keeps what is shown and can be tested without a terminal, `draw/` makes rows and lines of it, and
`widgets/` and `app.py` put them on the screen.
"""
