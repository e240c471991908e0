"""What draws: one widget a file. All text reaches Textual through `drawn.py`."""
