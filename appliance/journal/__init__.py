"""What happened, and how often? Events in the past tense, counters, drops with their reasons, the
sentences made of them, and the recordings that keep them.
"""
